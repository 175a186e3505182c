"""How much a brand may spend on a chain in a day."""

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager


class ChainBudget(models.Model):
    """A brand's cap of lamports for each day of UTC; a brand without a row has none.

    ``held_back_at`` is when the cap last kept something from being begun. The rules are in
    ``minting/chain/budgets.py``.
    """

    brand = models.OneToOneField(Brand, on_delete=models.PROTECT, primary_key=True)
    lamports_per_day = models.PositiveBigIntegerField(null=True, blank=True)
    held_back_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        triggers = (pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"budget of {self.brand_id}"
