"""Units without the serial or the lot that their batch prescribes are refused, whoever makes them."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

from tieback.table_options import AddTrigger


class Migration(migrations.Migration):
    """Replace the trigger that looks at each insert of units."""

    dependencies = [
        ("minting", "0006_modes"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="mintunit",
            name="parents_exist",
        ),
        AddTrigger(
            model_name="mintunit",
            trigger=pgtrigger.compiler.Trigger(
                name="parents_exist",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    IF EXISTS (\n        SELECT FROM (\n            SELECT brand_id, product_id, batch_id,\n                   bool_or(serial IS NULL) AS lacks_serial, bool_or(lot_id IS NULL) AS lacks_lot\n              FROM inserted GROUP BY brand_id, product_id, batch_id\n        ) AS i\n        LEFT JOIN minting_mintbatch AS b\n          ON b.id = i.batch_id AND b.brand_id = i.brand_id AND b.product_id = i.product_id\n        WHERE b.id IS NULL\n           OR (i.lacks_serial AND (b.serial_prefix IS NOT NULL OR b.serial_list_id IS NOT NULL))\n           OR (i.lacks_lot AND b.identity_mode = 'batch')\n    ) THEN\n        RAISE foreign_key_violation USING MESSAGE =\n            'a unit must belong to a batch of its brand and product, with its serial and lot';\n    END IF;\n    RETURN NULL;\n",
                    hash="1936c11b5f06903a905a9ea7a10c87ffb8263f2e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_parents_exist_fdbd3",
                    referencing="REFERENCING NEW TABLE AS inserted ",
                    table="minting_mintunit",
                    when="AFTER",
                ),
            ),
        ),
    ]
