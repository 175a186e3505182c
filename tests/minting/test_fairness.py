"""Who is claimed first, who makes room for whom, and how many jobs a brand runs at once."""

import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from threading import Barrier, Thread
from types import SimpleNamespace

import pytest
from django.db import connection
from django.db.models.functions import Now

from minting import cycles, pipeline, tasks
from minting.fairness import must_yield, small_job_is_worked
from minting.finalize import complete_job
from minting.leases import Claim, claim_next, due_jobs, let_go
from minting.models import MintCycle, MintJob
from minting.states import JobStatus, Priority
from minting.worker import Outcome, work_next_job
from tests.factories import BrandWorld, make_world
from tests.minting.requests import queued_job, reread
from tests.planes import acting_as
from tieback.brands.scoping import all_brands

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]


@pytest.fixture
def brands(transactional_db) -> list[BrandWorld]:
    with acting_as("web"):
        return [make_world(f"brand-{number}") for number in range(4)]


@pytest.fixture(autouse=True)
def small_cycles(settings):
    settings.TIEBACK_CYCLE_SIZE = 4
    settings.MAX_RUNNING_JOBS_PER_BRAND = 0


def waited(job: MintJob, minutes: float) -> None:
    """Let a job have waited for so long."""
    with all_brands():
        MintJob.objects.filter(pk=job.pk).update(turn_at=Now() - timedelta(minutes=minutes))


def claimed(job: MintJob) -> Claim:
    claim = claim_next()
    assert claim.job_id == job.id
    return claim


def in_a_thread(*steps: Callable[[], object]) -> None:
    """Take the steps on a connection of their own, as another worker would."""

    def take() -> None:
        try:
            for step in steps:
                step()
        finally:
            connection.close()

    thread = Thread(target=take)
    thread.start()
    thread.join()


def work_all() -> list[MintJob]:
    """Work the queue alone until it is empty; return the job ids in the order they completed."""
    done = []
    while True:
        outcome, claim, _ = work_next_job()
        if outcome is Outcome.NOTHING:
            return done
        if outcome is Outcome.COMPLETED:
            done.append(claim.job_id)


def test_a_higher_priority_is_claimed_first(brands):
    queued_job(brands[0], 3)
    urgent = queued_job(brands[0], 3, priority=Priority.URGENT)
    assert claim_next().job_id == urgent.id


def test_waiting_raises_a_standard_job_past_newer_high_ones(brands, settings):
    settings.TIEBACK_AGEING_SECONDS = 300
    old = queued_job(brands[0], 3)
    high = queued_job(brands[0], 3, priority=Priority.HIGH)
    waited(old, minutes=4)
    assert due_jobs(2) == [high.id, old.id]
    waited(old, minutes=6)
    assert due_jobs(2) == [old.id, high.id]


def test_no_stream_of_urgent_jobs_keeps_a_standard_one_waiting_for_ever(brands, settings):
    settings.TIEBACK_AGEING_SECONDS = 300
    old = queued_job(brands[0], 3)
    queued_job(brands[1], 3, priority=Priority.URGENT)
    waited(old, minutes=11)
    assert claim_next().job_id == old.id


def test_jobs_of_a_brand_start_in_the_order_they_came(brands):
    jobs = [queued_job(brands[0], quantity) for quantity in (9, 3, 6, 1)]
    started = []
    while (claim := claim_next()) is not None:
        if claim.fence == 1:
            started.append(claim.job_id)
        cycles.run_cycle(claim)
        if claim.left:
            let_go(claim, for_others=True)
    assert started == [job.id for job in jobs]


def test_a_brand_with_nothing_running_comes_before_one_that_has_a_worker(brands):
    first, second = queued_job(brands[0], 9), queued_job(brands[0], 9)
    other = queued_job(brands[1], 9)
    assert [claim_next().job_id for _ in range(3)] == [first.id, other.id, second.id]


def test_a_large_job_makes_room_for_another_brands_job_after_its_cycle(brands):
    large, small = queued_job(brands[0], 40), queued_job(brands[1], 2)
    assert work_all() == [small.id, large.id]
    with all_brands(), acting_as("console"):
        between = MintCycle.objects.filter(job=large, committed_at__lt=reread(small).finished_at)
        assert between.count() == 1


def test_a_large_job_makes_room_for_a_smaller_one_of_its_brand(brands):
    large, small = queued_job(brands[0], 40), queued_job(brands[0], 2)
    assert work_all() == [small.id, large.id]


def test_a_job_is_not_put_off_by_a_larger_one_of_its_brand(brands):
    first, larger = queued_job(brands[0], 12), queued_job(brands[0], 40)
    assert work_all() == [first.id, larger.id]
    assert reread(first).fence == 1


def test_two_large_jobs_of_two_brands_take_turns(brands):
    one, two = queued_job(brands[0], 12), queued_job(brands[1], 12)
    work_all()
    with all_brands(), acting_as("console"):
        turns = list(MintCycle.objects.order_by("id").values_list("job_id", flat=True))
    assert turns == [one.id, two.id] * 3


def test_nobody_lets_go_for_a_job_that_would_not_be_claimed_first(brands):
    mine = claimed(queued_job(brands[0], 40))
    claimed(queued_job(brands[1], 40))
    queued_job(brands[1], 2)
    # Brand 1 has a worker already: after letting go, brand 0 would be claimed again.
    assert not must_yield(mine.job_id)
    queued_job(brands[2], 2)
    assert must_yield(mine.job_id)


