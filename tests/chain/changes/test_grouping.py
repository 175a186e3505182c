"""Which leaves are due, how they are packed, and what keeps them: without a chain.

What a mint would have told is made of the same pure parts that read it.
"""

import secrets

import pytest
from solders.pubkey import Pubkey
from solders.signature import Signature

from minting.chain.assets.minting import MINT, Told
from minting.chain.bubblegum.leaves import leaf_of
from minting.chain.bubblegum.metadata import Metadata
from minting.chain.bubblegum.mirror import Mirror
from minting.chain.bubblegum.programs import Version
from minting.chain.changes import grouping
from minting.chain.changes.updating import UPDATE
from minting.chain.sending.claims import claim
from minting.chain.sending.kinds import Done
from minting.chain.sending.retrying import retry_submission
from minting.chain.sending.storing import record_error
from minting.models import ChainBudget, ChainTransaction, MintBatch
from minting.revocations import Act, Why, revoke_units
from minting.states import RevocationReason
from minting.tasks import sweep
from tests.chain.assets.conftest import assets, group, network  # noqa: F401 - a fixture
from tests.chain.changes.conftest import change, group_changes
from tests.chain.sending.conftest import submissions
from tests.chain.trees.rows import make_tree, somebody
from tests.planes import acting_as
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("network")]
OTHER = somebody()


@pytest.fixture
def tree(nordhav):
    """A tree as one is made that nobody has said otherwise of."""
    with acting_as("worker"):
        return make_tree(nordhav, depth=20, max_buffer_size=64, canopy=10)


@pytest.fixture
def completed(wished, tree):
    """Return a function that mints a batch whose assets are completed."""

    def mint(quantity=12, **fields):
        job = wished(quantity, **fields)
        group()
        with acting_as("worker"), brand_scope(job.brand_id):
            for number, flight in enumerate(one for one in claim(100) if one.kind == "mint"):
                complete(job, tree, flight, first=8 * number)
        assert {row.status for row in assets(job)} == {"completed"}
        return job

    return mint


def complete(job, tree, flight, *, first):
    transaction = landed(job, flight)
    learnt = []
    for place, (name, owner) in enumerate(flight.payload["mints"]):
        leaf = leaf_of(
            Version.V1,
            tree=Pubkey.from_string(tree.address),
            nonce=first + place,
            owner=Pubkey.from_string(owner or tree.creator),
            metadata=Metadata(name=name, uri=flight.payload["uri"]),
        )
        learnt.append(Told(place, leaf, leaf.hash))
    MINT.completed(Done(flight, transaction.pk, 0, learnt))


def landed(job, flight):
    """Leave the transaction of a submission; return it."""
    return ChainTransaction.objects.create(
        brand_id=job.brand_id,
        batch_id=job.batch_id,
        submission_id=flight.id,
        kind=flight.kind,
        attempt=1,
        network="devchain",
        payer=somebody(),
        signature=str(Signature(secrets.token_bytes(Signature.LENGTH))),
        signed_bytes=b"\x01",
        last_valid_block_height=1,
    )


def updates(job):
    return [one for one in submissions(job) if one.kind == "update"]


def test_every_leaf_of_a_changed_batch_is_updated_in_as_few_transactions_as_fit(
    completed, monkeypatch
):
    job = completed(12)
    assert group_changes().assets == 0
    document = change(job)

    def die(name: str) -> None:
        if name == "changes.before_commit":
            raise SystemExit

    monkeypatch.setattr(grouping, "reach", die)
    with pytest.raises(SystemExit):
        group_changes()
    monkeypatch.undo()
    assert updates(job) == []
    done = group_changes()
    assert (done.assets, done.is_more) == (12, False)
    made = updates(job)
    assert sorted(len(one.payload["leaves"]) for one in made) == [2] * 6
    assert {one.payload["document"] for one in made} == {str(document.pk)}
    for row in assets(job):
        (one,) = [each for each in made if each.pk == row.change_submission_id]
        assert one.payload["leaves"][row.change_place] == [row.leaf_index, row.name]
        assert row.document_id != document.pk
    assert group_changes().assets == 0
    with acting_as("worker"), brand_scope(job.brand_id):
        flight = next(one for one in claim(100) if one.kind == "update")
        record_error(flight, "TreeAuthorityIncorrect", final=True)
        failed = [row for row in assets(job) if row.change_error]
        assert {row.change_submission_id for row in failed} == {flight.id}
        assert retry_submission(submission_id=flight.id, act=Act("user:1"))
        assert not any(row.change_error for row in assets(job))


