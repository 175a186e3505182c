"""Celery entry points of minting: thin, ids only, safe to run twice."""

from typing import Any

from celery import Task, shared_task
from django.conf import settings

from minting import pipeline
from minting.leases import due_jobs
from minting.worker import Outcome, work_next_job

SWEEP_RINGS_AT_MOST = 20


@shared_task(bind=True, name="minting.generate")
def generate(self: "Task[Any, Any]", job_id: str) -> None:
    """Work the first claimable job; ``job_id`` only tells why the bell rang.

    The rest of the chain carries the bell to the next step. It is dropped where the job is not
    done, since the bell then rings anew.
    """
    outcome, claim, wait = work_next_job()
    if claim is None or outcome is Outcome.COMPLETED:
        return
    self.request.chain = None
    if outcome is Outcome.YIELDED:
        pipeline.ring(claim.job_id)
    elif outcome is Outcome.RETRY and wait is not None:
        pipeline.ring(claim.job_id, countdown=max(0.0, wait))


@shared_task(name="minting.sweep")
def sweep() -> None:
    """Ring again for jobs that wait: lost messages, dead workers, ended waits."""
    for job_id in due_jobs(SWEEP_RINGS_AT_MOST):
        pipeline.ring(job_id, expires=float(settings.TIEBACK_SWEEP_SECONDS))
