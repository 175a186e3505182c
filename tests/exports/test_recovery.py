"""Builds under crashes, sleepers, errors and stops: the same bytes, once, by one builder."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection

from exports import leases, pack_rows, packs, storage, worker
from exports.models import PackStatus
from exports.worker import work_next_build
from minting import stopping
from minting.leases import Fenced, claim_next
from minting.models import MintBatch, MintUnit
from minting.worker import Outcome, work_next_job
from tests.exports.batches import (
    build_of,
    due_now,
    end_lease,
    events_of,
    expected_packs,
    files_of,
    minted_batch,
    packs_of,
    queued_build,
)
from tests.minting.requests import queued_job
from tests.planes import acting_as, cut_own_connection
from tieback.brands.scoping import brand_scope
from tieback.errors import PermanentError, TransientError

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("worker"),
    pytest.mark.usefixtures("small_packs"),
]

POINTS = (
    "exports.claimed",
    "exports.before_put",
    "exports.after_put",
    "exports.after_pack_commit",
    "exports.before_manifest",
    "exports.after_manifest",
)


class Crash(BaseException):
    """The end of a process, as far as its own code can tell."""


def uploads_end() -> None:
    """Wait for uploads that outlived their builder."""
    for thread in threading.enumerate():
        if thread.name.startswith("upload"):
            thread.join(10)


def statuses(batch: MintBatch) -> list[str]:
    return [pack.status for pack in packs_of(batch)]


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_any_point_leaves_the_same_bytes_in_the_end(batch, monkeypatch, puts, point):
    def crash(name: str) -> None:
        if name == point:
            raise Crash

    with monkeypatch.context() as armed:
        armed.setattr(packs, "reach", crash)
        armed.setattr(worker, "reach", crash)
        with pytest.raises(Crash):
            work_next_build()
    finished = [pack.number for pack in packs_of(batch) if pack.status == PackStatus.COMPLETED]
    assert work_next_build()[0] is Outcome.NOTHING
    end_lease(batch)
    uploads_end()
    del puts[:]
    assert work_next_build()[0] is Outcome.COMPLETED
    files, build = files_of(batch), build_of(batch)
    assert files.packs == expected_packs(batch)
    assert hashlib.sha256(files.manifest).hexdigest() == build.manifest_sha256
    assert not {f"pack-{number:05d}.csv" for number in finished} & set(puts)
    assert (build.consecutive_errors, build.fence, len(puts)) == (0, 2, 4 - len(finished))
    assert events_of(batch) == ["packs.started", "packs.completed"]


def test_the_manifest_is_the_same_however_the_build_went(brand, monkeypatch):
    """The one of a build with a crash after each pack equals the one made without."""
    batch = minted_batch(brand, 25)
    queued_build(batch)

    def crash(name: str) -> None:
        if name == "exports.after_pack_commit":
            raise Crash

    with monkeypatch.context() as armed:
        armed.setattr(packs, "reach", crash)
        for done in (1, 2, 3):
            with pytest.raises(Crash):
                work_next_build()
            assert build_of(batch).packs_done == done
            end_lease(batch)
    claim = leases.claim_next()
    keys = [packs.store_manifest(claim) for _ in range(2)]
    assert keys[0] == keys[1]
    assert files_of_claim(batch, keys[0][0]) == keys[0][1]


def files_of_claim(batch: MintBatch, key: str) -> str:
    with storage.PackStorage().open(key) as file:
        return hashlib.sha256(file.read()).hexdigest()


def test_a_unit_that_changes_between_two_attempts_does_not_change_the_pack(batch, monkeypatch):
    def crash(name: str) -> None:
        if name == "exports.after_put":
            raise Crash

    with monkeypatch.context() as armed:
        armed.setattr(packs, "reach", crash)
        with pytest.raises(Crash):
            work_next_build()
    before = expected_packs(batch)
    with acting_as("owner"), brand_scope(batch.brand_id):
        from django.db.models.functions import Now

        MintUnit.objects.filter(batch=batch).update(status=1, activated_at=Now())
    end_lease(batch)
    work_next_build()
    assert files_of(batch).packs == before


def test_two_workers_at_once_build_each_batch_once(brand):
    batches = [minted_batch(brand, 25) for _ in range(2)]
    for batch in batches:
        queued_build(batch)
    barrier = threading.Barrier(6)

    def work() -> Outcome:
        barrier.wait()
        try:
            return work_next_build()[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        outcomes = [future.result() for future in [pool.submit(work) for _ in range(6)]]
    assert sorted(outcome.name for outcome in outcomes) == ["COMPLETED"] * 2 + ["NOTHING"] * 4
    for batch in batches:
        assert build_of(batch).fence == 1
        assert files_of(batch).packs == expected_packs(batch)


def test_a_builder_that_slept_past_its_lease_cannot_record_anything(batch, monkeypatch):
    asleep, awake = threading.Event(), threading.Event()
    real = storage.put

    def put(key, content, **options):
        if threading.current_thread().name.startswith("upload") and not asleep.is_set():
            asleep.set()
            assert awake.wait(30)
        real(key, content, **options)

    monkeypatch.setattr(storage, "put", put)
    monkeypatch.setattr(packs, "UPLOADS_AT_ONCE", 1)

    def sleep_through() -> Outcome:
        try:
            return work_next_build()[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        sleeper = pool.submit(sleep_through)
        assert asleep.wait(30)
        end_lease(batch)
        assert work_next_build()[0] is Outcome.COMPLETED
        awake.set()
        assert sleeper.result(30) is Outcome.LOST
    assert build_of(batch).fence == 2
    assert files_of(batch).packs == expected_packs(batch)
    assert events_of(batch).count("packs.completed") == 1


def test_a_sleeper_cannot_record_a_pack_that_the_next_builder_is_making(batch):
    sleeper = leases.claim_next()
    packs._begin(sleeper)
    first, second, _ = pack_rows.unfinished(sleeper)
    pack_rows.begin(sleeper, first)
    end_lease(batch)
    holder = leases.claim_next()
    packs._begin(holder)
    pack_rows.begin(holder, first)
    with pytest.raises(Fenced):
        pack_rows.finish(sleeper, first, size=1, sha256="0" * 64)
    with pytest.raises(Fenced):
        pack_rows.begin(sleeper, second)
    assert (build_of(batch).packs_done, statuses(batch)[0]) == (0, "generating")
    pack_rows.finish(holder, first, size=1, sha256="1" * 64)
    assert packs_of(batch)[0].sha256 == "1" * 64


def test_a_fence_of_the_past_opens_nothing(batch):
    sleeper = leases.claim_next()
    end_lease(batch)
    holder = leases.claim_next()
    for write in (
        lambda: leases.renew(sleeper),
        lambda: packs.build_packs(sleeper, stop=lambda: True),
        lambda: worker.complete_build(sleeper, "key", "0" * 64),
        lambda: worker.record_error(sleeper, "late"),
    ):
        with pytest.raises(Fenced):
            write()
    leases.let_go(sleeper)
    build = build_of(batch)
    assert (build.fence, build.status, build.owner != "") == (holder.fence, "generating", True)


def test_the_lease_is_kept_alive_while_the_store_is_slow(batch, monkeypatch, settings):
    settings.TIEBACK_LEASE_SECONDS = 1
    real, renewed = storage.put, []
    monkeypatch.setattr(packs, "renew", lambda claim: renewed.append(leases.renew(claim)))

    def put(key, content, **options):
        threading.Event().wait(1.5)
        real(key, content, **options)

    monkeypatch.setattr(storage, "put", put)
    assert work_next_build()[0] is Outcome.COMPLETED
    assert len(renewed) >= 3
    assert build_of(batch).fence == 1


def test_the_window_ends_and_the_build_is_let_go(batch, settings):
    settings.TIEBACK_WINDOW_SECONDS = 0
    outcomes = [work_next_build()[0] for _ in range(3)]
    assert outcomes == [Outcome.YIELDED, Outcome.YIELDED, Outcome.COMPLETED]
    build = build_of(batch)
    assert (build.fence, build.crashes_without_progress) == (3, 0)
    assert files_of(batch).packs == expected_packs(batch)


def test_a_build_makes_room_for_a_waiting_job_after_each_pack_and_still_gets_ahead(brand, batch):
    job = queued_job(brand, 1)
    outcomes = [work_next_build()[0] for _ in range(2)]
    assert (outcomes, build_of(batch).packs_done) == ([Outcome.YIELDED] * 2, 2)
    assert (work_next_job()[1].job_id, work_next_build()[0]) == (job.id, Outcome.COMPLETED)
    assert files_of(batch).packs == expected_packs(batch)


def test_a_build_makes_no_room_for_a_job_that_nobody_could_claim(brand, batch, settings):
    settings.MAX_RUNNING_JOBS_PER_BRAND = 1
    queued_job(brand, 1), queued_job(brand, 1)
    claim_next()
    assert work_next_build()[0] is Outcome.COMPLETED


def test_a_stopping_worker_records_what_it_has_begun_and_lets_go(batch):
    stopping.request_stop()
    try:
        assert work_next_build()[0] is Outcome.YIELDED
    finally:
        stopping.forget()
    assert statuses(batch) == ["completed", "pending", "pending"]
    assert leases.due_builds(10) == [build_of(batch).pk]


def test_a_stopping_worker_does_not_wait_for_a_store_that_hangs(batch, monkeypatch, settings):
    settings.TIEBACK_LEASE_SECONDS = 1
    monkeypatch.setattr(packs, "STOP_PATIENCE_SECONDS", 0.2)
    hangs = threading.Event()
    with monkeypatch.context() as armed:
        armed.setattr(storage, "put", lambda *_, **__: hangs.wait(30))
        stopping.request_stop()
        try:
            assert work_next_build()[0] is Outcome.YIELDED
        finally:
            stopping.forget()
            hangs.set()
    assert statuses(batch) == ["pending"] * 3
    assert build_of(batch).consecutive_errors == 0
    assert work_next_build()[0] is Outcome.COMPLETED


def test_a_soft_time_limit_is_nobodys_error(batch, monkeypatch):
    def too_long(*_):
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(packs, "_wait", too_long)
    assert work_next_build()[0] is Outcome.YIELDED
    assert build_of(batch).consecutive_errors == 0


def test_a_lost_connection_is_nobodys_error(batch, monkeypatch):
    real, calls = packs._finish, iter(range(1000))

    def cut_on_the_second(claim, upload):
        if next(calls) == 1:
            cut_own_connection()
        real(claim, upload)

    with monkeypatch.context() as armed:
        armed.setattr(packs, "_finish", cut_on_the_second)
        assert work_next_build()[0] is Outcome.YIELDED
    assert statuses(batch) == ["completed", "pending", "pending"]
    assert work_next_build()[0] is Outcome.COMPLETED
    assert build_of(batch).consecutive_errors == 0
    assert files_of(batch).packs == expected_packs(batch)


def test_three_errors_in_a_row_end_the_build_and_keep_its_packs(batch, fail_put, monkeypatch):
    monkeypatch.setattr(packs, "UPLOADS_AT_ONCE", 1)
    fail_put("pack-00002.csv", PermanentError("object storage answered PutObject with 403 Denied"))
    outcomes = []
    for _ in range(3):
        outcomes.append(work_next_build()[0])
        due_now(batch)
    build = build_of(batch)
    assert outcomes == [Outcome.RETRY, Outcome.RETRY, Outcome.FAILED]
    assert (build.status, build.consecutive_errors) == (PackStatus.FAILED, 3)
    assert build.last_error == "object storage answered PutObject with 403 Denied"
    assert statuses(batch) == ["completed", "failed", "pending"]
    assert events_of(batch)[-1] == "packs.failed"
    assert work_next_build()[0] is Outcome.NOTHING


def test_a_store_that_stays_away_for_a_while_does_not_end_the_build(batch, fail_put):
    fail_put("pack-00001.csv", TransientError("away"), times=10)
    for _ in range(10):
        assert work_next_build()[0] is Outcome.RETRY
        due_now(batch)
    assert work_next_build()[0] is Outcome.COMPLETED


def test_a_finished_pack_resets_the_count_of_errors(batch, monkeypatch):
    monkeypatch.setattr(packs, "UPLOADS_AT_ONCE", 1)
    real, calls = storage.put, iter(range(1000))

    def every_second_fails(key, content, **options):
        if next(calls) % 2 == 0:
            raise TransientError("object storage did not answer PutObject: ReadTimeoutError")
        real(key, content, **options)

    monkeypatch.setattr(storage, "put", every_second_fails)
    while build_of(batch).status not in {PackStatus.COMPLETED, PackStatus.FAILED}:
        work_next_build()
        due_now(batch)
    assert build_of(batch).status == PackStatus.COMPLETED
    assert files_of(batch).packs == expected_packs(batch)


def test_an_error_waits_before_the_next_attempt(batch, fail_put, settings):
    settings.RETRY_BASE_DELAY_MS = 60_000
    fail_put("pack-00001.csv", TransientError("away"), times=1)
    outcome, _, wait = work_next_build()
    assert outcome is Outcome.RETRY
    assert 44 <= wait <= 76
    assert (leases.claim_next(), leases.due_builds(10)) == (None, [])
    due_now(batch)
    assert work_next_build()[0] is Outcome.COMPLETED


def test_the_error_of_a_manifest_costs_no_pack(batch, fail_put, puts):
    fail_put("manifest.json", TransientError("away"), times=1)
    assert work_next_build()[0] is Outcome.RETRY
    assert statuses(batch) == ["completed"] * 3
    due_now(batch)
    assert work_next_build()[0] is Outcome.COMPLETED


def test_a_build_that_kills_its_workers_is_ended_after_five_deaths_without_progress(batch):
    for _ in range(5):
        assert leases.claim_next() is not None
        end_lease(batch)
    assert work_next_build()[0] is Outcome.FAILED
    assert "died 5 times" in build_of(batch).last_error


def test_deaths_with_progress_between_them_are_forgotten(brand, monkeypatch):
    batch = minted_batch(brand, 80)
    queued_build(batch)

    def crash(name: str) -> None:
        if name == "exports.after_pack_commit":
            raise Crash

    with monkeypatch.context() as armed:
        armed.setattr(packs, "reach", crash)
        for _ in range(7):
            with pytest.raises(Crash):
                work_next_build()
            end_lease(batch)
    assert work_next_build()[0] is Outcome.COMPLETED
