"""Cancelling, pausing and resuming jobs: between two cycles, once, and audited."""

import pytest

from minting import cycles, worker
from minting.leases import Fenced, claim_next
from minting.lifecycle import (
    AlreadyPaused,
    NotCancellable,
    NotPausable,
    NotPaused,
    PhysicalStatusConflict,
    cancel_job,
    pause_brand,
    pause_job,
    pause_queue,
    resume_brand,
    resume_job,
    resume_queue,
    set_physical_status,
)
from minting.models import MintEvent, MintJob, MintPause, MintUnit
from minting.remaining import remaining_quantities
from minting.retries import NotRetryable, retry_job
from minting.revocations import Act
from minting.states import BatchStatus, JobStatus, PhysicalStatus, Priority, UnitStatus
from minting.worker import Outcome, work_next_job
from tests.factories import BrandWorld, make_product, make_production_batch, make_world
from tests.minting.requests import queued_job, request_for, reread, submit
from tests.planes import acting_as
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import all_brands, brand_scope
from tieback.errors import NotFound

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]

ACT = Act("user:7", "printer on fire", "req-1")


@pytest.fixture
def nordhav(transactional_db) -> BrandWorld:
    with acting_as("web"):
        return make_world("nordhav")


@pytest.fixture
def ateljen(transactional_db) -> BrandWorld:
    with acting_as("web"):
        return make_world("ateljen")


@pytest.fixture(autouse=True)
def small_cycles(settings):
    settings.TIEBACK_CYCLE_SIZE = 4
    settings.RETRY_BASE_DELAY_MS = 1


def on_the_web(brand: BrandWorld, function, **given):
    """Call an act as the web plane does, in the brand's transaction."""
    with acting_as("web"), brand_scope(brand.brand.id):
        return function(**given, act=ACT)


def units(job: MintJob) -> list[MintUnit]:
    with brand_scope(job.brand_id):
        return list(MintUnit.objects.filter(batch_id=job.batch_id).order_by("ordinal"))


def audits(action: str) -> list[AuditEntry]:
    with acting_as("console"), all_brands():
        return list(AuditEntry.objects.filter(action=action))


def half_made(world: BrandWorld, quantity: int = 10) -> MintJob:
    """Return a job of which one cycle exists and which a worker holds."""
    job = queued_job(world, quantity)
    cycles.run_cycle(claim_next())
    return job


# Cancelling


def test_a_waiting_job_is_cancelled_and_never_claimed(nordhav):
    job = queued_job(nordhav, 10)
    done = on_the_web(nordhav, cancel_job, job_id=job.id)
    assert (done.job.status, done.revocation_id) == (JobStatus.CANCELLED, None)
    now = reread(job)
    assert (now.batch.status, now.batch.physical_status) == (
        BatchStatus.CANCELLED,
        PhysicalStatus.VOIDED,
    )
    assert work_next_job()[0] is Outcome.NOTHING


def test_a_worker_finds_its_job_cancelled_at_its_next_cycle_and_adds_nothing(nordhav):
    job = queued_job(nordhav, 10)
    claim = claim_next()
    cycles.run_cycle(claim)
    done = on_the_web(nordhav, cancel_job, job_id=job.id)
    with pytest.raises(Fenced):
        cycles.run_cycle(claim)
    assert done.job.generated_quantity == 4
    assert len(units(job)) == 4


def test_what_a_cancelled_job_made_is_voided_and_keeps_pointing_at_the_act(nordhav):
    job = half_made(nordhav)
    done = on_the_web(nordhav, cancel_job, job_id=job.id)
    assert {unit.status for unit in units(job)} == {UnitStatus.REVOKED}
    assert {unit.revocation_id for unit in units(job)} == {done.revocation_id}
    batch = reread(job).batch
    assert (batch.minted_quantity, batch.revoked_quantity, batch.voided_quantity) == (4, 4, 4)


def test_a_run_that_meets_a_cancelled_job_ends_as_cancelled_and_spends_no_error(
    nordhav, monkeypatch
):
    job = queued_job(nordhav, 10)
    run = cycles.run_cycle

    def run_then_cancel(claim, *args, **named):
        made = run(claim, *args, **named)
        if claim.cycles == 1:
            on_the_web(nordhav, cancel_job, job_id=job.id)
        return made

    monkeypatch.setattr(cycles, "run_cycle", run_then_cancel)
    outcome, claim, wait = work_next_job()
    assert (outcome, wait) == (Outcome.CANCELLED, None)
    assert claim.generated == 4
    assert reread(job).consecutive_errors == 0


