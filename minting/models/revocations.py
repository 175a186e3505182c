"""Revocations: one act that ends the validity of one unit or of a million."""

import uuid

from django.db import models
from django.db.models.functions import Now

from minting.models.batches import MintBatch, MintLot
from minting.states import RevocationKind, RevocationReason, RevocationStatus
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager


class MintRevocation(models.Model):
    """Who revoked which units and why; the revoked units point back here.

    Named units are revoked in the transaction of the request. A range, a lot or a batch is a
    range of ordinals, and is worked through in steps: ``next_ordinal`` is how far it has come,
    advanced in the transaction of each step's units.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    kind = models.CharField(max_length=8, choices=RevocationKind.choices)
    batch = models.ForeignKey(
        MintBatch, null=True, on_delete=models.PROTECT, related_name="revocations"
    )
    lot = models.ForeignKey(MintLot, null=True, on_delete=models.PROTECT)
    first_ordinal = models.PositiveIntegerField(null=True)
    last_ordinal = models.PositiveIntegerField(null=True)
    next_ordinal = models.PositiveIntegerField(null=True)
    reason = models.CharField(max_length=16, choices=RevocationReason.choices)
    note = models.CharField(max_length=500, blank=True)
    status = models.CharField(
        max_length=16, choices=RevocationStatus.choices, default=RevocationStatus.PENDING
    )
    requested_quantity = models.PositiveIntegerField()
    revoked_quantity = models.PositiveIntegerField(default=0)
    already_revoked_quantity = models.PositiveIntegerField(default=0)
    actor = models.CharField(max_length=254)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        indexes = (
            models.Index(
                fields=("created_at", "id"),
                condition=models.Q(status=RevocationStatus.PENDING),
                name="minting_revocation_due",
            ),
            models.Index(fields=("brand", "-created_at", "-id"), name="minting_revocation_recent"),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(
                    kind=RevocationKind.UNITS,
                    first_ordinal__isnull=True,
                    last_ordinal__isnull=True,
                    next_ordinal__isnull=True,
                )
                | models.Q(
                    ~models.Q(kind=RevocationKind.UNITS),
                    batch__isnull=False,
                    first_ordinal__isnull=False,
                    last_ordinal__isnull=False,
                    next_ordinal__isnull=False,
                    first_ordinal__gte=1,
                    last_ordinal__gte=models.F("first_ordinal"),
                    next_ordinal__gte=models.F("first_ordinal"),
                    next_ordinal__lte=models.F("last_ordinal") + 1,
                ),
                name="minting_revocation_range",
            ),
            models.CheckConstraint(
                condition=models.Q(reason__in=RevocationReason.values),
                name="minting_revocation_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(status=RevocationStatus.PENDING, finished_at__isnull=True)
                | models.Q(
                    status=RevocationStatus.COMPLETED,
                    finished_at__isnull=False,
                    requested_quantity=models.F("revoked_quantity")
                    + models.F("already_revoked_quantity"),
                ),
                name="minting_revocation_completed_in_full",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)
