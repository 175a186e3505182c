"""From the wish to the leaf, on a dev chain that runs Bubblegum itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from minting.chain.assets.grouping import Grouped
from minting.chain.assets.minting import instructions_of
from minting.chain.assets.naming import name_of
from minting.chain.bubblegum.leaves import leaf_of
from minting.chain.bubblegum.metadata import Metadata, keccak
from minting.chain.bubblegum.programs import Version
from minting.models import ChainTree
from minting.proofs.giving import proof_of
from minting.proofs.merkle import leaf_hash
from tests.chain.assets.collections import make_collection
from tests.chain.assets.conftest import assets, group, leaves_on, planted
from tests.chain.changes.conftest import finish as finish_changes
from tests.chain.checking import problems_found
from tests.chain.reconciliation.conftest import without_rules
from tests.chain.test_real_programs import send
from tests.planes import acting_as
from tests.resolver.conftest import connections  # noqa: F401 - a fixture
from tests.resolver.scanning import scan
from tieback.brands.scoping import brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.programs]
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


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


@pytest.mark.parametrize(
    ("version", "has_collection"), [(Version.V1, False), (Version.V2, False), (Version.V2, True)]
)
def test_every_unit_gets_the_leaf_that_the_chain_told_of(
    sender, wished, nordhav, settings, version, has_collection
):
    settings.SOLANA_TREE_SCHEMA = int(version)
    collection = make_collection(sender.chain, sender.keypair) if has_collection else None
    tree = planted(sender, nordhav, version, str(collection or ""))
    owner = Keypair().pubkey()
    job = wished(40, leaf_owner=str(owner))
    rows = finish(sender, job)
    assert {(row.status, row.error_message) for row in rows} == {("completed", "")}
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
            metadata=Metadata(name=name, uri=row.metadata_uri, collection=collection),
        )
        assert (row.name, row.owner, row.asset_id) == (name, str(owner), str(leaf.id))
        assert bytes(row.leaf_hash) == leaf.hash == told[row.leaf_index].hash
    if collection:
        assert {one.leaf.collection_hash for one in told} == {keccak(bytes(collection))}
    with acting_as("worker"), brand_scope(job.brand_id):
        tree = ChainTree.objects.get(pk=tree.pk)
    assert (tree.current_supply, tree.reserved) == (40, 0)


@pytest.mark.usefixtures("connections")
def test_a_persons_first_scan_ends_in_a_leaf_and_a_programs_in_none(sender, wished, nordhav):
    tree, owner = planted(sender, nordhav), str(Keypair().pubkey())
    job = wished(3, chain_mode="cnft_on_first_scan", activation_mode="first_scan", leaf_owner=owner)
    with brand_scope(job.brand_id):
        gtin, units = job.batch.gtin, list(job.batch.units.order_by("ordinal"))
    with acting_as("resolver"):
        scan(f"/01/{gtin}/21/{units[0].token}", user_agent=GOOGLEBOT)
        found = [scan(f"/01/{gtin}/21/{units[1].token}").finding for _ in range(2)]
    assert [one.is_first_scan for one in found] == [True, False]
    (row,) = finish(sender, job)
    (told,) = leaves_on(sender.chain, tree.address)
    assert (row.unit.token, row.status, row.owner) == (units[1].token, "completed", owner)
    assert (row.leaf_index, bytes(row.leaf_hash)) == (told.leaf.nonce, told.hash)
    with acting_as("worker"):
        assert group() == Grouped(0, is_more=False)


def test_what_is_asked_for_on_demand_is_the_leaf_of_whom_it_is_given_to(
    sender, wished, nordhav, client_of
):
    tree, owner, buyer = planted(sender, nordhav), Keypair().pubkey(), Keypair().pubkey()
    job = wished(3, chain_mode="cnft_on_demand")
    with brand_scope(job.brand_id):
        tokens = job.batch.units.order_by("ordinal").values_list("token", flat=True)
        owned, given, _ = tokens
    client = client_of(nordhav)
    for path, body in (
        (f"{owned}/mint-on-chain/", {"owner": str(owner)}),
        # There is none to be given away: it is minted first.
        (f"{given}/transfer/", {"to": str(buyer)}),
    ):
        assert client.post(f"/api/v1/mint-units/{path}", body).status_code == 202
    finish_changes(sender, job)
    last = {
        one.leaf.nonce: one.leaf.owner for one in reversed(leaves_on(sender.chain, tree.address))
    }
    shown = {
        token: client.get(f"/api/v1/mint-units/{token}/asset/").json()["data"]
        for token in (owned, given)
    }
    assert {token: one["owner"] for token, one in shown.items()} == {
        owned: str(owner),
        given: str(buyer),
    }
    assert {one["leaf_index"]: one["owner"] for one in shown.values()} == {
        index: str(whose) for index, whose in last.items()
    }
    assert len(assets(job)) == 2


@pytest.mark.parametrize("version", Version)
def test_the_checker_finds_what_the_chain_has_otherwise_than_the_rows(
    sender, wished, nordhav, settings, version
):
    settings.SOLANA_TREE_SCHEMA = int(version)
    planted(sender, nordhav, version)
    job = wished(10)
    rows = finish(sender, job)
    sender.finish(job)
    assert (problems_found(sender.chain, "I9"), problems_found(sender.chain, "I14")) == ([], [])
    elsewhere = f"it is at {rows[0].tree.address}:"
    with swapped(rows[0], rows[1]):
        found = problems_found(sender.chain, "I14")
    assert [line.startswith(elsewhere) for line in found] == [True, True]
    # Another transaction of what was minted already, with nobody's knowledge.
    again = instructions_of(rows[0].submission.payload, sender.keypair.pubkey())[:1]
    send(sender.chain, sender.keypair, *again)
    sender.chain.wait_for_slot(sender.chain.status()["slot"] + 34)
    twice, counted = problems_found(sender.chain, "I14")
    assert twice == f"minted 2 times: {rows[0].submission.payload['mints'][0][0]}"
    assert counted.endswith("it counts 11, its history has 11, the row says 10")


@contextmanager
def swapped(one, other) -> Iterator[None]:
    """Say of two assets that each has the other's leaf."""
    give = "update minting_unitasset set leaf_index = %s, asset_id = %s where id = %s"

    def put(first, second) -> None:
        with without_rules("minting_unitasset") as cursor:
            cursor.execute("update minting_unitasset set leaf_index = 99 where id = %s", [one.pk])
            cursor.execute(give, [first.leaf_index, first.asset_id, other.pk])
            cursor.execute(give, [second.leaf_index, second.asset_id, one.pk])

    put(one, other)
    yield
    put(other, one)
