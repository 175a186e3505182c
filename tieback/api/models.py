"""The answers that are kept for a day, so that a repeated request is answered and not run again."""

from django.db import models
from django.db.models.functions import Now

from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager


class KeptAnswer(models.Model):
    """What one caller was answered when they sent a key with one operation.

    Written in the transaction of the effect it tells of. The key itself is not stored, only its
    hash; ``answer`` is compressed JSON without secrets, or NULL where it was too large to keep.
    """

    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    principal = models.CharField(max_length=254, help_text="user:<id> or credential:<id>")
    operation = models.CharField(max_length=200, help_text="Method and route.")
    key_sha256 = models.BinaryField(max_length=32)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    content_type = models.CharField(max_length=100)
    answer = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    objects = BrandManager()

    class Meta:
        indexes = (models.Index(fields=("expires_at",), name="api_keptanswer_expires"),)
        constraints = (
            models.UniqueConstraint(
                fields=("brand", "principal", "operation", "key_sha256"),
                name="api_keptanswer_once",
            ),
            models.CheckConstraint(
                condition=models.Q(status__gte=200, status__lt=400),
                name="api_keptanswer_success",
            ),
        )

    def __str__(self) -> str:
        return f"{self.operation} {self.status}"
