"""What people do to a job that is under way: cancel it, pause it, let it go on.

Each act locks the job's row. A worker holds that lock for the length of a cycle, so an act falls
between two cycles: the worker finds out at the first statement of the next one.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from minting import pipeline
from minting.events import tell
from minting.models import MintBatch, MintJob, MintPause
from minting.revocations import Act, void_batch
from minting.states import (
    LIVE_BATCHES,
    LIVE_JOBS,
    PHYSICAL_TRANSITIONS,
    BatchStatus,
    JobStatus,
    PhysicalStatus,
    Priority,
)
from tieback.brands.audit import ActsFor, ActsForSystem, record
from tieback.errors import Conflict, NotFound

_PAUSED_QUEUES = """
select priority from minting_mintpause where brand_id is null order by priority
"""


class NotCancellable(Conflict):
    """The job has ended; units that exist can be revoked."""

    code = "JOB_NOT_CANCELLABLE"


class NotPausable(Conflict):
    """Only a job that has not ended can be paused."""

    code = "JOB_NOT_PAUSABLE"


class PhysicalStatusConflict(Conflict):
    """The labels cannot take this physical status now."""

    code = "PHYSICAL_STATUS_CONFLICT"


class AlreadyPaused(Conflict):
    """This is paused already."""

    code = "ALREADY_PAUSED"


class NotPaused(Conflict):
    """This is not paused."""

    code = "NOT_PAUSED"


@dataclass(frozen=True)
class Cancelled:
    """What a cancelled job leaves behind: ``generated_quantity`` units, all of them voided."""

    job: MintJob
    revocation_id: UUID | None


@transaction.atomic
def cancel_job(*, job_id: UUID, act: Act) -> Cancelled:
    """End a job that is live or FAILED; what it made is voided, and still resolves and exports.

    Raises ``NotFound`` or ``NotCancellable``. Waits for a cycle that is under way, whose units
    then count as made.
    """
    job = _locked(job_id)
    if job.status not in {*LIVE_JOBS, JobStatus.FAILED}:
        raise NotCancellable(f"The job is {job.status}; only one that has not ended is cancelled.")
    before = {"status": job.status, "generated_quantity": job.generated_quantity}
    MintJob.objects.filter(pk=job.pk).update(
        status=JobStatus.CANCELLED,
        owner="",
        lease_until=None,
        next_attempt_at=None,
        finished_at=Now(),
    )
    MintBatch.objects.filter(pk=job.batch_id).update(
        status=BatchStatus.CANCELLED, physical_status=PhysicalStatus.VOIDED
    )
    MintPause.objects.filter(job=job).delete()
    made = {"generated_quantity": job.generated_quantity, "reason": act.reason}
    tell("job.cancelled", brand_id=job.brand_id, batch_id=job.batch_id, actor=act.actor, data=made)
    _record(act, job, "mint_job.cancelled", before, {"status": JobStatus.CANCELLED})
    revocation = void_batch(job.batch_id, act) if job.generated_quantity else None
    job.refresh_from_db()
    return Cancelled(job, revocation.id if revocation else None)


@transaction.atomic
def pause_job(*, job_id: UUID, act: Act) -> MintJob:
    """Keep a job from being worked; a worker that has it lets go after its cycle."""
    job = _locked(job_id)
    if job.status not in LIVE_JOBS:
        raise NotPausable(f"The job is {job.status}; only one that has not ended can be paused.")
    if MintPause.objects.filter(job=job).exists():
        raise AlreadyPaused("The job is paused already.")
    MintPause.objects.create(brand_id=job.brand_id, job=job, reason=act.reason, actor=act.actor)
    _tell(job, "job.paused", act)
    _record(act, job, "mint_job.paused", {"paused": False}, {"paused": True})
    return job


@transaction.atomic
def resume_job(*, job_id: UUID, act: Act) -> MintJob:
    """End a job's own pause; that of its brand or queue goes on."""
    job = _locked(job_id)
    ended, _ = MintPause.objects.filter(job=job).delete()
    if not ended:
        raise NotPaused("The job is not paused by itself.")
    _tell(job, "job.resumed", act)
    _record(act, job, "mint_job.resumed", {"paused": True}, {"paused": False})
    transaction.on_commit(lambda: pipeline.ring(job.pk))
    return job


