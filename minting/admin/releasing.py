"""The page that asks before batches are released: which, and why. A release is for good."""

from collections.abc import Iterable
from typing import ClassVar
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from minting.admin.acts import ids_in
from minting.models import MintBatch
from minting.releases import release_batch
from minting.revocations import Act
from minting.states import BatchStatus, PhysicalStatus
from tieback.errors import Conflict

#: Which batches a release changes; the others of a selection are skipped.
FITS = Q(released_at=None, status=BatchStatus.MINTED) & ~Q(physical_status=PhysicalStatus.VOIDED)
NOT_FIT = "released before, or not to be released"


class ReleaseForm(forms.Form):
    """Which batches, and why. They travel as one field, so that hundreds of them fit."""

    MOST: ClassVar[int] = 500

    batches = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="Kept in the audit trail, and shown to the brand in the batch's story.",
    )

    @classmethod
    def of(cls, ids: Iterable[UUID]) -> "ReleaseForm":
        """Return an empty form for these batches."""
        return cls(initial={"batches": ",".join(map(str, list(ids)[: cls.MOST]))})

    def clean_batches(self) -> list[UUID]:
        """Return the ids, each once."""
        ids = ids_in(self.cleaned_data["batches"])
        if not ids or len(ids) > self.MOST:
            raise ValidationError(f"Choose between 1 and {self.MOST} batches.")
        return ids

    def batch_ids(self) -> list[UUID]:
        """Return the ids the form carries, valid or not."""
        return ids_in(str(self["batches"].value() or ""))[: self.MOST]


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
