"""The first scan of a unit, until it is counted."""

from django.db import models
from django.db.models.functions import Now

from minting.models import MintBatch
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager


class Activation(models.Model):
    """A first scan, written with the unit's change and counted into its batch soon after.

    Rows are taken out as they are counted, so the sum is exact without a cursor over ids, which
    would miss rows that commit out of order.
    """

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(
        Brand, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    batch = models.ForeignKey(
        MintBatch, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    unit_id = models.BigIntegerField()
    activated_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    def __str__(self) -> str:
        return f"unit {self.unit_id}"