@pytest.fixture
def naps(monkeypatch) -> list[float]:
    """Return the naps of cycles, cut short; slices are of one unit."""
    taken: list[float] = []
    monkeypatch.setattr(cycles, "SLICE", 1)
    monkeypatch.setattr(cycles.time, "sleep", taken.append)
    return taken


def test_a_large_job_stands_aside_until_a_small_one_is_done(brands, naps, monkeypatch):
    large = claimed(queued_job(brands[0], 40))
    small = claimed(queued_job(brands[1], 4))

    def let_the_small_one_work(_: float) -> None:
        naps.append(_)
        in_a_thread(lambda: cycles.run_cycle(small), lambda: complete_job(small))

    monkeypatch.setattr(cycles.time, "sleep", let_the_small_one_work)
    cycles.run_cycle(large)
    assert (len(naps), small.left, large.generated) == (1, 0, 4)


def test_a_large_job_stands_aside_for_a_moment_only(brands, naps, monkeypatch):
    # A second passes between two looks at the clock: there is one nap before each slice.
    clock = SimpleNamespace(
        monotonic=count().__next__, sleep=naps.append, perf_counter=time.perf_counter
    )
    monkeypatch.setattr(cycles, "time", clock)
    monkeypatch.setattr(cycles, "STANDS_ASIDE_SECONDS", 1.5)
    large = claimed(queued_job(brands[0], 40))
    claimed(queued_job(brands[1], 4))
    cycles.run_cycle(large)
    assert len(naps) == 4
    assert large.generated == 4


def test_a_job_that_came_just_now_is_let_pass(brands, settings):
    small = queued_job(brands[1], 4)
    assert small_job_is_worked(4)
    waited(small, minutes=0.01)
    assert not small_job_is_worked(4)


def test_nobody_stands_aside_for_a_large_job_or_a_dead_worker(brands, naps):
    large = claimed(queued_job(brands[0], 40))
    claimed(queued_job(brands[1], 40))
    dead = claimed(queued_job(brands[2], 4))
    with all_brands():
        MintJob.objects.filter(pk=dead.job_id).update(lease_until=Now() - timedelta(seconds=1))
    cycles.run_cycle(large)
    assert naps == []


def test_a_job_in_its_last_cycle_stands_aside_for_nobody(brands, naps):
    mine = claimed(queued_job(brands[0], 4))
    claimed(queued_job(brands[1], 4))
    cycles.run_cycle(mine)
    assert naps == []


def test_nobody_lets_go_for_a_lower_priority(brands):
    mine = claimed(queued_job(brands[0], 40, priority=Priority.URGENT))
    queued_job(brands[1], 2)
    assert not must_yield(mine.job_id)


def test_a_brand_never_has_more_jobs_running_than_its_cap(brands, settings):
    settings.MAX_RUNNING_JOBS_PER_BRAND = 2
    for _ in range(3):
        queued_job(brands[0], 9)
    other = queued_job(brands[1], 9)
    claims = [claim_next() for _ in range(4)]
    assert [claim.brand_id for claim in claims if claim].count(brands[0].brand.id) == 2
    assert other.id in {claim.job_id for claim in claims if claim}
    assert claims[3] is None
    let_go(claims[0])
    assert claim_next() is not None


def test_claims_at_the_same_moment_keep_to_the_cap(brands, settings):
    settings.MAX_RUNNING_JOBS_PER_BRAND = 2
    for _ in range(8):
        queued_job(brands[0], 9)
    start = Barrier(8)

    def claim() -> None:
        try:
            start.wait()
            claim_next()
        finally:
            connection.close()

    threads = [Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with all_brands():
        held = MintJob.objects.filter(status=JobStatus.RESERVED).exclude(owner="")
        assert held.count() == 2


def test_a_dead_worker_does_not_count_towards_the_cap(brands, settings):
    settings.MAX_RUNNING_JOBS_PER_BRAND = 1
    dead = claimed(queued_job(brands[0], 9))
    second = queued_job(brands[0], 9)
    assert claim_next() is None
    with all_brands():
        MintJob.objects.filter(pk=dead.job_id).update(lease_until=Now() - timedelta(seconds=1))
    assert due_jobs(5) == [dead.job_id, second.id]


def test_the_end_of_a_job_at_the_cap_rings_for_the_brands_next(brands, settings, monkeypatch):
    settings.MAX_RUNNING_JOBS_PER_BRAND = 1
    rung = []
    monkeypatch.setattr(pipeline, "ring", rung.append)
    first, second = queued_job(brands[0], 3), queued_job(brands[0], 3)
    rung.clear()
    tasks.generate.apply(args=(str(first.id),))
    assert rung == [second.id]


def test_below_the_cap_nobody_is_rung_for_twice(brands, settings, monkeypatch):
    settings.MAX_RUNNING_JOBS_PER_BRAND = 2
    rung = []
    monkeypatch.setattr(pipeline, "ring", rung.append)
    queued_job(brands[0], 3), queued_job(brands[0], 3)
    rung.clear()
    tasks.generate.apply(args=("first",))
    assert rung == []
