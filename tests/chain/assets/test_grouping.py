"""Assets that wait are grouped into transactions: whole, once, and in turns."""

import pytest
from solders.pubkey import Pubkey

from minting.chain.assets import grouping, waiting
from minting.chain.assets.minting import MINT, matched
from minting.chain.assets.naming import name_of
from minting.chain.assets.waiting import why_it_waits
from minting.chain.bubblegum.events import LeafTold
from minting.chain.bubblegum.leaves import leaf_of
from minting.chain.bubblegum.metadata import Metadata
from minting.chain.bubblegum.programs import Version
from minting.chain.budgets import spent_today
from minting.chain.sending.claims import claim
from minting.chain.sending.kinds import Done
from minting.chain.sending.retrying import retry_submission
from minting.chain.sending.storing import record_error
from minting.models import (
    ChainBudget,
    ChainSubmission,
    ChainTransaction,
    ChainTree,
    MintEvent,
)
from minting.proofs.giving import proof_of
from minting.proofs.merkle import leaf_hash
from minting.revocations import Act, Why, revoke_units
from minting.states import Priority, RevocationReason
from minting.tasks import group as group_task
from minting.tasks import sweep
from tests.chain.assets.conftest import assets, group, pin
from tests.chain.trees.rows import make_tree, trees_of
from tests.planes import acting_as
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("network")]
ACT = Act("user:1")


@pytest.fixture
def tree(nordhav):
    with acting_as("worker"):
        return make_tree(nordhav, depth=14)


def in_scope(job):
    return brand_scope(job.brand_id)


def standing(job) -> list[tuple[str, str]]:
    return [(row.status, row.error_message) for row in assets(job)]


def test_every_unit_of_a_batch_is_named_by_its_proof_and_placed_once(wished, tree):
    job = wished(1_500)
    rows = assets(job)
    assert {row.status for row in rows} == {"pending"}
    assert [row.unit.ordinal for row in rows] == [*range(1, 1_501)]
    done = group()
    assert (done.assets, done.is_more) == (1_500, False)
    rows = assets(job)
    assert {row.status for row in rows} == {"processing"}
    assert len({(row.submission_id, row.place) for row in rows}) == 1_500
    with acting_as("worker"), in_scope(job):
        for row in (rows[0], rows[777], rows[-1]):
            assert row.name == name_of(leaf_hash(proof_of(row.unit).leaf.data))
            mints = row.submission.payload["mints"]
            assert mints[row.place] == [row.name, row.owner]
            assert row.tree_id == tree.pk
            assert row.submission.payload["uri"] == row.metadata_uri
        sizes = [len(one.payload["mints"]) for one in ChainSubmission.objects.filter(kind="mint")]
        assert ChainTree.objects.get(pk=tree.pk).reserved == 1_500
    # None but the last is not full.
    assert sorted(sizes)[1:] == [max(sizes)] * (len(sizes) - 1)
    assert group().assets == 0


def test_an_asset_says_what_it_waits_for_until_it_is_there(proven, nordhav, settings):
    settings.CHAIN_GROUP_SIZE = 50
    job = proven(60, chain_mode="cnft")

    def reason() -> str:
        row = assets(job)[0]
        with acting_as("worker"), in_scope(job):
            return why_it_waits(row)

    assert group().assets == 0
    assert "document to be pinned" in reason()
    pin(job)
    assert group().assets == 0
    assert "room in a tree" in reason()
    with acting_as("worker"):
        # Asked for because there was no room; one with room for some of them comes first.
        assert [row.status for row in trees_of(nordhav)] == ["creating"]
        make_tree(nordhav, depth=5)
    assert group().assets == 32
    with acting_as("worker"):
        make_tree(nordhav, depth=6)
    assert group().assets == 28
    settings.SOLANA_NETWORK = "devnet"
    other = assets(proven(1, chain_mode="cnft"))[0]
    settings.SOLANA_NETWORK = "devchain"
    with acting_as("worker"), in_scope(job):
        assert why_it_waits(other) == "It waits for workers of the network devnet."
    assert group().assets == 0


def test_what_a_worker_died_over_waits_on_and_no_room_is_taken(wished, tree, monkeypatch):
    job = wished(20)

    def die(name: str) -> None:
        if name == "assets.before_commit":
            raise SystemExit

    monkeypatch.setattr(grouping, "reach", die)
    with pytest.raises(SystemExit):
        group()
    assert {row.status for row in assets(job)} == {"pending"}
    with acting_as("worker"), in_scope(job):
        assert ChainTree.objects.get(pk=tree.pk).reserved == 0
    monkeypatch.undo()
    assert group().assets == 20


def test_units_that_were_revoked_meanwhile_get_none(wished, tree, nordhav):
    job = wished(3)
    revoked = assets(job)[1]
    with acting_as("web"), in_scope(job):
        revoke_units(
            brand_id=nordhav.brand.id,
            tokens=[revoked.unit.token],
            why=Why(RevocationReason.STOLEN, ""),
            act=ACT,
        )
    group()
    assert standing(job) == [
        ("processing", ""),
        ("failed", "The unit is revoked."),
        ("processing", ""),
    ]


