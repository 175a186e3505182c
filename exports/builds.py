"""Asking for a batch's packs: a completed mint does, people and API clients do.

A worker finds what is due by itself; the row written here is all it needs.
"""

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from exports.models import UNFINISHED, PackBuild, PackStatus
from minting import pipeline
from minting.events import tell
from minting.models import MintBatch
from minting.states import BatchStatus
from tieback.errors import Conflict

BUILD = "exports.build"


class BatchNotMinted(Conflict):
    """Packs can be built once every unit of the batch exists."""

    code = "BATCH_NOT_MINTED"


def queue_for(*, brand_id: UUID, batch_id: UUID, quantity: int) -> None:
    """Ask for a batch's packs, in the transaction that completes it; a second call does nothing."""
    size = int(settings.TIEBACK_PACK_SIZE)
    build = PackBuild(
        brand_id=brand_id, batch_id=batch_id, pack_size=size, pack_count=-(-quantity // size)
    )
    PackBuild.objects.bulk_create([build], ignore_conflicts=True)


@transaction.atomic
def request_build(*, batch: MintBatch, actor: str) -> tuple[PackBuild, bool]:
    """Ask for a batch's packs; return the build, and whether this call made it due.

    A failed build goes on after its last finished pack. One under way or complete stays as it is.
    The doorbell rings after the commit, once more where the build is due already.
    """
    exportable = batch.status in {BatchStatus.MINTED, BatchStatus.CANCELLED}
    if not exportable or not batch.minted_quantity:
        raise BatchNotMinted(
            f"The batch is {batch.status}; its packs can be built once every unit exists."
        )
    known = PackBuild.objects.filter(batch=batch).exists()
    if not known:
        queue_for(brand_id=batch.brand_id, batch_id=batch.id, quantity=batch.minted_quantity)
    revived = PackBuild.objects.filter(batch=batch, status=PackStatus.FAILED).update(
        status=PackStatus.PENDING,
        queued_at=Now(),
        next_attempt_at=None,
        consecutive_errors=0,
        crashes_without_progress=0,
        finished_at=None,
    )
    build = PackBuild.objects.get(batch=batch)
    asked = bool(revived) or not known
    if asked:
        data = {"packs": build.pack_count, "packs_done": build.packs_done}
        tell(
            "packs.requested",
            brand_id=batch.brand_id,
            batch_id=batch.id,
            actor=actor,
            data=data,
        )
    if build.status in UNFINISHED:
        transaction.on_commit(lambda: pipeline.ring_step(BUILD, build.id))
    return build, asked
