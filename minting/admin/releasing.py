"""The page that asks before batches are released: which, and why. A release is for good."""

from typing import Any
from uuid import UUID

from django.db.models import Q

from minting.admin.choosing import ChosenForm
from minting.models import MintBatch
from minting.releases import release_batch
from minting.revocations import Act
from minting.states import BatchStatus, PhysicalStatus
from tieback.errors import Conflict

#: Which batches a release changes; the others of a selection are skipped.
FITS = Q(released_at=None, status=BatchStatus.MINTED) & ~Q(physical_status=PhysicalStatus.VOIDED)
NOT_FIT = "released before, or not to be released"


class ReleaseForm(ChosenForm):
    """Which batches, and why."""

    NOUN = "batches"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "reason"
        ].help_text = "Kept in the audit trail, and shown to the brand in the batch's story."


def among(ids: list[UUID]) -> list[MintBatch]:
    """Return those of the batches that can be released, the oldest first."""
    batches = MintBatch.objects.filter(FITS, pk__in=ids)
    return list(batches.select_related("brand").order_by("created_at", "id"))


def release_all(ids: list[UUID], act: Act) -> int:
    """Release each batch that can be, one by one; return how many were."""
    return sum(_is_released(batch.pk, act) for batch in among(ids))


def _is_released(batch_id: UUID, act: Act) -> bool:
    try:
        return release_batch(batch_id=batch_id, act=act)
    except Conflict:
        return False
