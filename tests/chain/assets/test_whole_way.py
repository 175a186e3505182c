"""From the wish to the leaf, on a dev chain that runs Bubblegum itself."""

import time

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from minting.chain.assets.naming import name_of
from minting.chain.bubblegum.leaves import leaf_of
from minting.chain.bubblegum.metadata import Metadata
from minting.chain.bubblegum.programs import Version
from minting.models import ChainTree
from minting.proofs.giving import proof_of
from minting.proofs.merkle import leaf_hash
from tests.chain.assets.conftest import assets, group, leaves_on, planted
from tests.planes import acting_as
from tieback.brands.scoping import brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.programs]


def finish(sender, job):
    deadline = time.monotonic() + 60
    while True:
        group()
        sender.turn()
        rows = assets(job)
        if {row.status for row in rows} <= {"completed", "failed"}:
            return rows
        assert time.monotonic() < deadline, [(row.status, row.error_message) for row in rows]
        time.sleep(0.02)


@pytest.mark.parametrize("version", Version)
def test_every_unit_gets_the_leaf_that_the_chain_told_of(
    sender, wished, nordhav, settings, version
):
    settings.SOLANA_TREE_SCHEMA = int(version)
    tree = planted(sender, nordhav, version)
    owner = Keypair().pubkey()
    job = wished(40, leaf_owner=str(owner))
    rows = finish(sender, job)
    assert {row.status for row in rows} == {"completed"}
    told = leaves_on(sender.chain, tree.address)
    assert (
        sorted(row.leaf_index for row in rows) == [one.leaf.nonce for one in told] == [*range(40)]
    )
    for row in rows:
        with acting_as("worker"), brand_scope(job.brand_id):
            name = name_of(leaf_hash(proof_of(row.unit).leaf.data))
        leaf = leaf_of(
            version,
            tree=Pubkey.from_string(tree.address),
            nonce=row.leaf_index,
            owner=owner,
            metadata=Metadata(name=name, uri=row.metadata_uri),
        )
        assert (row.name, row.owner, row.asset_id) == (name, str(owner), str(leaf.id))
        assert bytes(row.leaf_hash) == leaf.hash == told[row.leaf_index].hash
    with acting_as("worker"), brand_scope(job.brand_id):
        tree = ChainTree.objects.get(pk=tree.pk)
    assert (tree.current_supply, tree.reserved) == (40, 0)
