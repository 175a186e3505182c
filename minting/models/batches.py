"""A mint batch: the units of one request, with everything that was printed frozen beside them."""

import uuid

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from minting.models.catalogue import PassportVersion, Product, ProductionBatch
from minting.states import (
    BATCH_TRANSITIONS,
    PHYSICAL_TRANSITIONS,
    ActivationMode,
    BatchStatus,
    ChainMode,
    IdentityMode,
    PhysicalStatus,
)
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager


class MintBatch(models.Model):
    """Units minted together.

    ``gtin``, ``sku``, ``production_ref`` and ``resolver_base`` are copies. What was
    printed is for ever: a code's text is made from these columns and never from the brand's or
    the product's present values.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="batches")
    passport_version = models.ForeignKey(PassportVersion, on_delete=models.PROTECT)
    production_batch = models.ForeignKey(
        ProductionBatch, null=True, on_delete=models.PROTECT, related_name="mint_batches"
    )
    identity_mode = models.CharField(max_length=8, choices=IdentityMode.choices)
    activation_mode = models.CharField(max_length=16, choices=ActivationMode.choices)
    chain_mode = models.CharField(max_length=16, choices=ChainMode.choices, default=ChainMode.NONE)
    resolver_base = models.CharField(max_length=300)
    url_rule = models.PositiveSmallIntegerField(default=1)
    gtin = models.CharField(max_length=14, null=True)
    sku = models.CharField(max_length=64)
    production_ref = models.CharField(max_length=64, blank=True)
    status = models.CharField(
        max_length=16, choices=BatchStatus.choices, default=BatchStatus.QUEUED
    )
    physical_status = models.CharField(
        max_length=16, choices=PhysicalStatus.choices, default=PhysicalStatus.MINTED
    )
    requested_quantity = models.PositiveIntegerField()
    minted_quantity = models.PositiveIntegerField(default=0)
    activated_quantity = models.PositiveIntegerField(default=0)
    revoked_quantity = models.PositiveIntegerField(default=0)
    # Of the revoked ones: those that had been active, and those that were spoiled.
    revoked_active_quantity = models.PositiveIntegerField(db_default=0)
    voided_quantity = models.PositiveIntegerField(db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    minted_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        verbose_name_plural = "mint batches"
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="minting_batch_recent"),
            models.Index(
                fields=("gtin", "product"),
                condition=models.Q(gtin__isnull=False),
                name="minting_batch_by_gtin",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(status__in=BatchStatus.values), name="minting_batch_status"
            ),
            models.CheckConstraint(
                condition=models.Q(minted_quantity__lte=models.F("requested_quantity")),
                name="minting_batch_minted_at_most_requested",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=BatchStatus.MINTED)
                | models.Q(minted_quantity=models.F("requested_quantity"), minted_at__isnull=False),
                name="minting_batch_minted_in_full",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    revoked_quantity__lte=models.F("minted_quantity"),
                    revoked_active_quantity__lte=models.F("revoked_quantity"),
                    voided_quantity__lte=models.F("revoked_quantity"),
                ),
                name="minting_batch_revoked_at_most_minted",
            ),
            models.CheckConstraint(
                condition=models.Q(physical_status__in=PhysicalStatus.values),
                name="minting_batch_physical_status",
            ),
        )
        triggers = (
            pgtrigger.FSM(
                name="legal_status",
                field="status",
                transitions=[
                    (str(start), str(end))
                    for start, ends in BATCH_TRANSITIONS.items()
                    for end in ends
                ],
            ),
            pgtrigger.FSM(
                name="legal_physical_status",
                field="physical_status",
                transitions=[
                    (str(start), str(end))
                    for start, ends in PHYSICAL_TRANSITIONS.items()
                    for end in ends
                ],
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class MintLot(models.Model):
    """A lot inside a batch minted in batch mode."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    batch = models.ForeignKey(MintBatch, on_delete=models.PROTECT, related_name="lots")
    lot_code = models.CharField(max_length=20)
    quantity = models.PositiveIntegerField()

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("batch", "lot_code"), name="minting_lot_code"),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=1), name="minting_lot_quantity"
            ),
        )

    def __str__(self) -> str:
        return self.lot_code
