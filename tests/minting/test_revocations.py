"""Revoking: named units at once, ranges in steps, counters exact at every commit."""

from threading import Thread

import pytest
from django.db import connection, transaction

from minting import cycles
from minting.finalize import record_error
from minting.leases import claim_next
from minting.lots import Lot
from minting.models import MintBatch, MintEvent, MintJob, MintRevocation, MintUnit
from minting.revocations import (
    Act,
    BatchStillMinting,
    Why,
    revoke_batch,
    revoke_lot,
    revoke_range,
    revoke_units,
    work_next_step,
)
from minting.states import (
    ActivationMode,
    IdentityMode,
    PhysicalStatus,
    RevocationReason,
    RevocationStatus,
    UnitStatus,
)
from minting.worker import work_next_job
from tests.factories import BrandWorld, make_world
from tests.minting.requests import queued_job, reread
from tests.planes import acting_as
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import all_brands, brand_scope
from tieback.errors import NotFound, ValidationFailed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]

ACT = Act("credential:mk_live_1", "found on a market stall", "req-9")
STOLEN = Why(RevocationReason.STOLEN, "found on a market stall")
SPOILED = Why(RevocationReason.SPOILED, "printed twice")


@pytest.fixture
def nordhav(transactional_db) -> BrandWorld:
    with acting_as("web"):
        return make_world("nordhav")


@pytest.fixture(autouse=True)
def small_steps(settings):
    settings.TIEBACK_CYCLE_SIZE = 4


def minted(world: BrandWorld, quantity: int = 10, **fields) -> MintJob:
    job = queued_job(world, quantity, **fields)
    work_next_job()
    return job


def on_the_web(world: BrandWorld, function, **given) -> MintRevocation:
    with acting_as("web"), brand_scope(world.brand.id):
        return function(**given, act=ACT)


def units(job: MintJob) -> list[MintUnit]:
    with brand_scope(job.brand_id):
        return list(MintUnit.objects.filter(batch_id=job.batch_id).order_by("ordinal"))


def revoked(job: MintJob) -> list[int]:
    return [unit.ordinal for unit in units(job) if unit.status == UnitStatus.REVOKED]


def counters(job: MintJob) -> tuple[int, int, int]:
    batch = reread(job).batch
    return batch.revoked_quantity, batch.revoked_active_quantity, batch.voided_quantity


def audit_entries() -> list[AuditEntry]:
    with acting_as("console"), all_brands():
        return list(AuditEntry.objects.filter(action="mint_units.revoked"))


def finish() -> int:
    """Do every step that waits; return how many there were."""
    steps = 0
    while work_next_step() is not None:
        steps += 1
    return steps


def test_named_units_are_revoked_at_once_with_their_reason(nordhav):
    job = minted(nordhav)
    tokens = [unit.token for unit in units(job)][2:5]
    act = on_the_web(nordhav, revoke_units, brand_id=nordhav.brand.id, tokens=tokens, why=STOLEN)
    assert (act.status, act.revoked_quantity, act.batch_id) == ("completed", 3, job.batch_id)
    assert revoked(job) == [3, 4, 5]
    assert all(unit.revocation_id == act.id for unit in units(job)[2:5])
    assert all(unit.revoked_at is not None for unit in units(job)[2:5])
    assert counters(job) == (3, 0, 0)


def test_units_of_several_batches_are_one_act(nordhav):
    one, two = minted(nordhav, 3), minted(nordhav, 3)
    tokens = [units(one)[0].token, units(two)[0].token]
    act = on_the_web(nordhav, revoke_units, brand_id=nordhav.brand.id, tokens=tokens, why=STOLEN)
    assert (act.revoked_quantity, act.batch_id) == (2, None)
    assert counters(one) == counters(two) == (1, 0, 0)
    assert len(audit_entries()) == 1


