"""The catalogue: what a brand makes, its passport data by version, and the ERP's runs."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now

from minting.models.identifiers import IDENTIFIERS_KEPT
from minting.readiness import CATEGORIES
from minting.states import CommercialStatus, ProductionBatchStatus
from tieback.brands.models import APPEND_ONLY, Brand
from tieback.brands.scoping import BrandManager


class Product(models.Model):
    """A model of article. ``dpp`` is the current passport data, kept by version.

    ``dpp_version`` is the number of that version. Changes of minted batches make versions too,
    which are no product's current ones: ``last_version`` is the highest number of these.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    gtin = models.CharField(max_length=14, null=True, blank=True)
    mpn = models.CharField(max_length=70, null=True, blank=True)
    category = models.CharField(max_length=32, choices=[(c, c) for c in CATEGORIES])
    commercial_status = models.CharField(
        max_length=16, choices=CommercialStatus.choices, default=CommercialStatus.DRAFT
    )
    dpp = models.JSONField(default=dict, blank=True)
    dpp_version = models.PositiveIntegerField(default=1)
    last_version = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    objects = BrandManager()

    class Meta:
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="minting_product_recent"),
            models.Index(fields=("brand", "updated_at", "id"), name="minting_product_by_update"),
            models.Index(fields=("brand", "sku", "id"), name="minting_product_by_sku"),
            models.Index(fields=("brand", "name", "id"), name="minting_product_by_name"),
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
        triggers = IDENTIFIERS_KEPT

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
    actor = models.CharField(
        max_length=254, blank=True, db_default="", help_text="Who made it; empty where unknown."
    )
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


class ProductReadiness(models.Model):
    """What `minting.readiness` answers for a product, kept for lists and reports.

    It holds for the passport version and the schema version it names; what they have left behind
    is renewed by `minting.catalogue.assessments`. A mint request never relies on it.
    """

    product = models.OneToOneField(
        Product, primary_key=True, on_delete=models.PROTECT, related_name="readiness"
    )
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    category = models.CharField(max_length=32)
    dpp_version = models.PositiveIntegerField()
    schema_version = models.PositiveIntegerField()
    ready = models.BooleanField()
    filled = models.PositiveSmallIntegerField()
    missing = models.PositiveSmallIntegerField()
    not_applicable = models.PositiveSmallIntegerField()
    not_yet_required = models.PositiveSmallIntegerField()
    missing_fields = ArrayField(models.CharField(max_length=64), default=list)
    assessed_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        verbose_name_plural = "product readiness"
        indexes = (
            models.Index(fields=("brand", "category"), name="minting_readiness_by_category"),
            models.Index(
                fields=("brand", "product"),
                condition=models.Q(ready=False),
                name="minting_readiness_lacking",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(ready=True, missing=0) | models.Q(ready=False, missing__gte=1),
                name="minting_readiness_ready_misses_none",
            ),
        )

    def __str__(self) -> str:
        return f"{self.product_id} v{self.dpp_version}"


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
            models.Index(fields=("brand", "updated_at", "id"), name="minting_prodbatch_by_update"),
            models.Index(fields=("brand", "external_ref", "id"), name="minting_prodbatch_by_ref"),
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
