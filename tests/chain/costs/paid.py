"""Transactions of a brand, as the sender leaves them."""

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone
from solders.signature import Signature

from minting.models import ChainSubmission, ChainTransaction, MintBatch
from minting.states import SubmissionStatus, TransactionStatus
from tests.factories import BrandWorld
from tests.planes import acting_as
from tieback.brands.scoping import brand_scope

_OF_SUBMISSION = {
    "finalized": SubmissionStatus.COMPLETED,
    "sent": SubmissionStatus.SENT,
}


def asked_for(world: BrandWorld, batch_id: UUID, **fields: Any) -> ChainSubmission:
    """Ask for something on a chain, and leave it there."""
    values: dict[str, Any] = {
        "kind": "anchor",
        "key": str(uuid4()),
        "network": "devchain",
        "payload": {},
        **fields,
    }
    if values.get("status") == SubmissionStatus.COMPLETED:
        values["completed_at"] = timezone.now()
    with acting_as("worker"), brand_scope(world.brand.id):
        return ChainSubmission.objects.create(brand=world.brand, batch_id=batch_id, **values)


def paid(
    world: BrandWorld,
    batch_id: UUID,
    status: str = "finalized",
    *,
    at: datetime | None = None,
    network: str = "devchain",
    seconds: float = 10.0,
    **fields: Any,
) -> ChainTransaction:
    """Store a transaction of its own submission, signed at ``at``, as it has ended."""
    at = at or timezone.now()
    landed = status in {TransactionStatus.FINALIZED, TransactionStatus.FAILED}
    amounts = {"fee": 5_000, "priority_fee": 0, "spent_besides": 0, "slot": 1} if landed else {}
    submission = asked_for(
        world, batch_id, network=network, status=_OF_SUBMISSION.get(status, "failed")
    )
    with acting_as("worker"), brand_scope(world.brand.id):
        return ChainTransaction.objects.create(
            brand=world.brand,
            batch_id=batch_id,
            submission=submission,
            status=status,
            network=network,
            payer="1" * 32,
            signature=str(Signature(secrets.token_bytes(Signature.LENGTH))),
            signed_bytes=b"\x01",
            last_valid_block_height=150,
            created_at=at,
            settled_at=None if status == "sent" else at + timedelta(seconds=seconds),
            **{"kind": "anchor", "attempt": 1, **amounts, **fields},
        )


def minted(world: BrandWorld, batch_id: UUID, quantity: int) -> None:
    """Let a batch have so many units."""
    with acting_as("worker"), brand_scope(world.brand.id):
        MintBatch.objects.filter(pk=batch_id).update(minted_quantity=quantity)
