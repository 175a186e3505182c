"""A batch's packs, and the build that makes them: leased and fenced like a mint job."""

import uuid

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from minting.models import MintBatch
from minting.models.transitions import only_legal
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager


class PackStatus(models.TextChoices):
    """Where a pack, or the build of a batch's packs, stands."""

    PENDING = "pending", "Pending"
    GENERATING = "generating", "Generating"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"


class PackFormat(models.TextChoices):
    """A file format."""

    CSV = "csv", "CSV"


class PackProfile(models.TextChoices):
    """What the file is for, hence its columns."""

    FULL = "full", "Full manifest"


UNFINISHED = (PackStatus.PENDING, PackStatus.GENERATING)

# Of a build. A pack takes the same steps, and its completion is final too.
TRANSITIONS: dict[PackStatus, tuple[PackStatus, ...]] = {
    PackStatus.PENDING: (PackStatus.GENERATING, PackStatus.FAILED),
    PackStatus.GENERATING: (PackStatus.PENDING, PackStatus.COMPLETED, PackStatus.FAILED),
    PackStatus.COMPLETED: (),
    PackStatus.FAILED: (PackStatus.PENDING,),
}


class PackBuild(models.Model):
    """The work of making all packs of a batch in one format and profile; one builder at a time.

    ``created_at`` is the moment whose state of the units every pack shows, whenever it is made.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    batch = models.ForeignKey(MintBatch, on_delete=models.PROTECT, related_name="pack_builds")
    format = models.CharField(max_length=8, choices=PackFormat.choices, default=PackFormat.CSV)
    profile = models.CharField(max_length=16, choices=PackProfile.choices, default=PackProfile.FULL)
    status = models.CharField(max_length=16, choices=PackStatus.choices, default=PackStatus.PENDING)
    pack_size = models.PositiveIntegerField()
    pack_count = models.PositiveIntegerField()
    packs_done = models.PositiveIntegerField(default=0)
    manifest_key = models.CharField(max_length=300, blank=True)
    manifest_sha256 = models.CharField(max_length=64, blank=True)

    fence = models.PositiveBigIntegerField(default=0)
    owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    consecutive_errors = models.PositiveSmallIntegerField(default=0)
    packs_done_at_claim = models.PositiveIntegerField(default=0)
    crashes_without_progress = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)

    created_at = models.DateTimeField(db_default=Now())
    queued_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        indexes = (
            models.Index(
                fields=("queued_at", "id"),
                condition=models.Q(status__in=UNFINISHED),
                name="exports_build_claim_order",
            ),
            models.Index(fields=("brand", "status"), name="exports_build_by_status"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("batch", "format", "profile"), name="exports_build_once"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=PackStatus.values), name="exports_build_status"
            ),
            models.CheckConstraint(
                condition=~models.Q(status=PackStatus.COMPLETED)
                | models.Q(manifest_sha256__regex=r"^[0-9a-f]{64}$", finished_at__isnull=False),
                name="exports_build_completed_has_manifest",
            ),
            models.CheckConstraint(
                condition=models.Q(packs_done__lte=models.F("pack_count")),
                name="exports_build_done_at_most_all",
            ),
        )
        triggers = (only_legal(TRANSITIONS),)

    def __str__(self) -> str:
        return f"{self.batch_id} {self.profile} {self.format}"


class PayloadPack(models.Model):
    """One file of a batch: a fixed range of ordinals, its size and its SHA-256."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    batch = models.ForeignKey(MintBatch, on_delete=models.PROTECT, related_name="packs")
    build = models.ForeignKey(PackBuild, on_delete=models.PROTECT, related_name="packs")
    number = models.PositiveIntegerField()
    first_ordinal = models.PositiveIntegerField()
    row_count = models.PositiveIntegerField()
    status = models.CharField(max_length=16, choices=PackStatus.choices, default=PackStatus.PENDING)
    storage_key = models.CharField(max_length=300)
    byte_size = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    completed_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("build", "number"), name="exports_pack_number"),
            models.UniqueConstraint(fields=("storage_key",), name="exports_pack_storage_key"),
            models.CheckConstraint(
                condition=models.Q(status__in=PackStatus.values), name="exports_pack_status"
            ),
            models.CheckConstraint(
                condition=~models.Q(status=PackStatus.COMPLETED)
                | models.Q(
                    sha256__regex=r"^[0-9a-f]{64}$",
                    byte_size__isnull=False,
                    completed_at__isnull=False,
                ),
                name="exports_pack_completed_has_hash",
            ),
        )
        indexes = (models.Index(fields=("batch", "number"), name="exports_pack_by_batch"),)
        triggers = (
            only_legal(TRANSITIONS),
            pgtrigger.Protect(
                name="finished_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status=PackStatus.COMPLETED),
            ),
        )

    def __str__(self) -> str:
        return self.storage_key

    @property
    def last_ordinal(self) -> int:
        """The ordinal of its last row."""
        return self.first_ordinal + self.row_count - 1