def test_a_batch_that_nothing_can_be_made_of_keeps_no_other_waiting(
    wished, tree, monkeypatch, settings
):
    settings.CHAIN_GROUP_SIZE = 50
    broken, sound = wished(10), wished(60)
    real = grouping.uri_of

    def uri_of(document, base):
        if document.passport_version_id == broken.batch.passport_version_id:
            raise ValueError("no such address")
        return real(document, base)

    monkeypatch.setattr(grouping, "uri_of", uri_of)
    assert group().assets == 60
    assert {row.status for row in assets(broken)} == {"pending"}
    assert {row.status for row in assets(sound)} == {"processing"}


def test_urgent_batches_come_first_and_enough_is_enough(wished, tree, monkeypatch):
    standard = wished(30)
    urgent = wished(30, priority=Priority.URGENT)
    monkeypatch.setattr(waiting, "MOST_UNSENT", 1)
    assert group().assets == 30
    assert {row.status for row in assets(urgent)} == {"processing"}
    assert {row.status for row in assets(standard)} == {"pending"}
    assert group().assets == 0


def test_the_task_groups_and_rings_for_the_sender_and_the_sweep_for_the_task(
    wished, tree, monkeypatch
):
    rung = []
    job = wished(5)
    monkeypatch.setattr("minting.pipeline.ring_step", lambda *a, **k: rung.append(a))
    with acting_as("worker"):
        sweep()
        assert ("chain.group", job.batch_id) in rung
        rung.clear()
        group_task("hint")
    assert rung == [("chain.submit", "hint")]


def test_what_failed_goes_on_in_the_submission_it_was_part_of(wished, tree):
    job = wished(5)
    group()
    before = [(row.submission_id, row.place) for row in assets(job)]
    with acting_as("worker"):
        for flight in claim(10):
            if flight.kind == "mint":
                record_error(flight, "TreeAuthorityIncorrect", final=True)
    assert standing(job) == [("failed", "TreeAuthorityIncorrect")] * 5
    with acting_as("console"), all_brands():
        assert retry_submission(submission_id=before[0][0], act=ACT)
    rows = assets(job)
    assert [(row.submission_id, row.place) for row in rows] == before
    assert [(row.status, row.retry_count) for row in rows] == [("processing", 1)] * 5


def test_what_the_chain_told_completes_and_counts(wished, tree, nordhav):
    job = wished(5)
    group()
    rows = assets(job)
    (submission,) = {row.submission for row in rows}
    owner = Pubkey.from_string(tree.creator)
    told = []
    for row in rows:
        leaf = leaf_of(
            Version.V1,
            tree=Pubkey.from_string(tree.address),
            nonce=90 - row.place,
            owner=owner,
            metadata=Metadata(name=row.name, uri=row.metadata_uri),
        )
        told.append(LeafTold(leaf, leaf.hash))
    with acting_as("worker"), in_scope(job):
        transaction = ChainTransaction.objects.create(
            brand_id=job.brand_id,
            batch_id=job.batch_id,
            submission=submission,
            kind="mint",
            attempt=1,
            network="devchain",
            payer=tree.creator,
            signature="1" * 64,
            signed_bytes=b"\x01",
            last_valid_block_height=1,
        )
        (flight,) = [one for one in claim(10) if one.kind == "mint"]
        learnt = matched(flight.payload, told)
        MINT.completed(Done(flight, transaction.pk, 0, learnt))
        # Told twice, it is counted once.
        MINT.completed(Done(flight, transaction.pk, 0, learnt))
        kept = ChainTree.objects.get(pk=tree.pk)
    assert (kept.current_supply, kept.reserved) == (5, 0)
    for row in assets(job):
        assert (row.status, row.leaf_index, row.owner) == ("completed", 90 - row.place, str(owner))
        assert row.transaction_id == transaction.pk
        assert row.processed_at is not None
    with acting_as("worker"), in_scope(job):
        assert proof_of(rows[0].unit).asset.leaf_index == 90 - rows[0].place


def test_a_brands_daily_cap_holds_assets_back_and_says_so(wished, tree, nordhav):
    job = wished(60)
    with acting_as("web"), in_scope(job):
        # The anchor has no need to ask, and is counted.
        ChainBudget.objects.create(brand=nordhav.brand, lamports_per_day=9_999)
    assert group().assets == 0
    assert {row.status for row in assets(job)} == {"pending"}
    with acting_as("worker"), in_scope(job):
        assert "daily cap" in why_it_waits(assets(job)[0])
        assert ChainTree.objects.get(pk=tree.pk).reserved == 0
        told = MintEvent.objects.filter(batch_id=job.batch_id, type="batch.held_back")
        assert told.get().data["needed"] == 5_000
    with acting_as("web"), in_scope(job):
        ChainBudget.objects.update(lamports_per_day=5_000 + 3 * 5_000 + 4_999)
    # What is left at the end of the day is used: three transactions of eight.
    assert group().assets == 24
    with acting_as("worker"), in_scope(job):
        assert ChainTree.objects.get(pk=tree.pk).reserved == 24
        assert spent_today(nordhav.brand.id) == 20_000
    with acting_as("web"), in_scope(job):
        ChainBudget.objects.update(lamports_per_day=None)
    assert group().assets == 36
