"""Who may read more of a passport than anyone."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models.functions import Now

from minting.disclosure import Access
from minting.models import MintBatch, Product
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager

#: A year, leap years too.
LONGEST_GRANT = timedelta(days=366)
USUAL_GRANT = timedelta(days=90)


class AccessGrant(models.Model):
    """A class of access to a brand's passports, for one holder and for a time.

    For all of the brand's, or for those of one product or one batch. Only the hash of its secret
    is kept. It ends at ``expires_at``, or sooner by being revoked.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    access = models.CharField(max_length=24, choices=Access.choices)
    holder = models.CharField(max_length=200)
    product = models.ForeignKey(Product, null=True, on_delete=models.PROTECT)
    batch = models.ForeignKey(MintBatch, null=True, on_delete=models.PROTECT)
    secret_sha256 = models.BinaryField(max_length=32)
    granted_by = models.CharField(max_length=254, help_text="user:<id> or credential:<id>")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="resolver_grant_recent"),
        )
        constraints = (
            models.UniqueConstraint(fields=("secret_sha256",), name="resolver_grant_secret"),
            models.CheckConstraint(
                condition=models.Q(access__in=(Access.LEGITIMATE_INTEREST, Access.AUTHORITIES)),
                name="resolver_grant_access",
            ),
            models.CheckConstraint(
                condition=models.Q(product=None) | models.Q(batch=None),
                name="resolver_grant_one_scope",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    expires_at__gt=models.F("created_at"),
                    expires_at__lte=models.F("created_at") + LONGEST_GRANT,
                ),
                name="resolver_grant_ends",
            ),
        )

    def __str__(self) -> str:
        return f"{self.access} for {self.holder}"
