"""Working jobs: cycles are all or nothing, and the row says who may write."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db.utils import DatabaseError
from django.utils import timezone

from minting import crashpoints, cycles, leases, stopping, worker
from minting.leases import Fenced, claim_next
from minting.models import MintCycle, MintEvent, MintJob, MintUnit
from minting.retries import NotRetryable, retry_job
from minting.states import ActivationMode, BatchStatus, JobStatus, Priority, UnitStatus
from minting.worker import Outcome, work_next_job
from tests.factories import BrandWorld
from tests.minting.requests import queued_job, reread
from tests.planes import acting_as, cut_own_connection
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]


@pytest.fixture
def nordhav(transactional_db) -> BrandWorld:
    from tests.factories import make_world

    with acting_as("web"):
        return make_world("nordhav")


@pytest.fixture(autouse=True)
def small_cycles(settings):
    settings.TIEBACK_CYCLE_SIZE = 4
    settings.RETRY_BASE_DELAY_MS = 1


def ordinals(job: MintJob) -> list[int]:
    with brand_scope(job.brand_id):
        rows = MintUnit.objects.filter(batch_id=job.batch_id).order_by("ordinal")
        return list(rows.values_list("ordinal", flat=True))


def events(job: MintJob) -> list[str]:
    with brand_scope(job.brand_id):
        rows = MintEvent.objects.filter(batch_id=job.batch_id).order_by("id")
        return list(rows.values_list("type", flat=True))


def end_lease(job: MintJob) -> None:
    with all_brands():
        MintJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def due_now(job: MintJob) -> None:
    with all_brands():
        MintJob.objects.filter(pk=job.pk).update(next_attempt_at=None)


def test_a_job_is_minted_in_cycles_without_a_gap(nordhav):
    job = queued_job(nordhav, 10)
    assert work_next_job()[0] is Outcome.COMPLETED
    done = reread(job)
    assert ordinals(job) == list(range(1, 11))
    assert (done.status, done.generated_quantity, done.cycles) == (JobStatus.COMPLETED, 10, 3)
    assert (done.batch.status, done.batch.minted_quantity) == (BatchStatus.MINTED, 10)
    assert done.finished_at is not None
    with brand_scope(job.brand_id):
        evidence = MintCycle.objects.filter(job=job).order_by("number")
        assert list(evidence.values_list("number", "first_ordinal", "count", "fence")) == [
            (1, 1, 4, 1),
            (2, 5, 4, 1),
            (3, 9, 2, 1),
        ]


def test_the_events_tell_the_story(nordhav):
    job = queued_job(nordhav, 10)
    work_next_job()
    assert events(job)[:4] == ["job.queued", "job.reserved", "job.processing", "job.completed"]


def test_units_wait_for_their_first_scan_or_are_active_at_once(nordhav):
    waiting = queued_job(nordhav, 3)
    at_once = queued_job(nordhav, 3, activation_mode=ActivationMode.ACTIVE_AT_MINT)
    work_next_job()
    work_next_job()
    for job, status, active in ((waiting, UnitStatus.MINTED, 0), (at_once, UnitStatus.ACTIVE, 3)):
        with brand_scope(job.brand_id):
            units = MintUnit.objects.filter(batch_id=job.batch_id)
            assert {unit.status for unit in units} == {status}
            assert all((unit.activated_at is not None) == bool(active) for unit in units)
        assert reread(job).batch.activated_quantity == active


def test_minted_quantity_equals_the_rows_at_every_commit(nordhav):
    job = queued_job(nordhav, 10)
    claim = claim_next()
    seen = []
    while claim.left:
        cycles.run_cycle(claim)
        now = reread(job)
        seen.append((now.generated_quantity, now.batch.minted_quantity, len(ordinals(job))))
    assert seen == [(4, 4, 4), (8, 8, 8), (10, 10, 10)]


@pytest.mark.parametrize("point", ["mint.fenced", "mint.inserted", "mint.counted"])
def test_a_crash_inside_a_cycle_leaves_nothing_of_it(nordhav, monkeypatch, point):
    job = queued_job(nordhav, 10)
    claim = claim_next()
    cycles.run_cycle(claim)

    class Crash(BaseException):
        pass

    def crash(name: str) -> None:
        if name == point:
            raise Crash

    monkeypatch.setattr(cycles, "reach", crash)
    with pytest.raises(Crash):
        cycles.run_cycle(claim)
    assert (reread(job).generated_quantity, ordinals(job)) == (4, [1, 2, 3, 4])


def test_a_dead_workers_job_goes_on_at_the_next_ordinal_and_spends_no_error(nordhav):
    job = queued_job(nordhav, 10)
    cycles.run_cycle(claim_next())
    end_lease(job)
    outcome, claim, _ = work_next_job()
    done = reread(job)
    assert outcome is Outcome.COMPLETED
    assert claim.was_abandoned
    assert ordinals(job) == list(range(1, 11))
    assert (done.consecutive_errors, done.crashes_without_progress, done.fence) == (0, 0, 2)
    assert "job.reclaimed" in events(job)


def test_a_lease_in_force_keeps_others_away(nordhav):
    queued_job(nordhav, 10)
    assert claim_next() is not None
    assert claim_next() is None


def test_a_worker_that_slept_past_its_lease_cannot_write(nordhav):
    job = queued_job(nordhav, 12)
    sleeper = claim_next()
    cycles.run_cycle(sleeper)
    end_lease(job)
    cycles.run_cycle(claim_next())
    with pytest.raises(Fenced):
        cycles.run_cycle(sleeper)
    assert ordinals(job) == list(range(1, 9))


def test_a_sleeper_cannot_complete_fail_or_free_the_job_either(nordhav):
    job = queued_job(nordhav, 4)
    sleeper = claim_next()
    cycles.run_cycle(sleeper)
    end_lease(job)
    holder = claim_next()
    with pytest.raises(Fenced):
        worker.complete_job(sleeper)
    with pytest.raises(Fenced):
        worker.record_error(sleeper, "late")
    leases.let_go(sleeper)
    now = reread(job)
    assert (now.fence, now.owner != "", now.status) == (holder.fence, True, JobStatus.RESERVED)


def test_three_errors_in_a_row_end_the_job_and_keep_its_units(nordhav, monkeypatch):
    job = queued_job(nordhav, 10)
    monkeypatch.setattr(cycles, "generate_tokens", failing_after(1))
    outcomes = []
    for _ in range(3):
        outcomes.append(work_next_job()[0])
        due_now(job)
    failed = reread(job)
    assert outcomes == [Outcome.RETRY, Outcome.RETRY, Outcome.FAILED]
    assert (failed.status, failed.batch.status) == (JobStatus.FAILED, BatchStatus.FAILED)
    assert (failed.consecutive_errors, failed.last_error) == (
        3,
        "Internal error ValueError; the worker's log has it.",
    )
    assert ordinals(job) == [1, 2, 3, 4]
    assert events(job)[-1] == "job.failed"


def test_a_committed_cycle_resets_the_count_of_errors(nordhav, monkeypatch):
    job = queued_job(nordhav, 40)
    real, calls = cycles.generate_tokens, iter(range(1000))

    def every_second_fails(count: int) -> list[str]:
        if next(calls) % 2 == 0:
            raise ValueError("no entropy")
        return real(count)

    monkeypatch.setattr(cycles, "generate_tokens", every_second_fails)
    while reread(job).status not in {JobStatus.COMPLETED, JobStatus.FAILED}:
        work_next_job()
        due_now(job)
    assert reread(job).status == JobStatus.COMPLETED
    assert ordinals(job) == list(range(1, 41))


def failing_after(good: int):
    """Return a token maker that fails from its ``good``-th call on."""
    real, calls = cycles.generate_tokens, iter(range(1000))

    def make(count: int) -> list[str]:
        if next(calls) >= good:
            raise ValueError("no entropy")
        return real(count)

    return make


def test_an_error_waits_before_the_next_attempt(nordhav, monkeypatch, settings):
    settings.RETRY_BASE_DELAY_MS = 60_000
    job = queued_job(nordhav, 10)
    monkeypatch.setattr(cycles, "generate_tokens", failing_after(0))
    outcome, _, wait = work_next_job()
    assert outcome is Outcome.RETRY
    assert 44 <= wait <= 76
    assert claim_next() is None
    assert leases.due_jobs(10) == []
    due_now(job)
    assert leases.due_jobs(10) == [job.pk]


def test_an_operators_retry_goes_on_at_the_next_ordinal(nordhav, monkeypatch, settings):
    settings.MAX_RETRIES = 1
    job = queued_job(nordhav, 10)
    with monkeypatch.context() as broken:
        broken.setattr(cycles, "generate_tokens", failing_after(2))
        work_next_job()
    assert reread(job).status == JobStatus.FAILED
    with acting_as("web"), brand_scope(job.brand_id):
        retry_job(job=reread(job), actor="user:1", reason="entropy is back")
        with pytest.raises(NotRetryable):
            retry_job(job=reread(job), actor="user:1", reason="twice")
    assert work_next_job()[0] is Outcome.COMPLETED
    assert ordinals(job) == list(range(1, 11))


def test_a_job_that_kills_its_workers_is_ended_after_five_deaths_without_progress(nordhav):
    job = queued_job(nordhav, 10)
    for _ in range(5):
        assert claim_next() is not None
        end_lease(job)
    assert work_next_job()[0] is Outcome.FAILED
    failed = reread(job)
    assert failed.status == JobStatus.FAILED
    assert "died 5 times" in failed.last_error


def test_deaths_with_progress_between_them_are_forgotten(nordhav):
    job = queued_job(nordhav, 100)
    for _ in range(8):
        cycles.run_cycle(claim_next())
        end_lease(job)
    assert work_next_job()[0] is Outcome.COMPLETED


def test_progress_in_any_window_makes_earlier_deaths_forgotten(nordhav, settings):
    settings.TIEBACK_WINDOW_SECONDS = 0
    job = queued_job(nordhav, 100)
    for _ in range(7):
        assert claim_next() is not None
        end_lease(job)
        assert work_next_job()[0] is Outcome.YIELDED
    assert reread(job).crashes_without_progress == 0


def test_the_window_ends_and_the_job_is_let_go(nordhav, settings):
    settings.TIEBACK_WINDOW_SECONDS = 0
    job = queued_job(nordhav, 10)
    assert [work_next_job()[0] for _ in range(3)] == [
        Outcome.YIELDED,
        Outcome.YIELDED,
        Outcome.COMPLETED,
    ]
    assert ordinals(job) == list(range(1, 11))
    assert reread(job).crashes_without_progress == 0


def test_a_stopping_worker_finishes_its_cycle_and_lets_go(nordhav):
    job = queued_job(nordhav, 10)
    stopping.request_stop()
    try:
        assert work_next_job()[0] is Outcome.YIELDED
    finally:
        stopping.forget()
    assert (reread(job).owner, ordinals(job)) == ("", [1, 2, 3, 4])
    assert leases.due_jobs(10) == [job.pk]


def test_a_soft_time_limit_is_nobodys_error(nordhav, monkeypatch):
    job = queued_job(nordhav, 10)

    def too_long(count: int) -> list[str]:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(cycles, "generate_tokens", too_long)
    assert work_next_job()[0] is Outcome.YIELDED
    assert reread(job).consecutive_errors == 0


@pytest.mark.parametrize("point", ["mint.fenced", "mint.counted", "mint.committed"])
def test_a_lost_connection_is_nobodys_error_wherever_it_is_lost(nordhav, monkeypatch, point):
    job = queued_job(nordhav, 12)
    cuts = iter([cut_own_connection])

    def cut_once(name: str) -> None:
        if name == point:
            next(cuts, lambda: None)()

    monkeypatch.setattr(cycles, "reach", cut_once)
    assert work_next_job()[0] is Outcome.YIELDED
    assert work_next_job()[0] is Outcome.COMPLETED
    done = reread(job)
    assert ordinals(job) == list(range(1, 13))
    assert (done.consecutive_errors, done.crashes_without_progress) == (0, 0)


def test_claims_go_by_priority_and_then_by_age(nordhav):
    first = queued_job(nordhav, 1)
    second = queued_job(nordhav, 1)
    urgent = queued_job(nordhav, 1, priority=Priority.URGENT)
    assert [claim_next().job_id for _ in range(3)] == [urgent.pk, first.pk, second.pk]


def test_an_abandoned_job_keeps_its_place_in_the_queue(nordhav):
    first = queued_job(nordhav, 8)
    queued_job(nordhav, 8)
    cycles.run_cycle(claim_next())
    end_lease(first)
    assert claim_next().job_id == first.pk


def test_the_error_kept_names_no_data(nordhav, monkeypatch):
    job = queued_job(nordhav, 10)
    monkeypatch.setattr(cycles, "generate_tokens", lambda count: ["SAME"] * count)
    work_next_job()
    message = reread(job).last_error
    assert message.startswith("Database error UniqueViolation (23505)")
    assert "SAME" not in message


def test_the_database_refuses_an_illegal_step(nordhav):
    job = queued_job(nordhav, 1)
    work_next_job()
    with all_brands(), pytest.raises(DatabaseError, match="Invalid transition"):
        MintJob.objects.filter(pk=job.pk).update(status=JobStatus.QUEUED, finished_at=None)


def test_every_crash_point_in_the_code_is_listed():
    root = Path(crashpoints.__file__).parent.parent
    used = set()
    for package in ("minting", "exports"):
        for source in (root / package).rglob("*.py"):
            used |= set(re.findall(r'reach\("([a-z_.]+)"\)', source.read_text()))
    assert used == set(crashpoints.NAMES)