def test_a_failed_job_can_be_given_up(nordhav):
    job = queued_job(nordhav, 10)
    with all_brands():
        MintJob.objects.filter(pk=job.pk).update(status="RESERVED")
        MintJob.objects.filter(pk=job.pk).update(status="FAILED", finished_at=job.created_at)
    assert on_the_web(nordhav, cancel_job, job_id=job.id).job.status == JobStatus.CANCELLED


def test_a_completed_job_and_a_cancelled_one_are_refused(nordhav):
    job = queued_job(nordhav, 3)
    work_next_job()
    with pytest.raises(NotCancellable):
        on_the_web(nordhav, cancel_job, job_id=job.id)
    assert {unit.status for unit in units(job)} == {UnitStatus.MINTED}
    other = queued_job(nordhav, 3)
    on_the_web(nordhav, cancel_job, job_id=other.id)
    with pytest.raises(NotCancellable):
        on_the_web(nordhav, cancel_job, job_id=other.id)
    assert len(audits("mint_job.cancelled")) == 1


def test_another_brands_job_does_not_exist(nordhav, ateljen):
    job = queued_job(nordhav, 3)
    for act in (cancel_job, pause_job, resume_job):
        with pytest.raises(NotFound):
            on_the_web(ateljen, act, job_id=job.id)
    assert reread(job).status == JobStatus.QUEUED


def test_a_cancelled_job_gives_the_rest_of_its_production_batch_back(nordhav):
    with acting_as("web"):
        product = make_product(nordhav)
        run = make_production_batch(nordhav, product, quantity=100)
        job = submit(nordhav, request_for(product, 60, production_batch_id=run.id))
    cycles.run_cycle(claim_next())
    on_the_web(nordhav, cancel_job, job_id=job.id)
    with brand_scope(nordhav.brand.id):
        assert remaining_quantities([run.id])[run.id] == 96


def test_a_cancellation_is_told_and_audited_once(nordhav):
    job = half_made(nordhav)
    on_the_web(nordhav, cancel_job, job_id=job.id)
    with brand_scope(job.brand_id):
        told = MintEvent.objects.filter(batch_id=job.batch_id, type="job.cancelled").get()
    assert told.data == {"generated_quantity": 4, "reason": "printer on fire"}
    (entry,) = audits("mint_job.cancelled")
    assert (entry.actor, entry.reason, entry.request_id) == ("user:7", "printer on fire", "req-1")
    assert entry.before["status"] == JobStatus.PROCESSING


# Pausing


def test_a_paused_job_is_not_claimed_until_it_is_resumed(nordhav):
    job = queued_job(nordhav, 10)
    on_the_web(nordhav, pause_job, job_id=job.id)
    assert work_next_job()[0] is Outcome.NOTHING
    on_the_web(nordhav, resume_job, job_id=job.id)
    assert work_next_job()[0] is Outcome.COMPLETED
    assert [unit.ordinal for unit in units(job)] == list(range(1, 11))


def test_a_worker_lets_a_paused_job_go_after_its_cycle_and_ordinals_stay_contiguous(
    nordhav, monkeypatch
):
    job = queued_job(nordhav, 10)
    claim = claim_next()
    monkeypatch.setattr(worker, "claim_next", lambda: claim)
    on_the_web(nordhav, pause_job, job_id=job.id)
    assert work_next_job()[0] is Outcome.YIELDED
    assert len(units(job)) == 4
    monkeypatch.setattr(worker, "claim_next", claim_next)
    on_the_web(nordhav, resume_job, job_id=job.id)
    assert work_next_job()[0] is Outcome.COMPLETED
    assert [unit.ordinal for unit in units(job)] == list(range(1, 11))


def test_a_paused_brand_waits_and_other_brands_do_not(nordhav, ateljen):
    mine, other = queued_job(nordhav, 3), queued_job(ateljen, 3)
    on_the_web(nordhav, pause_brand, brand_id=nordhav.brand.id)
    assert work_next_job()[1].job_id == other.id
    assert work_next_job()[0] is Outcome.NOTHING
    on_the_web(nordhav, resume_brand, brand_id=nordhav.brand.id)
    assert work_next_job()[1].job_id == mine.id


