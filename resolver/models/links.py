"""Where brands let their codes lead beside the passport here."""

import uuid

from django.db import models
from django.db.models.functions import Now

from minting.models import Product
from resolver.link_types import DPP
from resolver.link_values import (
    HTML,
    LONGEST_LANGUAGE,
    LONGEST_MEDIA_TYPE,
    LONGEST_TARGET,
    LONGEST_TITLE,
)
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager


class Link(models.Model):
    """Where a brand's codes lead beside the passport here: for one product, or for all of them.

    ``target`` is a template; what it names of the scanned thing says for which codes there is such
    a link. A language of '' stands for any.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, null=True, blank=True, db_index=False
    )
    link_type = models.CharField(max_length=40)
    target = models.CharField(max_length=LONGEST_TARGET)
    title = models.CharField(max_length=LONGEST_TITLE)
    language = models.CharField(max_length=LONGEST_LANGUAGE, blank=True, default="")
    media_type = models.CharField(max_length=LONGEST_MEDIA_TYPE, default=HTML)
    is_default = models.BooleanField(default=False)
    active_from = models.DateTimeField(null=True, blank=True)
    active_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    objects = BrandManager()

    class Meta:
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="resolver_link_recent"),
            models.Index(fields=("brand", "updated_at", "id"), name="resolver_link_by_update"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("brand", "product", "link_type", "language", "media_type", "target"),
                name="resolver_link_once",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                fields=("brand", "product", "language", "media_type"),
                condition=models.Q(is_default=True),
                name="resolver_link_one_default",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(link_type__regex=r"^gs1:[A-Za-z]+$"), name="resolver_link_type"
            ),
            models.CheckConstraint(
                condition=models.Q(media_type__contains="/"), name="resolver_link_media_type"
            ),
            models.CheckConstraint(
                condition=~models.Q(link_type=DPP, media_type=HTML), name="resolver_link_passport"
            ),
            models.CheckConstraint(
                condition=models.Q(target__regex=r"^https?://[^/?#@{}[:space:]]+([/?#][!-~]*)?$"),
                name="resolver_link_target",
            ),
            models.CheckConstraint(
                condition=models.Q(active_from__isnull=True)
                | models.Q(active_until__isnull=True)
                | models.Q(active_until__gt=models.F("active_from")),
                name="resolver_link_period",
            ),
        )

    def __str__(self) -> str:
        return f"{self.link_type} {self.title}"
