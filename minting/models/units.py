"""The unit table: up to millions of rows a minute, so every column and index has its price.

No row-level foreign keys (they are half of all insert cost): one statement-level trigger checks
brand, product and batch once per insert, and that no serial or lot is forgotten. ``fillfactor``
leaves room so that an activation is a heap-only update. A statement inserts units of one batch.
"""

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from minting.models.batches import MintBatch, MintLot
from minting.models.catalogue import Product
from minting.models.revocations import MintRevocation
from minting.states import UnitStatus
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager

# Compared with the first row instead of grouped: hardly a cost beside the insert.
_PARENTS_EXIST = """
    SELECT brand_id, product_id, batch_id INTO made FROM inserted LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT serial_prefix IS NOT NULL OR serial_list_id IS NOT NULL AS needs_serial,
           identity_mode = 'batch' AS needs_lot
      INTO wanted FROM minting_mintbatch
     WHERE id = made.batch_id AND brand_id = made.brand_id AND product_id = made.product_id;
    IF NOT FOUND OR EXISTS (
        SELECT FROM inserted AS i
         WHERE i.batch_id <> made.batch_id OR i.brand_id <> made.brand_id
            OR i.product_id <> made.product_id
            OR (wanted.needs_serial AND i.serial IS NULL)
            OR (wanted.needs_lot AND i.lot_id IS NULL)
    ) THEN
        RAISE foreign_key_violation USING MESSAGE =
            'units must belong to one batch of their brand and product, with its serials and lots';
    END IF;
    RETURN NULL;
"""


class MintUnit(models.Model):
    """One physical item. Its token is its public id; ``serial`` is NULL where the token serves."""

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(
        Brand, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    product = models.ForeignKey(
        Product, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    batch = models.ForeignKey(
        MintBatch,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="units",
    )
    lot = models.ForeignKey(
        MintLot, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    ordinal = models.IntegerField()
    token = models.CharField(max_length=20, db_collation="C")
    serial = models.CharField(max_length=20, null=True, db_collation="C")
    status = models.SmallIntegerField(choices=UnitStatus.choices, default=UnitStatus.MINTED)
    activated_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revocation = models.ForeignKey(
        MintRevocation,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="units",
    )
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("token",), name="minting_unit_token"),
            models.UniqueConstraint(fields=("batch", "ordinal"), name="minting_unit_ordinal"),
            # Serial first: a list looks for a serial without knowing its product.
            models.UniqueConstraint(
                fields=("serial", "product"),
                condition=models.Q(serial__isnull=False),
                name="minting_unit_serial",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=UnitStatus.values), name="minting_unit_status"
            ),
            models.CheckConstraint(
                condition=models.Q(ordinal__gte=1), name="minting_unit_ordinal_from_one"
            ),
        )
        triggers = (
            pgtrigger.Trigger(
                name="parents_exist",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="inserted"),  # type: ignore[no-untyped-call]
                declare=[("made", "record"), ("wanted", "record")],
                func=_PARENTS_EXIST,
            ),
            pgtrigger.Protect(
                name="never_back",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__status__lt=pgtrigger.F("old__status")),
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return self.token
