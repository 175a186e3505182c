"""What may be asked for in which chain mode, and whose the assets are to be."""

import pytest
from solders.keypair import Keypair

from minting.gateway import preflight_mint_request
from minting.states import ActivationMode
from tests.chain.assets.conftest import assets, group
from tests.chain.trees.rows import make_tree
from tests.factories import make_product
from tests.minting.requests import request_for
from tests.planes import acting_as
from tieback.brands.scoping import brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("network")]
OWNER = str(Keypair.from_seed(b"o" * 32).pubkey())


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"chain_mode": "cnft", "leaf_owner": OWNER}, []),
        ({"chain_mode": "anchor", "leaf_owner": OWNER}, ["LEAF_OWNER_WITHOUT_ASSETS"]),
        ({"chain_mode": "cnft", "leaf_owner": "1" * 32}, ["LEAF_OWNER_INVALID"]),
        (
            {
                "chain_mode": "cnft_on_first_scan",
                "activation_mode": ActivationMode.ACTIVE_AT_MINT,
            },
            ["CHAIN_MODE_NEEDS_FIRST_SCAN"],
        ),
        ({"chain_mode": "dogecoin"}, ["CHAIN_MODE_UNAVAILABLE"]),
    ],
)
def test_a_request_is_told_what_does_not_fit_its_mode(nordhav, fields, codes):
    request = request_for(make_product(nordhav), **fields)
    with brand_scope(nordhav.brand.id):
        reasons = preflight_mint_request(nordhav.brand.id, request)
    assert [reason.code for reason in reasons] == codes


@pytest.mark.parametrize(
    ("mode", "count"),
    [("none", 0), ("anchor", 0), ("cnft", 3), ("cnft_on_first_scan", 0), ("cnft_on_demand", 0)],
)
def test_only_one_mode_wishes_for_all_units(proven, mode, count):
    assert len(assets(proven(3, chain_mode=mode))) == count


def test_the_assets_of_a_batch_are_whose_the_request_said(wished, nordhav):
    with acting_as("worker"):
        make_tree(nordhav, depth=14)
    job = wished(3, leaf_owner=OWNER)
    group()
    rows = assets(job)
    assert {row.owner for row in rows} == {OWNER}
    assert {owner for _, owner in rows[0].submission.payload["mints"]} == {OWNER}
    with brand_scope(job.brand_id):
        assert job.batch.leaf_owner == OWNER
