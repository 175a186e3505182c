"""Working a claimed build: packs for one window, then the manifest once all are done.

Ending the window, being asked to stop, a lost connection and a deadlock are nobody's error. Errors
of the work itself are counted on the build: three in a row end it FAILED, its finished packs stay,
and asking again goes on after the last of them.
"""

import time

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from exports.finalize import complete_build, record_error
from exports.leases import BuildClaim, claim_next, let_go, renew
from exports.packs import Interrupted, build_packs, store_manifest
from minting.crashpoints import reach
from minting.fairness import job_waits
from minting.interruptions import (
    describe,
    first_wait,
    is_interruption,
    reconnected,
    was_undone,
)
from minting.leases import Fenced
from minting.stopping import stop_requested
from minting.worker import Outcome
from tieback.errors import TransientError
from tieback.metrics import INTERRUPTED

log = structlog.get_logger(__name__)

# A store that is away comes back: with waits of up to five minutes this is about four hours.
OUTAGE_ATTEMPTS = 50
_POISON = "The build's worker died {0} times without finishing a pack; a person must look at it."


def work_next_build() -> tuple[Outcome, BuildClaim | None, float | None]:
    """Claim one build and make packs for one window.

    Returns how it ended, the claim, and the seconds until the next attempt after an error.
    """
    claim = claim_next()
    if claim is None:
        return Outcome.NOTHING, None, None
    structlog.contextvars.bind_contextvars(pack_build_id=str(claim.build_id), fence=claim.fence)
    try:
        outcome, wait = _work(claim)
    except Fenced:
        outcome, wait = Outcome.LOST, None
    except (DatabaseError, InterfaceError):
        # Not even letting go worked: the lease will end by itself.
        log.exception("pack_build_left_behind")
        outcome, wait = Outcome.LOST, None
    finally:
        structlog.contextvars.unbind_contextvars("pack_build_id", "fence")
    log.info(
        "pack_build_left",
        pack_build_id=str(claim.build_id),
        outcome=outcome.value,
        packs_done=claim.packs_done,
    )
    return outcome, claim, wait


def _work(claim: BuildClaim) -> tuple[Outcome, float | None]:
    try:
        reach("exports.claimed")
        if claim.is_poison:
            record_error(claim, _POISON.format(claim.crashes), final=True)
            return Outcome.FAILED, None
        return _run_window(claim)
    except Fenced:
        raise
    except (SoftTimeLimitExceeded, Interrupted):
        INTERRUPTED.inc()
        # A statement may still be under way on it, and then it takes no other.
        connection.close()
        return _yield(claim)
    except Exception as error:
        if is_interruption(error):
            return _pick_up(claim, error)
        log.exception("pack_build_error")
        patience = OUTAGE_ATTEMPTS if isinstance(error, TransientError) else None
        wait = record_error(claim, describe(error), attempts=patience)
        return (Outcome.FAILED, None) if wait is None else (Outcome.RETRY, wait)


def _run_window(claim: BuildClaim) -> tuple[Outcome, float | None]:
    deadline = time.monotonic() + float(settings.TIEBACK_WINDOW_SECONDS)

    def stop() -> bool:
        # Nobody watches packs being made, but somebody waits for each small job.
        return stop_requested() or time.monotonic() >= deadline or job_waits()

    if not build_packs(claim, stop=stop):
        return _yield(claim)
    key, sha256 = store_manifest(claim)
    complete_build(claim, key, sha256)
    return Outcome.COMPLETED, None


def _yield(claim: BuildClaim) -> tuple[Outcome, float | None]:
    let_go(claim)
    return Outcome.YIELDED, None


def _pick_up(claim: BuildClaim, error: Exception) -> tuple[Outcome, float | None]:
    """Let go after a lost connection or a deadlock: neither is the build's error."""
    INTERRUPTED.inc()
    log.warning("pack_build_interrupted", exc_info=error)

    def still_ours() -> bool:
        renew(claim)
        return True

    reconnected(still_ours)
    outcome, wait = _yield(claim)
    return (Outcome.RETRY, first_wait()) if was_undone(error) else (outcome, wait)
