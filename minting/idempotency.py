"""Idempotent submission: one key is one job of its brand, for ever.

Other requests keep their answer for a day (tieback/api/idempotency.py); a job keeps its key
beyond that, since a request repeated on the second day must not mint again.
"""

import hashlib
from typing import Any
from uuid import UUID

from minting.models import MintJob
from tieback.api.idempotency import KeyReused, RequestInFlight, canonical, read_key, try_lock

__all__ = ("KeyReused", "RequestInFlight", "earlier_job", "fingerprint", "hold", "read_key")


def fingerprint(body: dict[str, Any]) -> bytes:
    """Return the SHA-256 of a validated body's canonical JSON, whatever its field order."""
    return hashlib.sha256(canonical(body)).digest()


def hold(brand_id: UUID, key: str) -> None:
    """Hold the key until the transaction ends; raise if another request holds it."""
    try_lock(f"submit:{brand_id}:{key}")


def earlier_job(brand_id: UUID, key: str, wanted: bytes) -> MintJob | None:
    """Return the job this key already made; raise if it was made by another body."""
    job = MintJob.objects.filter(brand_id=brand_id, idempotency_key=key).first()
    if job is not None and bytes(job.idempotency_fingerprint) != wanted:
        raise KeyReused
    return job
