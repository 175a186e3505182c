"""Runs: one at a time, in steps that survive the death of a worker, believed by two endpoints."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from minting.chain import anchoring
from minting.chain.reconciliation import claims, documents, keeping, recording, running
from minting.chain.reconciliation.asking import ReconciliationUnderWay, begin_scheduled
from minting.chain.reconciliation.claims import LostError, claim_run
from minting.chain.reconciliation.drifts import Drift
from minting.chain.reconciliation.recording import Outcome, Step
from minting.chain.reconciliation.stages import stage_named
from minting.chain.rpc import pool
from minting.metadata.pinning import work_next_step
from minting.models import (
    BatchProof,
    ChainDrift,
    MintEvent,
    MintJob,
    ProofHead,
    ReconciliationRun,
)
from minting.states import DriftKind, DriftStatus
from minting.tasks import begin_reconciliation, forget_reports, reconcile, sweep
from tests.chain.reconciliation.conftest import Reconciler, forge
from tests.chain.sending.conftest import Sender, submissions
from tests.planes import acting_as
from tieback.brands.scoping import all_brands, brand_scope
from tieback.errors import TransientError

pytestmark = pytest.mark.django_db(transaction=True)


def lose(job: MintJob) -> None:
    """Lose the wishes for the anchors of a batch."""
    forge("delete from minting_chainsubmission where batch_id = %s", job.batch_id)


@pytest.mark.parametrize(
    "faults", [{"forgets": True}, {"lag": 100_000}, {"forgets": True, "ahead": 10_000}], ids=str
)
def test_one_endpoint_that_lies_or_is_behind_makes_no_drift(
    reconciler: Reconciler,
    sender: Sender,
    settled: MintJob,
    faults: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "LOOK_EVERY", 0.1)
    liar = sender.chain.faulty("liar", **faults)
    sender.settings.SOLANA_RPC_URLS = [liar, sender.chain.url()]
    run = reconciler.full()
    assert (run.status, run.db_to_chain_issues, reconciler.drifts()) == ("completed", 0, [])


def test_endpoints_that_cannot_be_believed_make_the_run_wait(
    reconciler: Reconciler, sender: Sender, settled: MintJob
) -> None:
    sender.settings.SOLANA_RPC_URLS = [
        sender.chain.faulty("first", forgets=True, lag=100_000),
        sender.chain.faulty("other", forgets=True, lag=100_000),
    ]
    asked = reconciler.asked()
    reconciler.work()
    full = reconciler.run(asked.pk)
    assert (full.status, reconciler.scheduled().status) == ("pending", "failed")
    assert full.last_error
    assert full.next_attempt_at is not None
    assert reconciler.drifts() == []


def test_another_chain_is_not_believed_at_all(
    reconciler: Reconciler, sender: Sender, settled: MintJob
) -> None:
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute("alter table minting_chainwallet disable trigger user")
        cursor.execute("update minting_chainwallet set genesis_hash = %s", ["1" * 44])
        cursor.execute("alter table minting_chainwallet enable trigger user")
    run = reconciler.scheduled()
    assert run.status == "failed"
    assert "are bound to the chain of genesis hash" in run.last_error
    assert reconciler.drifts() == []


def test_without_a_chain_documents_are_compared_all_the_same(
    reconciler: Reconciler, sender: Sender
) -> None:
    sender.settings.SOLANA_RPC_URLS = ["http://127.0.0.1:9/"]
    assert reconciler.scheduled().status == "completed"
    sender.settings.SOLANA_NETWORK = ""
    assert reconciler.full().status == "completed"


def test_a_place_that_is_away_is_no_drift(
    reconciler: Reconciler,
    settled: MintJob,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with acting_as("worker"):
        work_next_step()

    def away(*_: Any) -> bytes:
        raise TransientError("the place does not answer")

    monkeypatch.setattr(documents, "driver_named", lambda _: type("P", (), {"fetch": away})())
    run = reconciler.scheduled()
    assert (run.status, run.last_error) == ("failed", "the place does not answer")
    assert reconciler.drifts() == []


POINTS = ("reconciliation.looked", "reconciliation.before_commit", "reconciliation.committed")


@pytest.mark.parametrize("point", POINTS)
def test_whoever_takes_over_goes_on_where_the_last_commit_was(
    reconciler: Reconciler,
    settled: MintJob,
    anchored: Callable[..., MintJob],
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    job = anchored(1_000)
    lose(job)
    asked = reconciler.asked()
    died = []

    def die(name: str) -> None:
        if name == point and len(died) < 4:
            died.append(name)
            raise SystemExit

    monkeypatch.setattr(running, "reach", die)
    monkeypatch.setattr(recording, "reach", die)
    while reconciler.run(asked.pk).status == "pending":
        try:
            reconciler.work()
        except SystemExit:
            reconciler.let_go_on()
    run = reconciler.run(asked.pk)
    assert len(died) == 4
    assert (run.status, run.last_error) == ("completed", "")
    assert [row.key for row in submissions(job)] == [
        f"anchor:{job.batch_id}:{size}" for size in (700, 1_000)
    ]
    found = reconciler.drifts()
    assert len(found) == len({one.subject_id for one in found}) <= 2
    assert {one.status for one in found} <= {DriftStatus.REPAIRED}


def test_a_worker_that_lost_its_run_writes_nothing_of_it(reconciler: Reconciler) -> None:
    reconciler.asked()
    stage = stage_named("roots")
    drift = Drift(kind=DriftKind.SUBMISSION_UNFOUNDED, subject_id="x")
    step = Step(stage, "devchain", ["x"], [Outcome(drift, None, DriftStatus.QUARANTINED)], {})
    with acting_as("worker"):
        slow = claim_run()
        reconciler.let_go_on()
        quick = claim_run()
        assert slow is not None
        assert quick is not None
        with pytest.raises(LostError):
            recording.record_step(slow, step)
        claims.finish(slow)
        assert reconciler.drifts() == []
        # What two runs find at the same moment is one drift.
        recording.record_step(quick, step)
        recording.record_step(quick, step)
        claims.finish(quick)
        assert claim_run() is None
    assert [one.subject_id for one in reconciler.drifts()] == ["x"]


def test_there_is_one_run_of_each_kind_at_a_time(reconciler: Reconciler) -> None:
    with acting_as("worker"):
        assert begin_scheduled() is not None
        assert begin_scheduled() is None
    reconciler.asked()
    with pytest.raises(ReconciliationUnderWay):
        reconciler.asked()
    reconciler.work()
    reconciler.asked()


def test_the_tasks_ask_work_and_ring_for_what_is_left(
    reconciler: Reconciler, settled: MintJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[Any] = []
    monkeypatch.setattr("minting.pipeline.ring_step", lambda name, hint, **_: rung.append(name))
    with acting_as("worker"):
        begin_reconciliation()
        assert rung == ["chain.reconcile"]
        rung.clear()
        monkeypatch.setattr("minting.tasks.job_waits", lambda: True)
        reconcile("hint")
        assert rung == ["chain.reconcile"]
        rung.clear()
        sweep()
        assert "chain.reconcile" in rung
        monkeypatch.setattr("minting.tasks.job_waits", lambda: False)
        reconcile("hint")
        rung.clear()
        sweep()
        assert "chain.reconcile" not in rung
        with all_brands():
            run = ReconciliationRun.objects.get()
    assert (run.status, run.type) == ("completed", "incremental")


def test_a_discrepancy_is_told_once_and_what_comes_back_is_left_to_a_person(
    reconciler: Reconciler, settled: MintJob, anchored: Callable[..., MintJob]
) -> None:
    job = anchored(5)
    for _ in range(4):
        lose(job)
        reconciler.full()
    assert [one.status for one in reconciler.drifts()] == [DriftStatus.REPAIRED] * 3 + [
        DriftStatus.QUARANTINED
    ]
    reconciler.full()
    with brand_scope(job.brand_id):
        told = MintEvent.objects.filter(type="reconciliation.discrepancy")
        assert [event.data["kind"] for event in told] == ["anchor_missing"]


def test_a_drift_that_is_not_there_any_more_is_closed(
    reconciler: Reconciler, sender: Sender, settled: MintJob, anchored: Callable[..., MintJob]
) -> None:
    job = anchored(5)
    lose(job)
    reconciler.full(read_only=True)
    with acting_as("worker"), brand_scope(job.brand_id):
        proof = BatchProof.objects.select_related("batch__job").get(batch=job.batch_id)
        anchoring.queue_for(proof, ProofHead.objects.get(batch=job.batch_id))
    reconciler.scheduled()
    (found,) = reconciler.drifts()
    assert (found.status, found.closed_at is None) == (DriftStatus.GONE, False)


def test_reports_and_closed_drifts_are_kept_for_their_days_and_open_ones_stay(
    reconciler: Reconciler, sender: Sender
) -> None:
    sender.settings.RECONCILIATION_REPORT_DAYS = 90
    old, young = timezone.now() - timedelta(days=91), timezone.now() - timedelta(days=89)
    done: dict[str, Any] = {"type": "full", "status": "completed", "finished_at": old}
    with acting_as("worker"), all_brands():
        for moment in (old, old, young):
            ReconciliationRun.objects.create(**done, created_at=moment)
        ReconciliationRun.objects.create(type="full", created_at=old)
        for status, closed in (("gone", old), ("repaired", young), ("quarantined", None)):
            ChainDrift.objects.create(
                kind=DriftKind.ROOT_DIFFERS,
                direction="mismatch",
                subject_type="tree",
                subject_id=str(uuid4()),
                status=status,
                found_at=old,
                closed_at=closed,
            )
        assert keeping.forget_some(1) == 2
        forget_reports()
        assert ReconciliationRun.objects.count() == 2
        assert set(ChainDrift.objects.values_list("status", flat=True)) == {
            "repaired",
            "quarantined",
        }
