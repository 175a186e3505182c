"""The steps of a mint and the doorbells between them.

``ring`` sends a real Celery chain, assembled by task name so that minting never imports a later
step. The chain only carries the doorbell on: each step claims the oldest work that is due, so a
lost message costs one sweep and a repeated one finds nothing to do. ``generate`` drops the rest
of its chain when it yields and rings anew.
"""

from typing import Any

import structlog
from celery import chain, current_app
from celery.canvas import Signature
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from tieback.metrics import DOORBELLS_LOST

log = structlog.get_logger(__name__)

GENERATE = "minting.generate"
LATER_STEPS = ("exports.build", "minting.prove", "minting.pin", "chain.group", "chain.submit")

# When a sweep's bell is too old to matter, by the clock of the worker that hears it: clocks may
# differ by as much.
SWEPT_BELL_SECONDS = 300.0

# Called in the transaction that completes a job, so that the next step's due row commits with it.
ON_COMPLETION = (
    "exports.builds.queue_for",
    "minting.proofs.building.queue_for",
    "minting.metadata.asking.queue_for",
)


def ring(job_id: object, *, countdown: float | None = None, expires: float | None = None) -> bool:
    """Wake a worker for a job; return False, and count it, if the broker did not take it.

    ``countdown`` and ``expires`` are seconds: when to ring, and when the bell is too old to matter.
    """
    signatures = [
        current_app.signature(name, args=(str(job_id),), immutable=True)
        for name in (GENERATE, *LATER_STEPS)
    ]
    return _send(chain(*signatures), countdown=countdown, expires=expires)


def ring_step(
    name: str, hint: object, *, countdown: float | None = None, expires: float | None = None
) -> bool:
    """Wake a worker for one step alone."""
    signature = current_app.signature(name, args=(str(hint),), immutable=True)
    return _send(signature, countdown=countdown, expires=expires)


def _send(signature: Signature[Any], **options: float | None) -> bool:
    given: dict[str, Any] = {k: v for k, v in options.items() if v is not None}
    try:
        signature.apply_async(retry=False, **given)
    except (OperationalError, OSError) as error:
        DOORBELLS_LOST.inc()
        log.warning("doorbell_lost", error=type(error).__name__)
        return False
    return True


def warm_up() -> None:
    """Import and connect what the first doorbell needs; a dead broker is no reason not to start."""
    try:
        with current_app.producer_or_acquire(None) as producer:
            producer.connection.ensure_connection(max_retries=0, timeout=1)
    except (OperationalError, OSError) as error:
        log.warning("broker_not_reached", error=type(error).__name__)


def complete(*, brand_id: object, batch_id: object, quantity: int) -> None:
    """Write the due rows of the steps that follow a completed mint."""
    for name in ON_COMPLETION:
        import_string(name)(brand_id=brand_id, batch_id=batch_id, quantity=quantity)