def test_an_unknown_token_is_named_and_nothing_is_revoked(nordhav):
    job = minted(nordhav)
    tokens = [units(job)[0].token, "ZZZZZZZZZZZZZZZZZZZZ", "not a token,"]
    with pytest.raises(ValidationFailed) as refused:
        on_the_web(nordhav, revoke_units, brand_id=nordhav.brand.id, tokens=tokens, why=STOLEN)
    assert [fault.field for fault in refused.value.fields] == ["tokens[1]", "tokens[2]"]
    assert revoked(job) == []


def test_another_brands_units_are_unknown(nordhav):
    with acting_as("web"):
        other = make_world("ateljen")
    job = minted(other, 3)
    with pytest.raises(ValidationFailed):
        on_the_web(
            nordhav,
            revoke_units,
            brand_id=nordhav.brand.id,
            tokens=[units(job)[0].token],
            why=STOLEN,
        )
    with pytest.raises(NotFound):
        on_the_web(nordhav, revoke_batch, batch_id=job.batch_id, why=STOLEN)
    assert revoked(job) == []


def test_a_unit_is_revoked_once_and_keeps_its_first_reason(nordhav):
    job = minted(nordhav)
    token = units(job)[0].token
    first = on_the_web(
        nordhav, revoke_units, brand_id=nordhav.brand.id, tokens=[token, token], why=STOLEN
    )
    again = on_the_web(nordhav, revoke_range, batch_id=job.batch_id, first=1, last=2, why=SPOILED)
    assert (first.requested_quantity, first.revoked_quantity) == (1, 1)
    assert (again.revoked_quantity, again.already_revoked_quantity) == (1, 1)
    assert units(job)[0].revocation_id == first.id
    assert counters(job) == (2, 0, 1)


def test_a_short_range_is_done_when_the_request_ends(nordhav):
    job = minted(nordhav)
    act = on_the_web(nordhav, revoke_range, batch_id=job.batch_id, first=7, last=10, why=STOLEN)
    assert act.status == RevocationStatus.COMPLETED
    assert revoked(job) == [7, 8, 9, 10]


@pytest.mark.parametrize(("first", "last"), [(0, 3), (3, 2), (1, 11), (11, 11)])
def test_a_range_outside_the_batch_is_refused(nordhav, first, last):
    job = minted(nordhav)
    with pytest.raises(ValidationFailed):
        on_the_web(nordhav, revoke_range, batch_id=job.batch_id, first=first, last=last, why=STOLEN)


def test_a_batch_is_revoked_in_steps_whose_counters_equal_the_rows(nordhav):
    job = minted(nordhav, activation_mode=ActivationMode.ACTIVE_AT_MINT)
    act = on_the_web(nordhav, revoke_batch, batch_id=job.batch_id, why=STOLEN)
    assert act.status == RevocationStatus.PENDING
    seen = []
    while work_next_step() is not None:
        seen.append((len(revoked(job)), *counters(job)[:2]))
    assert seen == [(4, 4, 4), (8, 8, 8), (10, 10, 10)]
    with brand_scope(nordhav.brand.id):
        done = MintRevocation.objects.get(pk=act.id)
        told = MintEvent.objects.filter(batch_id=job.batch_id, type__startswith="units.")
        assert [event.type for event in told.order_by("id")] == [
            "units.revoked",
            "units.revocation_completed",
        ]
    assert (done.status, done.revoked_quantity, done.next_ordinal) == ("completed", 10, 11)
    assert len(audit_entries()) == 1


def test_a_step_that_dies_leaves_nothing_and_is_done_again(nordhav):
    job = minted(nordhav)
    on_the_web(nordhav, revoke_batch, batch_id=job.batch_id, why=STOLEN)
    work_next_step()
    with transaction.atomic():
        work_next_step()
        transaction.set_rollback(True)
    assert revoked(job) == [1, 2, 3, 4]
    assert counters(job)[0] == 4
    assert finish() == 2
    assert revoked(job) == list(range(1, 11))
    assert counters(job)[0] == 10


