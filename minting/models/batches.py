"""A mint batch: the units of one request, with everything that was printed frozen beside them."""

import uuid

import pgtrigger
from django.db import models
from django.db.models.functions import Cast, Length, Now

from minting.models.catalogue import PassportVersion, Product, ProductionBatch
from minting.models.serials import SerialList
from minting.models.transitions import only_legal
from minting.states import (
    BATCH_TRANSITIONS,
    PHYSICAL_TRANSITIONS,
    ActivationMode,
    BatchStatus,
    ChainMode,
    IdentityMode,
    PhysicalStatus,
    SerialSource,
)
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager

LONGEST_SERIAL = 20

# Whatever makes lots, no unit belongs to two of them and none to a unit that is not asked for.
_LOTS_LIE_APART = """
    IF EXISTS (
        SELECT 1 FROM inserted AS i
        JOIN minting_mintbatch AS b ON b.id = i.batch_id
        WHERE i.last_ordinal > b.requested_quantity
           OR EXISTS (
               SELECT 1 FROM minting_mintlot AS other
               WHERE other.batch_id = i.batch_id AND other.id <> i.id
                 AND other.first_ordinal <= i.last_ordinal
                 AND other.last_ordinal >= i.first_ordinal
           )
    ) THEN
        RAISE exclusion_violation
            USING MESSAGE = 'the lots of a batch lie apart and within what was asked for';
    END IF;
    RETURN NULL;
"""


# Code of before the column writes none; so does whoever makes a batch.
_SHOWS_WHAT_IT_WAS_MINTED_WITH = """
    NEW.shown_version_id = coalesce(NEW.shown_version_id, NEW.passport_version_id);
    RETURN NEW;
"""


class MintBatch(models.Model):
    """Units minted together.

    ``gtin``, ``sku``, ``production_ref`` and ``resolver_base`` are copies. What was
    printed is for ever: a code's text is made from these columns and never from the brand's or
    the product's present values.

    ``passport_version`` is what its units were minted with and their proof names, for ever.
    ``shown_version`` is what their passports show now; ``passport_changes`` counts how often that
    was changed (``PassportChange``), and ``leaf_document`` is the document that the leaves of its
    assets are to name since the last change, once that is pinned.

    A unit is named by its token, by a serial of the sequence (``serial_prefix``, ``serial_width``,
    ``serial_start``, all frozen), or by one of ``serial_list``, which serves no other batch.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="batches")
    passport_version = models.ForeignKey(PassportVersion, on_delete=models.PROTECT)
    shown_version = models.ForeignKey(
        PassportVersion,
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    passport_changes = models.PositiveIntegerField(default=0, db_default=0)
    leaf_document = models.ForeignKey(
        "minting.MetadataDocument",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    production_batch = models.ForeignKey(
        ProductionBatch, null=True, on_delete=models.PROTECT, related_name="mint_batches"
    )
    identity_mode = models.CharField(max_length=8, choices=IdentityMode.choices)
    activation_mode = models.CharField(max_length=16, choices=ActivationMode.choices)
    serial_prefix = models.CharField(
        max_length=LONGEST_SERIAL - 1, null=True, blank=True, db_collation="C"
    )
    serial_width = models.PositiveSmallIntegerField(null=True)
    serial_start = models.PositiveBigIntegerField(null=True)
    serial_list = models.OneToOneField(
        SerialList, null=True, on_delete=models.PROTECT, related_name="batch"
    )
    chain_mode = models.CharField(max_length=24, choices=ChainMode.choices, default=ChainMode.NONE)
    # The network that is written to, as the installation had it; empty for none.
    chain_network = models.CharField(max_length=32, blank=True, db_default="")
    # Whose the assets of its units are to be; empty: the payer's.
    leaf_owner = models.CharField(max_length=44, blank=True, db_default="")
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
    # The brand's setting as it was when the units were asked for, and when they were released.
    needs_release = models.BooleanField(default=False, db_default=False)
    released_at = models.DateTimeField(null=True, blank=True)

    objects = BrandManager()

    class Meta:
        verbose_name_plural = "mint batches"
        permissions = (("release_mintbatch", "Can release batches"),)
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="minting_batch_recent"),
            models.Index(
                fields=("gtin", "product"),
                condition=models.Q(gtin__isnull=False),
                name="minting_batch_by_gtin",
            ),
            # The few whose passports were changed, by what is still to be done of that.
            models.Index(
                fields=("chain_network", "id"),
                condition=models.Q(passport_changes__gte=1),
                name="minting_batch_changed",
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
                condition=models.Q(released_at__isnull=True) | models.Q(status=BatchStatus.MINTED),
                name="minting_batch_released_when_minted",
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
            models.CheckConstraint(
                condition=models.Q(
                    serial_prefix__isnull=True, serial_width__isnull=True, serial_start__isnull=True
                )
                | models.Q(
                    serial_prefix__isnull=False,
                    serial_width__isnull=False,
                    serial_start__isnull=False,
                    serial_list__isnull=True,
                ),
                name="minting_batch_serial_rule_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    serial_width__range=(1, LONGEST_SERIAL - Length("serial_prefix"))
                ),
                name="minting_batch_serial_fits",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    serial_width__gte=Length(
                        Cast(
                            models.F("serial_start") + models.F("requested_quantity") - 1,
                            models.TextField(),
                        )
                    )
                ),
                name="minting_batch_serials_end_in_width",
            ),
        )
        triggers = (
            pgtrigger.Trigger(
                name="shows_a_version",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_SHOWS_WHAT_IT_WAS_MINTED_WITH,
            ),
            only_legal(BATCH_TRANSITIONS),
            only_legal(PHYSICAL_TRANSITIONS, name="legal_physical_status", field="physical_status"),
            pgtrigger.Protect(
                name="released_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.released_at IS NOT NULL"
                    " AND NEW.released_at IS DISTINCT FROM OLD.released_at"
                ),
            ),
        )

    def __str__(self) -> str:
        return str(self.id)

    @property
    def shown_id(self) -> uuid.UUID:
        """The passport version that its units show now."""
        shown: uuid.UUID = self.shown_version_id or self.passport_version_id
        return shown

    @property
    def serial_source(self) -> SerialSource:
        """Where the serials of this batch come from."""
        if self.serial_prefix is not None:
            return SerialSource.SEQUENTIAL
        return SerialSource.OWN if self.serial_list_id else SerialSource.GENERATED


class MintLot(models.Model):
    """A lot inside a batch minted in batch mode: the units of a range of ordinals."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    batch = models.ForeignKey(MintBatch, on_delete=models.PROTECT, related_name="lots")
    lot_code = models.CharField(max_length=20)
    quantity = models.PositiveIntegerField()
    first_ordinal = models.PositiveIntegerField()
    last_ordinal = models.PositiveIntegerField()

    objects = BrandManager()

    class Meta:
        indexes = (models.Index(fields=("brand", "lot_code"), name="minting_lot_by_code"),)
        constraints = (
            models.UniqueConstraint(fields=("batch", "lot_code"), name="minting_lot_code"),
            models.UniqueConstraint(fields=("batch", "first_ordinal"), name="minting_lot_place"),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=1), name="minting_lot_quantity"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    first_ordinal__gte=1,
                    last_ordinal=models.F("first_ordinal") + models.F("quantity") - 1,
                ),
                name="minting_lot_range",
            ),
        )
        triggers = (
            pgtrigger.Trigger(
                name="lie_apart",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="inserted"),  # type: ignore[no-untyped-call]
                func=_LOTS_LIE_APART,
            ),
        )

    def __str__(self) -> str:
        return self.lot_code
