"""The NFC tags that write into codes."""

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from minting.models import MintUnit
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager

# In place of a foreign key, which would lock the table of units while it is made.
_ON_OWN_UNIT = """
    IF NOT EXISTS (
        SELECT FROM minting_mintunit WHERE id = NEW.unit_id AND brand_id = NEW.brand_id
    ) THEN
        RAISE foreign_key_violation USING MESSAGE = 'a tag sits on a unit of its own brand';
    END IF;
    RETURN NULL;
"""


class Tag(models.Model):
    """An NFC tag (NTAG 424 DNA) that sits on a unit, by its UID; a unit may have several.

    The keys are not here: each tag's is made from a master key of its brand (``tieback/tag_keys``).
    ``last_counter`` is the counter of the last tap that was taken; it only rises, whatever unit the
    tag is put on, so no message is ever taken twice.
    """

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    unit = models.ForeignKey(
        MintUnit, on_delete=models.DO_NOTHING, db_constraint=False, related_name="tags"
    )
    uid = models.CharField(max_length=14, db_collation="C")
    last_counter = models.IntegerField(null=True)
    last_tap_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="resolver_tag_recent"),
        )
        constraints = (
            models.UniqueConstraint(fields=("brand", "uid"), name="resolver_tag_uid"),
            models.CheckConstraint(
                condition=models.Q(uid__regex="^[0-9A-F]{14}$"), name="resolver_tag_uid_form"
            ),
            models.CheckConstraint(
                condition=models.Q(last_counter__range=(0, 2**24 - 1)),
                name="resolver_tag_counter",
            ),
        )
        triggers = (
            pgtrigger.Trigger(
                name="on_own_unit",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("unit_id"),  # type: ignore[no-untyped-call]
                func=_ON_OWN_UNIT,
            ),
            pgtrigger.Protect(
                name="counter_rises",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.last_counter IS NOT NULL"
                    " AND (NEW.last_counter IS NULL OR NEW.last_counter < OLD.last_counter)"
                ),
            ),
        )

    def __str__(self) -> str:
        return self.uid