@transaction.atomic
def set_physical_status(*, batch_id: UUID, status: PhysicalStatus, act: Act) -> MintBatch:
    """Say what happened to a batch's labels; it only goes forward.

    Raises ``NotFound`` or ``PhysicalStatusConflict``.
    """
    batch = MintBatch.objects.select_for_update(no_key=True).filter(pk=batch_id).first()
    if batch is None:
        raise NotFound
    now = PhysicalStatus(batch.physical_status)
    if batch.status in {*LIVE_BATCHES, BatchStatus.FAILED}:
        raise PhysicalStatusConflict("The batch may still gain units.")
    if status not in PHYSICAL_TRANSITIONS[now]:
        raise PhysicalStatusConflict(
            f"The labels are {now.value}; they cannot become {status.value}."
        )
    MintBatch.objects.filter(pk=batch.pk).update(physical_status=status)
    change = {"from": now.value, "to": status.value, "note": act.reason}
    tell(
        "batch.physical_status_changed",
        brand_id=batch.brand_id,
        batch_id=batch.pk,
        actor=act.actor,
        data=change,
    )
    record(
        ActsFor(batch.brand_id, act.actor),
        "mint_batch.physical_status_changed",
        "mint_batch",
        batch.pk,
        reason=act.reason,
        before={"physical_status": now},
        after={"physical_status": status},
        request=act.request_id,
    )
    batch.physical_status = status
    return batch


@transaction.atomic
def pause_brand(*, brand_id: UUID, act: Act) -> MintPause:
    """Keep all jobs of a brand from being worked; requests are still accepted."""
    pause = MintPause(brand_id=brand_id, reason=act.reason, actor=act.actor)
    _insert(pause, "The brand's minting is paused already.")
    _record_of("brand", brand_id, brand_id, act, "brand.minting_paused", paused=True)
    return pause


@transaction.atomic
def resume_brand(*, brand_id: UUID, act: Act) -> None:
    """End a brand's pause."""
    ended, _ = MintPause.objects.filter(brand_id=brand_id, job__isnull=True).delete()
    if not ended:
        raise NotPaused("The brand's minting is not paused.")
    _record_of("brand", brand_id, brand_id, act, "brand.minting_resumed", paused=False)
    transaction.on_commit(_ring_for_waiting)


@transaction.atomic
def pause_queue(*, priority: Priority, act: Act) -> MintPause:
    """Keep jobs of a priority from being worked, whoever's they are (operators)."""
    pause = MintPause(priority=priority, reason=act.reason, actor=act.actor)
    _insert(pause, f"The queue {priority.label} is paused already.")
    _record_of("mint_queue", priority.label, None, act, "mint_queue.paused", paused=True)
    return pause


@transaction.atomic
def resume_queue(*, priority: Priority, act: Act) -> None:
    """End the pause of a priority's queue (operators)."""
    ended, _ = MintPause.objects.filter(priority=priority).delete()
    if not ended:
        raise NotPaused(f"The queue {priority.label} is not paused.")
    _record_of("mint_queue", priority.label, None, act, "mint_queue.resumed", paused=False)
    transaction.on_commit(_ring_for_waiting)


def paused_queues() -> list[Priority]:
    """Return the priorities whose queues are paused; these rows belong to no brand."""
    with connection.cursor() as cursor:
        cursor.execute(_PAUSED_QUEUES)
        return [Priority(row[0]) for row in cursor.fetchall()]


def _locked(job_id: UUID) -> MintJob:
    job = MintJob.objects.select_for_update(no_key=True).filter(pk=job_id).first()
    if job is None:
        raise NotFound
    return job


def _insert(pause: MintPause, words: str) -> None:
    """Insert unless there is one: of two at once, the second waits and is told."""
    MintPause.objects.bulk_create([pause], ignore_conflicts=True)
    if not MintPause.objects.filter(pk=pause.pk).exists():
        raise AlreadyPaused(words)


def _ring_for_waiting() -> None:
    """Ring once without naming a job: whoever comes claims what is first."""
    pipeline.ring("resumed")


def _tell(job: MintJob, event: str, act: Act) -> None:
    data = {"reason": act.reason, "generated_quantity": job.generated_quantity}
    tell(event, brand_id=job.brand_id, batch_id=job.batch_id, actor=act.actor, data=data)


def _record(
    act: Act, job: MintJob, action: str, before: dict[str, object], after: dict[str, object]
) -> None:
    record(
        ActsFor(job.brand_id, act.actor),
        action,
        "mint_job",
        job.pk,
        reason=act.reason,
        before=before,
        after=after,
        request=act.request_id,
    )


def _record_of(
    target_type: str,
    target_id: object,
    brand_id: UUID | None,
    act: Act,
    action: str,
    *,
    paused: bool,
) -> None:
    record(
        ActsFor(brand_id, act.actor) if brand_id else ActsForSystem(act.actor),
        action,
        target_type,
        target_id,
        reason=act.reason,
        before={"paused": not paused},
        after={"paused": paused},
        request=act.request_id,
    )
