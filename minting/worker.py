"""Working a claimed job: cycle after cycle until it is done, the window ends, or we are stopped.

Four ways to stop that are nobody's error: the window ends, others come first (or the job is
paused), the worker is asked to stop, the connection is lost or the transaction ended in a
deadlock. Errors of the work itself are counted on the job. Whatever happens, the row tells the
truth: the next claim goes on at the next ordinal.
"""

import time
from enum import Enum

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from minting.crashpoints import reach
from minting.cycles import run_cycles
from minting.events import tell
from minting.fairness import must_yield
from minting.finalize import complete_job, record_error
from minting.interruptions import (
    describe,
    first_wait,
    is_interruption,
    reconnected,
    was_undone,
)
from minting.leases import Claim, Fenced, claim_next, let_go, look_again
from minting.models import MintJob
from minting.states import JobStatus
from minting.stopping import stop_requested
from tieback.brands.scoping import brand_scope
from tieback.metrics import INTERRUPTED

log = structlog.get_logger(__name__)

_POISON = "The job's worker died {0} times without making a unit; a person must look at it."


class Outcome(Enum):
    """How a visit to the queue ended."""

    NOTHING = "nothing to do"
    COMPLETED = "completed"
    YIELDED = "yielded"
    RETRY = "retry later"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost to another worker"


def work_next_job() -> tuple[Outcome, Claim | None, float | None]:
    """Claim one job and work it for one window.

    Returns how it ended, the claim, and the seconds until the next attempt after an error.
    """
    claim = claim_next()
    if claim is None:
        return Outcome.NOTHING, None, None
    structlog.contextvars.bind_contextvars(mint_job_id=str(claim.job_id), fence=claim.fence)
    reach("mint.claimed")
    try:
        outcome, wait = _work(claim)
    except Fenced:
        outcome, wait = _after_fence(claim), None
    except (DatabaseError, InterfaceError):
        # Not even letting go worked: the lease will end by itself.
        log.exception("mint_job_left_behind")
        outcome, wait = Outcome.LOST, None
    finally:
        structlog.contextvars.unbind_contextvars("mint_job_id", "fence", "cycle")
    log.info(
        "mint_job_left",
        mint_job_id=str(claim.job_id),
        outcome=outcome.value,
        generated=claim.generated,
    )
    return outcome, claim, wait


def _work(claim: Claim) -> tuple[Outcome, float | None]:
    try:
        if claim.is_poison:
            record_error(claim, _POISON.format(claim.crashes), final=True)
            return Outcome.FAILED, None
        reach("mint.started")
        return _run_window(claim)
    except Fenced:
        raise
    except SoftTimeLimitExceeded:
        INTERRUPTED.inc()
        # A statement may still be under way on it, and then it takes no other.
        connection.close()
        return _yield(claim)
    except Exception as error:
        if is_interruption(error):
            return _pick_up(claim, error)
        log.exception("cycle_failed")
        wait = record_error(claim, describe(error))
        return (Outcome.FAILED, None) if wait is None else (Outcome.RETRY, wait)


def _run_window(claim: Claim) -> tuple[Outcome, float | None]:
    deadline = time.monotonic() + float(settings.TIEBACK_WINDOW_SECONDS)
    for_others = False

    def stop() -> bool:
        nonlocal for_others
        if not claim.left or stop_requested():
            return True
        for_others = time.monotonic() >= deadline or must_yield(claim.job_id)
        return for_others

    run_cycles(claim, stop=stop)
    if claim.left:
        return _yield(claim, for_others=for_others)
    complete_job(claim)
    return Outcome.COMPLETED, None


def _after_fence(claim: Claim) -> Outcome:
    """Tell a job that a person cancelled from one that another worker has taken."""
    try:
        with brand_scope(claim.brand_id):
            jobs = MintJob.objects.filter(id=claim.job_id)
            cancelled = jobs.filter(status=JobStatus.CANCELLED).exists()
    except (DatabaseError, InterfaceError):
        log.exception("fenced_job_not_read")
        return Outcome.LOST
    return Outcome.CANCELLED if cancelled else Outcome.LOST


def _yield(claim: Claim, *, for_others: bool = False) -> tuple[Outcome, float | None]:
    with brand_scope(claim.brand_id):
        if not let_go(claim, for_others=for_others):
            raise Fenced
        tell(
            "job.yielded",
            brand_id=claim.brand_id,
            batch_id=claim.batch_id,
            data={"generated_quantity": claim.generated},
        )
    return Outcome.YIELDED, None


def _pick_up(claim: Claim, error: Exception) -> tuple[Outcome, float | None]:
    """Go on after a lost connection or a deadlock: neither is the job's error.

    The outcome of the last commit is unknown, so the row is read again before anything else. After
    a deadlock the job waits a moment, so that what stands in each other's way parts.
    """
    INTERRUPTED.inc()
    log.warning("mint_job_interrupted", exc_info=error)
    if not reconnected(lambda: look_again(claim)):
        raise Fenced
    outcome, wait = _yield(claim)
    return (Outcome.RETRY, first_wait()) if was_undone(error) else (outcome, wait)
