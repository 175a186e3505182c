"""What a product is and was called: each SKU, GTIN and part number, with the time it held.

The database keeps this history itself, in the statement that writes the product: no code path, nor
a process of an earlier release, can change a product's identifier and leave the old one unknown.
"""

import uuid

import pgtrigger
from django.db import models
from django.db.models.functions import Lower, Now

from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager


class IdentifierType(models.TextChoices):
    """A product's column whose values are kept."""

    SKU = "sku", "SKU"
    GTIN = "gtin", "GTIN"
    MPN = "mpn", "Manufacturer's part number"


class IdentifierStatus(models.TextChoices):
    """Whether the product carries the identifier now."""

    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"


class ProductIdentifier(models.Model):
    """An identifier of a product. A retired one that comes back is the same row, active again.

    ``minted`` tells of a retired GTIN that units were minted under it: printed codes carry it, so
    it stays this product's for ever.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    product = models.ForeignKey(
        "minting.Product", on_delete=models.PROTECT, related_name="identifiers", db_index=False
    )
    type = models.CharField(max_length=8, choices=IdentifierType.choices)
    value = models.CharField(max_length=70)
    status = models.CharField(
        max_length=8, choices=IdentifierStatus.choices, default=IdentifierStatus.ACTIVE
    )
    minted = models.BooleanField(default=False)
    valid_from = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        indexes = (
            models.Index(fields=("brand", "type", "value"), name="minting_identifier_by_value"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("product", "type", "value"), name="minting_identifier_once"
            ),
            models.UniqueConstraint(
                fields=("product", "type"),
                condition=models.Q(status=IdentifierStatus.ACTIVE),
                name="minting_identifier_one_active",
            ),
            models.UniqueConstraint(
                "brand",
                "type",
                Lower("value"),
                condition=(
                    models.Q(status=IdentifierStatus.ACTIVE, type__in=("sku", "gtin"))
                    | models.Q(minted=True)
                ),
                name="minting_identifier_held",
            ),
            models.CheckConstraint(
                condition=models.Q(type__in=IdentifierType.values), name="minting_identifier_type"
            ),
            models.CheckConstraint(
                condition=models.Q(status=IdentifierStatus.ACTIVE, retired_at__isnull=True)
                | models.Q(status=IdentifierStatus.RETIRED, retired_at__isnull=False),
                name="minting_identifier_retired_has_time",
            ),
        )
        triggers = (pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.type} {self.value}"


_NAMED = "cross join lateral (values ('sku', {0}.sku), ('gtin', {0}.gtin), ('mpn', {0}.mpn))"

_KEEP_NEW = f"""
    INSERT INTO minting_productidentifier
           (id, brand_id, product_id, type, value, status, minted)
    SELECT gen_random_uuid(), p.brand_id, p.id, named.type, named.value, 'active', false
      FROM inserted AS p {_NAMED.format("p")} AS named (type, value)
     WHERE named.value IS NOT NULL;
    RETURN NULL;
"""  # noqa: S608 - constants only

# Whoever mints holds the product's row until the batch is written, and whoever changes it waits for
# that: each statement here sees the batches of every mint request under the old GTIN.
_KEEP_CHANGED = f"""
    UPDATE minting_productidentifier AS i
       SET status = 'retired', retired_at = statement_timestamp(),
           minted = i.type = 'gtin' AND EXISTS (
               SELECT 1 FROM minting_mintbatch AS b
               WHERE b.product_id = i.product_id AND b.gtin = i.value
           )
      FROM replaced AS p {_NAMED.format("p")} AS named (type, value)
      JOIN renewed AS q ON q.id = p.id
     WHERE i.product_id = p.id AND i.type = named.type AND i.value = named.value
       AND i.status = 'active'
       AND named.value IS DISTINCT FROM
           CASE named.type WHEN 'sku' THEN q.sku WHEN 'gtin' THEN q.gtin ELSE q.mpn END;
    INSERT INTO minting_productidentifier
           (id, brand_id, product_id, type, value, status, minted)
    SELECT gen_random_uuid(), p.brand_id, p.id, named.type, named.value, 'active', false
      FROM renewed AS p {_NAMED.format("p")} AS named (type, value)
      JOIN replaced AS q ON q.id = p.id
     WHERE named.value IS NOT NULL
       AND named.value IS DISTINCT FROM
           CASE named.type WHEN 'sku' THEN q.sku WHEN 'gtin' THEN q.gtin ELSE q.mpn END
    ON CONFLICT (product_id, type, value) DO UPDATE
       SET status = 'active', retired_at = NULL, minted = false;
    RETURN NULL;
"""  # noqa: S608

IDENTIFIERS_KEPT = (
    pgtrigger.Trigger(
        name="identifiers_of_new",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="inserted"),  # type: ignore[no-untyped-call]
        func=_KEEP_NEW,
    ),
    pgtrigger.Trigger(
        name="identifiers_of_changed",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        referencing=pgtrigger.Referencing(  # type: ignore[no-untyped-call]
            old="replaced", new="renewed"
        ),
        func=_KEEP_CHANGED,
    ),
)