def test_units_revoked_before_are_counted_apart(nordhav):
    job = minted(nordhav)
    on_the_web(nordhav, revoke_range, batch_id=job.batch_id, first=2, last=3, why=STOLEN)
    act = on_the_web(nordhav, revoke_batch, batch_id=job.batch_id, why=STOLEN)
    finish()
    with brand_scope(nordhav.brand.id):
        act.refresh_from_db()
    assert (act.revoked_quantity, act.already_revoked_quantity) == (8, 2)


def test_a_batch_that_is_being_minted_is_revoked_by_range_only(nordhav):
    job = queued_job(nordhav, 10)
    cycles.run_cycle(claim_next())
    with pytest.raises(BatchStillMinting):
        on_the_web(nordhav, revoke_batch, batch_id=job.batch_id, why=STOLEN)
    on_the_web(nordhav, revoke_range, batch_id=job.batch_id, first=1, last=4, why=STOLEN)
    assert revoked(job) == [1, 2, 3, 4]


def test_spoiled_labels_of_a_whole_batch_count_as_voided(nordhav):
    job = minted(nordhav, 3)
    on_the_web(nordhav, revoke_batch, batch_id=job.batch_id, why=SPOILED)
    with brand_scope(nordhav.brand.id):
        batch = MintBatch.objects.get(pk=job.batch_id)
    assert batch.physical_status == PhysicalStatus.VOIDED
    assert batch.voided_quantity == 3


def test_the_act_is_audited_with_who_why_and_what(nordhav):
    job = minted(nordhav)
    act = on_the_web(nordhav, revoke_range, batch_id=job.batch_id, first=1, last=2, why=STOLEN)
    (entry,) = audit_entries()
    assert (entry.actor, entry.target_id) == ("credential:mk_live_1", str(act.id))
    assert (entry.reason, entry.request_id) == ("found on a market stall", "req-9")
    assert entry.after["reason"] == "stolen"
    assert (entry.after["first_ordinal"], entry.after["last_ordinal"]) == (1, 2)


def test_acts_on_the_same_units_wait_for_each_other_and_never_for_good(nordhav, settings):
    settings.TIEBACK_CYCLE_SIZE = 2000
    job = minted(nordhav, 2000)
    tokens = [unit.token for unit in units(job)]
    failed = []

    def act(function, **given) -> None:
        try:
            with brand_scope(nordhav.brand.id):
                function(**given, why=STOLEN, act=ACT)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    with acting_as("web"):
        brand_id = nordhav.brand.id
        threads = [
            Thread(target=act, args=(revoke_units,), kwargs={"brand_id": brand_id, "tokens": some})
            for some in (tokens, tokens[::-1])
        ]
        whole = {"batch_id": job.batch_id, "first": 1, "last": 2000}
        threads += [Thread(target=act, args=(revoke_range,), kwargs=whole) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    assert counters(job) == (2000, 0, 0)


def test_a_failed_batch_is_revoked_by_range_only_since_it_may_go_on(nordhav):
    job = queued_job(nordhav, 10)
    claim = claim_next()
    cycles.run_cycle(claim)
    record_error(claim, "broken", final=True)
    with pytest.raises(BatchStillMinting):
        on_the_web(nordhav, revoke_batch, batch_id=job.batch_id, why=SPOILED)
    on_the_web(nordhav, revoke_range, batch_id=job.batch_id, first=1, last=4, why=SPOILED)
    assert revoked(job) == [1, 2, 3, 4]


def test_a_lot_is_revoked_and_the_others_stay(nordhav):
    lots = (Lot("L1", 3), Lot("L2", 4), Lot("L3", 3))
    job = minted(nordhav, identity_mode=IdentityMode.BATCH, lots=lots)
    act = on_the_web(nordhav, revoke_lot, batch_id=job.batch_id, lot_code="L2", why=STOLEN)
    assert (act.kind, act.first_ordinal, act.last_ordinal) == ("lot", 4, 7)
    assert revoked(job) == [4, 5, 6, 7]
    with pytest.raises(ValidationFailed) as refused:
        on_the_web(nordhav, revoke_lot, batch_id=job.batch_id, lot_code="L4", why=STOLEN)
    assert [fault.field for fault in refused.value.fields] == ["lot"]
