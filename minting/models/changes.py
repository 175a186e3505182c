"""Changes of passports after minting: what a batch's units show, since when, and why."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from minting.models.batches import MintBatch
from minting.models.catalogue import PassportVersion
from tieback.brands.models import APPEND_ONLY, Brand
from tieback.brands.scoping import BrandManager


class PassportChange(models.Model):
    """One change of what a batch's passports show; ``number`` counts them from 1.

    ``fields`` are the passport fields that differ between the two versions. ``reason`` is shown to
    everybody, on the passport.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    batch = models.ForeignKey(
        MintBatch, on_delete=models.PROTECT, related_name="changes", db_index=False
    )
    number = models.PositiveIntegerField()
    from_version = models.ForeignKey(
        PassportVersion, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    to_version = models.ForeignKey(
        PassportVersion, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    fields = ArrayField(models.CharField(max_length=64))
    reason = models.TextField()
    actor = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        indexes = (models.Index(fields=("brand", "-created_at", "-id"), name="minting_change_new"),)
        constraints = (
            models.UniqueConstraint(fields=("batch", "number"), name="minting_change_number"),
            models.CheckConstraint(
                condition=models.Q(number__gte=1, fields__len__gte=1) & ~models.Q(reason=""),
                name="minting_change_whole",
            ),
        )
        triggers = (APPEND_ONLY,)

    def __str__(self) -> str:
        return f"change {self.number} of {self.batch_id}"
