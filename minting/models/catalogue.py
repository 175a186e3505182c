"""The catalogue: what a brand makes, its passport data by version, and the ERP's runs."""

import uuid

from django.db import models
from django.db.models.functions import Lower, Now

from minting.readiness import CATEGORIES
from minting.states import CommercialStatus, ProductionBatchStatus
from tieback.brands.models import APPEND_ONLY, Brand
from tieback.brands.scoping import BrandManager


class Product(models.Model):
    """A model of article. ``dpp`` is the current passport data, kept by version."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    gtin = models.CharField(max_length=14, null=True, blank=True)
    category = models.CharField(max_length=32, choices=[(c, c) for c in CATEGORIES])
    commercial_status = models.CharField(
        max_length=16, choices=CommercialStatus.choices, default=CommercialStatus.DRAFT
    )
    dpp = models.JSONField(default=dict, blank=True)
    dpp_version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    objects = BrandManager()

    class Meta:
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="minting_product_recent"),
        )
        constraints = (
            models.UniqueConstraint("brand", Lower("sku"), name="minting_product_sku"),
            models.UniqueConstraint(
                fields=("brand", "gtin"),
                condition=models.Q(gtin__isnull=False),
                name="minting_product_gtin",
            ),
            models.CheckConstraint(
                condition=models.Q(gtin__isnull=True) | models.Q(gtin__regex=r"^[0-9]{14}$"),
                name="minting_product_gtin_digits",
            ),
            models.CheckConstraint(
                condition=models.Q(commercial_status__in=CommercialStatus.values),
                name="minting_product_commercial_status",
            ),
            models.CheckConstraint(
                condition=models.Q(category__in=CATEGORIES), name="minting_product_category"
            ),
        )

    def __str__(self) -> str:
        return self.sku


class PassportVersion(models.Model):
    """A product's passport data as it stood: a batch keeps the version it was minted with."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    category = models.CharField(max_length=32)
    schema_version = models.PositiveIntegerField()
    dpp = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("product", "number"), name="minting_passportversion_no"
            ),
        )
        triggers = (APPEND_ONLY,)

    def __str__(self) -> str:
        return f"{self.product_id} v{self.number}"


class ProductionBatch(models.Model):
    """The ERP's production run. What may still be minted against it is counted, not stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="production_batches"
    )
    external_ref = models.CharField(max_length=64)
    status = models.CharField(
        max_length=16, choices=ProductionBatchStatus.choices, default=ProductionBatchStatus.PLANNED
    )
    quantity = models.PositiveBigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    objects = BrandManager()

    class Meta:
        verbose_name_plural = "production batches"
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="minting_prodbatch_recent"),
        )
        constraints = (
            models.UniqueConstraint(
                "brand", Lower("external_ref"), name="minting_productionbatch_ref"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=ProductionBatchStatus.values),
                name="minting_productionbatch_status",
            ),
            models.CheckConstraint(
                condition=models.Q(quantity__isnull=True) | models.Q(quantity__gte=1),
                name="minting_productionbatch_quantity",
            ),
        )

    def __str__(self) -> str:
        return self.external_ref