def test_what_the_cap_leaves_no_room_for_waits(completed, nordhav):
    job = completed(4)
    with acting_as("web"), brand_scope(job.brand_id):
        ChainBudget.objects.create(brand=nordhav.brand, lamports_per_day=5_000)
    change(job)
    assert group_changes().assets == 0
    with acting_as("web"), brand_scope(job.brand_id):
        ChainBudget.objects.update(lamports_per_day=10**9)
    assert group_changes().assets == 4
    # A further change while these are under way: the leaves are due again once they are settled.
    second = change(job, {"repair_information": "Send it to us."})
    assert group_changes().assets == 0
    with acting_as("worker"), brand_scope(job.brand_id):
        for flight in [one for one in claim(100) if one.kind == "update"]:
            settle(job, flight)
    assert group_changes().assets == 4
    assert {one.payload["document"] for one in updates(job) if one.status == "pending"} >= {
        str(second.pk)
    }


def settle(job, flight):
    """Write down that an update has landed."""
    told = []
    for place, (index, name) in enumerate(flight.payload["leaves"]):
        (row,) = [one for one in assets(job) if one.leaf_index == index]
        leaf = leaf_of(
            Version.V1,
            tree=Pubkey.from_string(flight.payload["tree"]),
            nonce=index,
            owner=Pubkey.from_string(row.owner),
            metadata=Metadata(name=name, uri=flight.payload["uri"]),
        )
        told.append(Told(place, leaf, leaf.hash))
    UPDATE.completed(Done(flight, landed(job, flight).pk, 0, told))


def test_an_asset_is_given_away_once_and_minted_first_where_there_is_none(
    wished, completed, nordhav, client_of
):
    client = client_of(nordhav)
    job = wished(2, chain_mode="cnft_on_demand")
    with brand_scope(job.brand_id):
        first, second = job.batch.units.order_by("ordinal")

    def give(unit, to=OTHER):
        answer = client.post(f"/api/v1/mint-units/{unit.token}/transfer/", {"to": to})
        error = answer.json().get("error") or {}
        return answer.status_code, error.get("code")

    assert give(first) == (202, None)
    assert give(first) == (200, None)
    assert give(first, somebody()) == (409, "TRANSFER_UNDER_WAY")
    assert give(first, "nobody")[0] == 400
    (row,) = assets(job)
    assert (row.status, row.transfer_to, row.owner) == ("pending", OTHER, "")
    with brand_scope(job.brand_id):
        assert AuditEntry.objects.filter(action="unit_asset.given").count() == 1
        why = Why(RevocationReason.LOST, "")
        revoke_units(brand_id=job.brand_id, tokens=[second.token], why=why, act=Act("user:1"))
    assert give(second) == (409, "UNIT_REVOKED")
    anchored = wished(1, chain_mode="anchor")
    owned = wished(1, chain_mode="cnft_on_demand", leaf_owner=somebody())
    with brand_scope(job.brand_id):
        assert give(anchored.batch.units.get()) == (409, "UNIT_WITHOUT_ASSET")
        assert give(owned.batch.units.get()) == (409, "ASSET_NOT_OURS")
    assert assets(owned) == assets(anchored) == []
    # It is there: a transfer goes before updates, and the sweep rings for it.
    sold = completed(2)
    with brand_scope(job.brand_id):
        unit = sold.batch.units.order_by("ordinal").first()
    assert give(unit) == (202, None)
    with acting_as("worker"):
        sweep()
    group_changes()
    (made,) = [one for one in submissions(sold) if one.kind == "transfer"]
    assert (made.payload["to"], made.payload["lamports"]) == (OTHER, 0)


def test_a_batch_shows_what_it_was_minted_with_whoever_makes_it(wished):
    job = wished(1)
    with brand_scope(job.brand_id):
        batch = MintBatch.objects.get(pk=job.batch_id)
    assert batch.shown_version_id == batch.passport_version_id


def test_a_mirror_that_follows_is_the_one_made_anew():
    leaves = [bytes([number]) * 32 for number in range(1, 12)]
    mirror = Mirror(5, leaves[:5])
    for index, leaf in [(2, leaves[9]), *enumerate(leaves[5:], start=5), (0, leaves[3])]:
        mirror.put(index, leaf)
    whole = [leaves[3], leaves[1], leaves[9], *leaves[3:]]
    anew = Mirror(5, whole)
    assert (mirror.root, len(mirror)) == (anew.root, len(anew))
    assert all(mirror.path(index) == anew.path(index) for index in range(32))
    assert mirror.leaf(2) == leaves[9]
    assert mirror.leaf(20) == bytes(32)
    with pytest.raises(ValueError, match="No leaf can be put at 30"):
        mirror.put(30, leaves[0])
