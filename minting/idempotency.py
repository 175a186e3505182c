"""Idempotent submission: one key is one job of its brand, for ever.

Source: IETF draft "The Idempotency-Key HTTP Header Field" (missing 400, in flight 409, reused with
another payload 422).
"""

import hashlib
import json
import re
from typing import Any
from uuid import UUID

from django.db import connection

from minting.models import MintJob
from tieback.errors import Conflict, FieldError, TiebackError, ValidationFailed

_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


class KeyReused(TiebackError):
    """This Idempotency-Key was used for another request. Use a new key for a new request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    status = 422


class RequestInFlight(Conflict):
    """A request with this Idempotency-Key is being processed. Ask again in a moment."""

    code = "REQUEST_IN_FLIGHT"
    retry_after = 1


def read_key(header: str | None) -> str:
    """Return the key of a request, else raise the 400 that names the header."""
    if header is None or not header.strip():
        raise ValidationFailed(
            fields=(
                FieldError(
                    "Idempotency-Key", "REQUIRED", "Send a key that is new for each request."
                ),
            )
        )
    if not _PRINTABLE.fullmatch(header):
        raise ValidationFailed(
            fields=(
                FieldError(
                    "Idempotency-Key", "INVALID", "Use 1 to 255 printable ASCII characters."
                ),
            )
        )
    return header


def fingerprint(body: dict[str, Any]) -> bytes:
    """Return the SHA-256 of a validated body's canonical JSON, whatever its field order."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).digest()


def hold(brand_id: UUID, key: str) -> None:
    """Hold the key until the transaction ends; raise if another request holds it."""
    name = hashlib.sha256(f"submit:{brand_id}:{key}".encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_try_advisory_xact_lock(%s)",
            [int.from_bytes(name[:8], "big", signed=True)],
        )
        (held,) = cursor.fetchone()
    if not held:
        raise RequestInFlight


def earlier_job(brand_id: UUID, key: str, wanted: bytes) -> MintJob | None:
    """Return the job this key already made; raise if it was made by another body."""
    job = MintJob.objects.filter(brand_id=brand_id, idempotency_key=key).first()
    if job is not None and bytes(job.idempotency_fingerprint) != wanted:
        raise KeyReused
    return job
