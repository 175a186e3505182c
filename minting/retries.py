"""A person sends a failed job back: an audited step, resumed at the next ordinal."""

from django.db import transaction
from django.db.models.functions import Now

from minting import pipeline
from minting.events import tell
from minting.models import MintBatch, MintJob
from minting.states import BatchStatus, JobStatus
from tieback.brands.audit import ActsFor, record
from tieback.errors import Conflict


class NotRetryable(Conflict):
    """Only a FAILED job can be retried."""

    code = "JOB_NOT_RETRYABLE"


@transaction.atomic
def retry_job(*, job: MintJob, actor: str, reason: str, request_id: str = "") -> None:
    """Put a FAILED job back in the queue; a second call finds it queued and raises.

    The job keeps its finished cycles and its last error. The doorbell rings after the commit.
    """
    # Locked and read anew: the caller's row may be older than the failure.
    job = MintJob.objects.select_for_update(no_key=True).get(pk=job.pk)
    changed = MintJob.objects.filter(pk=job.pk, status=JobStatus.FAILED).update(
        status=JobStatus.QUEUED,
        queued_at=Now(),
        turn_at=Now(),
        next_attempt_at=None,
        consecutive_errors=0,
        crashes_without_progress=0,
        owner="",
        lease_until=None,
        finished_at=None,
    )
    if not changed:
        raise NotRetryable
    begun = BatchStatus.PROCESSING if job.generated_quantity else BatchStatus.QUEUED
    MintBatch.objects.filter(pk=job.batch_id, status=BatchStatus.FAILED).update(status=begun)
    data = {"reason": reason, "generated_quantity": job.generated_quantity}
    tell("job.retried", brand_id=job.brand_id, batch_id=job.batch_id, actor=actor, data=data)
    record(
        ActsFor(job.brand_id, actor),
        "mint_job.retried",
        "mint_job",
        job.pk,
        reason=reason,
        before={"status": JobStatus.FAILED, "last_error": job.last_error},
        after={"status": JobStatus.QUEUED},
        request=request_id,
    )
    transaction.on_commit(lambda: pipeline.ring(job.pk))
