"""Releasing a batch: from then on a first scan activates its units.

A brand may ask that its units wait for this, so that nobody in the factory or the warehouse uses up
a first scan. What a batch needs is frozen when its units are asked for: a brand that changes its
mind changes neither goods that are in the shops nor goods that are not yet there.
"""

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from minting.events import tell
from minting.models import MintBatch
from minting.revocations import Act
from minting.states import BatchStatus, PhysicalStatus
from tieback.brands.audit import ActsFor, record
from tieback.errors import Conflict, NotFound


class BatchNotReleasable(Conflict):
    """Only a batch whose units all exist, and whose labels are not voided, can be released."""

    code = "BATCH_NOT_RELEASABLE"


@transaction.atomic
def release_batch(*, batch_id: UUID, act: Act) -> bool:
    """Release a batch for good; return False where that was done before, which changes nothing.

    A batch that needs no release may be released too: the moment is kept and changes nothing.
    Raises ``NotFound`` or ``BatchNotReleasable``.
    """
    batch = MintBatch.objects.select_for_update(no_key=True).filter(pk=batch_id).first()
    if batch is None:
        raise NotFound
    if batch.released_at is not None:
        return False
    if batch.status != BatchStatus.MINTED or batch.physical_status == PhysicalStatus.VOIDED:
        raise BatchNotReleasable(
            f"The batch is {batch.status}, its labels are {batch.physical_status}."
            " Release a batch when all of its units exist and its labels are not voided."
        )
    MintBatch.objects.filter(pk=batch.pk).update(released_at=Now())
    tell(
        "batch.released",
        brand_id=batch.brand_id,
        batch_id=batch.pk,
        actor=act.actor,
        data={"note": act.reason, "needs_release": batch.needs_release},
    )
    record(
        ActsFor(batch.brand_id, act.actor),
        "mint_batch.released",
        "mint_batch",
        batch.pk,
        reason=act.reason,
        before={"released": False},
        after={"released": True},
        request=act.request_id,
    )
    return True
