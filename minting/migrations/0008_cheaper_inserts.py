"""What is looked at for each unit that is written is looked at once for all of a statement's."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

from tieback.brands.rls import look_up_brand_once
from tieback.table_options import AddTrigger


class Migration(migrations.Migration):
    """Replace the trigger that looks at each insert of units, and the policy on them."""

    dependencies = [
        ("minting", "0007_units_keep_their_identities"),
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
                    declare="DECLARE made record; wanted record;",
                    func="\n    SELECT brand_id, product_id, batch_id INTO made FROM inserted LIMIT 1;\n    IF NOT FOUND THEN\n        RETURN NULL;\n    END IF;\n    SELECT serial_prefix IS NOT NULL OR serial_list_id IS NOT NULL AS needs_serial,\n           identity_mode = 'batch' AS needs_lot\n      INTO wanted FROM minting_mintbatch\n     WHERE id = made.batch_id AND brand_id = made.brand_id AND product_id = made.product_id;\n    IF NOT FOUND OR EXISTS (\n        SELECT FROM inserted AS i\n         WHERE i.batch_id <> made.batch_id OR i.brand_id <> made.brand_id\n            OR i.product_id <> made.product_id\n            OR (wanted.needs_serial AND i.serial IS NULL)\n            OR (wanted.needs_lot AND i.lot_id IS NULL)\n    ) THEN\n        RAISE foreign_key_violation USING MESSAGE =\n            'units must belong to one batch of their brand and product, with its serials and lots';\n    END IF;\n    RETURN NULL;\n",
                    hash="03f420c137a3804af0af689b802dda7f6f1e2823",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_parents_exist_fdbd3",
                    referencing="REFERENCING NEW TABLE AS inserted ",
                    table="minting_mintunit",
                    when="AFTER",
                ),
            ),
        ),
        look_up_brand_once("minting_mintunit"),
    ]
