"""Celery entry points of exports: thin, ids only, safe to run twice."""

from celery import shared_task

from exports.builds import BUILD
from exports.leases import due_builds
from exports.worker import work_next_build
from minting import pipeline
from minting.worker import Outcome

SWEEP_RINGS_AT_MOST = 20


@shared_task(name=BUILD)
def build(hint: str = "") -> None:
    """Work the oldest due build for one window, and ring again where it is not done."""
    outcome, claim, wait = work_next_build()
    if claim is not None and outcome is Outcome.YIELDED:
        pipeline.ring_step(BUILD, claim.build_id)
    elif claim is not None and outcome is Outcome.RETRY and wait is not None:
        pipeline.ring_step(BUILD, claim.build_id, countdown=max(0.0, wait))


@shared_task(name="exports.sweep")
def sweep() -> None:
    """Ring again for builds that wait: lost messages, dead workers, ended waits."""
    for build_id in due_builds(SWEEP_RINGS_AT_MOST):
        pipeline.ring_step(BUILD, build_id, expires=pipeline.SWEPT_BELL_SECONDS)
