"""Own serials: lists that a brand uploads or sends along, kept until and after they are minted.

Newline is not in character set 82, so a chunk holds its serials as one text: a million of them
are a hundred rows, and a cycle takes its slice by ordinal whatever its size.
"""

import uuid

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from minting.models.catalogue import Product
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager

LONGEST_LIST = 1_000_000

# Whatever a process may delete, what a batch mints or has minted from stays.
_USED_STAYS = """
    IF EXISTS (SELECT 1 FROM minting_mintbatch AS b WHERE b.serial_list_id = OLD.list_id) THEN
        RAISE restrict_violation USING MESSAGE = 'a batch uses this list of serials';
    END IF;
    RETURN OLD;
"""


class SerialList(models.Model):
    """A checked list of serials of one product. It is used by at most one batch.

    From its creation its serials are promised: nothing else under the product, or under the GTIN
    it was checked against, may take them. Deleting an unused list gives them back.
    """

    class Source(models.TextChoices):
        """How the serials came."""

        UPLOAD = "upload", "Upload"
        INLINE = "inline", "Inline"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="serial_lists")
    gtin = models.CharField(max_length=14, null=True)
    source = models.CharField(max_length=8, choices=Source.choices)
    count = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    created_by = models.CharField(max_length=100)
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="minting_seriallist_recent"),
            models.Index(
                fields=("gtin",),
                condition=models.Q(gtin__isnull=False),
                name="minting_seriallist_by_gtin",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(count__range=(1, LONGEST_LIST)),
                name="minting_seriallist_count",
            ),
            models.CheckConstraint(
                condition=models.Q(source__in=("upload", "inline")),
                name="minting_seriallist_source",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class SerialListChunk(models.Model):
    """Some of a list's serials, in the order they came, joined by newlines."""

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    list = models.ForeignKey(
        SerialList, on_delete=models.PROTECT, related_name="chunks", db_index=False
    )
    first_ordinal = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    serials = models.TextField(db_collation="C")

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("list", "first_ordinal"), name="minting_serialchunk_place"
            ),
            models.CheckConstraint(
                condition=models.Q(first_ordinal__gte=1, count__gte=1),
                name="minting_serialchunk_range",
            ),
        )
        triggers = (
            pgtrigger.Trigger(
                name="used_stays",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=_USED_STAYS,
            ),
        )

    def __str__(self) -> str:
        return f"{self.list_id} from {self.first_ordinal}"