def test_a_paused_queue_keeps_its_priority_back_in_every_brand(nordhav, ateljen):
    queued_job(nordhav, 3), queued_job(ateljen, 3)
    urgent = queued_job(ateljen, 3, priority=Priority.URGENT)
    with acting_as("console"), all_brands():
        pause_queue(priority=Priority.STANDARD, act=ACT)
    assert work_next_job()[1].job_id == urgent.id
    assert work_next_job()[0] is Outcome.NOTHING
    with acting_as("console"), all_brands():
        resume_queue(priority=Priority.STANDARD, act=ACT)
    assert work_next_job()[0] is Outcome.COMPLETED


def test_a_brand_cannot_touch_the_pause_of_a_queue(nordhav):
    with acting_as("console"), all_brands():
        pause_queue(priority=Priority.HIGH, act=ACT)
    with acting_as("web"), brand_scope(nordhav.brand.id), all_brands():
        assert MintPause.objects.filter(brand__isnull=True).count() == 1
        assert MintPause.objects.filter(brand__isnull=True).delete()[0] == 0


def test_pausing_twice_and_resuming_what_runs_are_refused(nordhav):
    job = queued_job(nordhav, 3)
    on_the_web(nordhav, pause_job, job_id=job.id)
    with pytest.raises(AlreadyPaused):
        on_the_web(nordhav, pause_job, job_id=job.id)
    on_the_web(nordhav, resume_job, job_id=job.id)
    with pytest.raises(NotPaused):
        on_the_web(nordhav, resume_job, job_id=job.id)
    on_the_web(nordhav, pause_brand, brand_id=nordhav.brand.id)
    with pytest.raises(AlreadyPaused):
        on_the_web(nordhav, pause_brand, brand_id=nordhav.brand.id)
    on_the_web(nordhav, resume_brand, brand_id=nordhav.brand.id)
    with pytest.raises(NotPaused):
        on_the_web(nordhav, resume_brand, brand_id=nordhav.brand.id)
    assert len(audits("mint_job.paused")) == len(audits("mint_job.resumed")) == 1


def test_an_ended_job_cannot_be_paused(nordhav):
    job = queued_job(nordhav, 3)
    work_next_job()
    with pytest.raises(NotPausable):
        on_the_web(nordhav, pause_job, job_id=job.id)


def test_cancelling_a_paused_job_ends_its_pause(nordhav):
    job = queued_job(nordhav, 3)
    on_the_web(nordhav, pause_job, job_id=job.id)
    on_the_web(nordhav, cancel_job, job_id=job.id)
    with all_brands():
        assert not MintPause.objects.exists()


# Retrying after a cancellation is not a way back


def test_a_cancelled_job_cannot_be_retried(nordhav):
    job = queued_job(nordhav, 3)
    on_the_web(nordhav, cancel_job, job_id=job.id)
    with acting_as("web"), brand_scope(nordhav.brand.id), pytest.raises(NotRetryable):
        retry_job(job=job, actor="user:7", reason="again")


# Labels


def test_labels_go_forward_and_never_back(nordhav):
    job = queued_job(nordhav, 3)
    work_next_job()
    steps = (PhysicalStatus.EXPORTED, PhysicalStatus.PRINTED, PhysicalStatus.APPLIED)
    for status in steps:
        batch = on_the_web(nordhav, set_physical_status, batch_id=job.batch_id, status=status)
        assert batch.physical_status == status
    for status in (*steps, PhysicalStatus.MINTED):
        with pytest.raises(PhysicalStatusConflict):
            on_the_web(nordhav, set_physical_status, batch_id=job.batch_id, status=status)
    assert len(audits("mint_batch.physical_status_changed")) == 3


def test_labels_of_a_batch_that_is_being_minted_cannot_be_printed(nordhav):
    job = half_made(nordhav)
    with pytest.raises(PhysicalStatusConflict):
        on_the_web(
            nordhav,
            set_physical_status,
            batch_id=job.batch_id,
            status=PhysicalStatus.PRINTED,
        )
