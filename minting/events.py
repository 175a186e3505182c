"""The story of a batch: every event type, and the one way to write one."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from minting.models import MintEvent

EVENT_TYPES: dict[str, str] = {
    "job.queued": "A mint request was accepted.",
    "job.reserved": "A worker claimed the job.",
    "job.reclaimed": "A worker took over a job whose last worker had died.",
    "job.processing": "The first cycle began.",
    "job.yielded": "The worker let go, to be continued.",
    "job.error": "A cycle met an error; it will be tried again.",
    "job.failed": "The job ended FAILED; its units stay.",
    "job.retried": "A person sent a failed job back to the queue.",
    "job.completed": "Every unit asked for exists.",
    "job.cancelled": "A person cancelled the job; its units are voided.",
    "job.paused": "A person paused the job.",
    "job.resumed": "A person ended the job's pause.",
    "units.revoked": "Units were revoked, or began to be.",
    "units.revocation_completed": "The last unit of a revocation in steps was revoked.",
    "batch.physical_status_changed": "A person said what happened to the labels.",
    "batch.released": "A person released the batch: first scans activate its units.",
    "batch.passport_changed": "A person changed what the batch's passports show.",
    "packs.requested": "Packs were asked for.",
    "packs.started": "A worker began to build the packs.",
    "packs.completed": "All packs and their manifest are stored.",
    "packs.failed": "The packs could not be built.",
    "proof.signed": "Every unit is in the batch's tree, and the brand has signed its root.",
    "proof.retried": "A person let a failed proof go on.",
    "proof.failed": "The batch's tree could not be built.",
    "batch.anchored": "The root of the batch's tree is in a finalized block of a chain.",
    "batch.certified": "The root of the batch's tree is in an account that nobody can change.",
    "batch.held_back": "The brand's daily cap keeps some of the batch from the chain until it may.",
    "submission.failed": "Something could not be written to a chain; a person must look.",
    "submission.retried": "A person let a failed submission to a chain go on.",
    "reconciliation.discrepancy": "Chain and database differ; a person has to decide.",
    "asset.asked": "A compressed NFT of one unit was asked for.",
    "asset.retried": "A person let the failed compressed NFT of a unit go on.",
    "asset.given": "The compressed NFT of a unit is to be transferred to a wallet.",
    "asset.transferred": "The compressed NFT of a unit is in another wallet, by the chain's word.",
    "pack.downloaded": "A signed URL for a pack was given out.",
}


def tell(
    event_type: str,
    *,
    brand_id: UUID,
    batch_id: UUID,
    actor: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:
    """Add one line to a batch's story, in the transaction of what it tells."""
    if event_type not in EVENT_TYPES:
        raise ValueError(f"unknown event type {event_type!r}")
    MintEvent.objects.create(
        brand_id=brand_id,
        batch_id=batch_id,
        type=event_type,
        actor=actor,
        data=dict(data or {}),
    )
