"""Metadata documents: what is pinned of each passport version, and what was pinned before."""

import uuid

import pgtrigger
from django.db import models
from django.db.models.functions import Length, Now

from minting.metadata.addresses import LONGEST_ID, SHORTEST_ID
from minting.metadata.cid import LARGEST_BYTES
from minting.models.catalogue import PassportVersion, Product
from minting.models.transitions import only_legal
from minting.states import METADATA_TRANSITIONS, MetadataStatus
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager

_CID = r"^b[a-z2-7]{58}$"
_SHORT_ID = rf"^[A-Za-z0-9_-]{{{SHORTEST_ID},{LONGEST_ID}}}$"
#: What names the bytes, and the bytes: set together, once.
_COMPOSED = ("cid", "short_id", "content", "size", "sha256")


def _sha256_of(column: str) -> models.Func:
    """Return the SHA-256 of a column's bytes as PostgreSQL has it, in hexadecimal digits."""
    digest = models.Func(models.F(column), function="sha256", output_field=models.BinaryField())
    return models.Func(
        digest, models.Value("hex"), function="encode", output_field=models.CharField()
    )


def _changed(*names: str) -> pgtrigger.Q:
    """Return the condition that any of these columns changes."""
    changed = pgtrigger.Q()
    for name in names:
        changed |= pgtrigger.Q(**{f"old__{name}__df": pgtrigger.F(f"new__{name}")})
    return changed


class MetadataDocument(models.Model):
    """A metadata document of a passport version; the pinned one with the highest number holds.

    ``number`` counts the documents of a product. ``cid`` names the bytes in ``content``, and
    ``short_id`` the document on its brand's host; both are empty until the document is composed,
    which is before it is pinned for the first time. ``replaces`` is the document before it of the
    same version.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="metadata_documents", db_index=False
    )
    passport_version = models.ForeignKey(
        PassportVersion,
        on_delete=models.PROTECT,
        related_name="metadata_documents",
        db_index=False,
    )
    number = models.PositiveIntegerField()
    replaces = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="replaced_by"
    )
    cid = models.CharField(max_length=59, null=True)
    short_id = models.CharField(max_length=LONGEST_ID, null=True)
    content = models.BinaryField(null=True, max_length=LARGEST_BYTES)
    size = models.PositiveIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    status = models.CharField(
        max_length=8, choices=MetadataStatus.choices, default=MetadataStatus.PENDING
    )
    driver = models.CharField(max_length=16, blank=True)
    reason = models.TextField(blank=True)
    actor = models.CharField(max_length=254, blank=True)
    consecutive_errors = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    next_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    pinned_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        permissions = (
            ("retry_metadatadocument", "Can let failed metadata documents go on"),
            ("check_metadatadocument", "Can check the pins of metadata documents"),
        )
        indexes = (
            models.Index(
                fields=("created_at", "id"),
                condition=models.Q(status=MetadataStatus.PENDING),
                name="minting_metadata_order",
            ),
            models.Index(fields=("brand", "status"), name="minting_metadata_by_status"),
        )
        constraints = (
            models.UniqueConstraint(fields=("product", "number"), name="minting_metadata_number"),
            models.UniqueConstraint(
                fields=("passport_version", "cid"), name="minting_metadata_cid"
            ),
            models.UniqueConstraint(fields=("brand", "short_id"), name="minting_metadata_short"),
            models.CheckConstraint(
                condition=models.Q(status__in=MetadataStatus.values, number__gte=1),
                name="minting_metadata_status",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    cid__isnull=True,
                    short_id__isnull=True,
                    content__isnull=True,
                    size__isnull=True,
                    sha256="",
                )
                | models.Q(
                    cid__isnull=False,
                    short_id__isnull=False,
                    content__isnull=False,
                    size__isnull=False,
                    cid__regex=_CID,
                    short_id__regex=_SHORT_ID,
                    size__gte=1,
                    size__lte=LARGEST_BYTES,
                    size=Length("content"),
                    sha256=_sha256_of("content"),
                ),
                name="minting_metadata_composed_whole",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=MetadataStatus.PINNED)
                | models.Q(cid__isnull=False, pinned_at__isnull=False) & ~models.Q(driver=""),
                name="minting_metadata_pinned_whole",
            ),
        )
        triggers = (
            only_legal(METADATA_TRANSITIONS),
            pgtrigger.Protect(
                name="pinned_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status=MetadataStatus.PINNED),
            ),
            pgtrigger.Protect(
                name="composed_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__cid__isnull=False) & _changed(*_COMPOSED),
            ),
            pgtrigger.Protect(
                name="whose_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("brand", "product", "passport_version", "number"),
            ),
        )

    def __str__(self) -> str:
        return f"metadata {self.number} of {self.product_id}"

    @property
    def composed(self) -> tuple[str, bytes]:
        """The CID and the bytes it names. Raises ``ValueError`` before there are any."""
        if self.cid is None or self.content is None:
            raise ValueError(f"{self} is not composed")
        return self.cid, bytes(self.content)
