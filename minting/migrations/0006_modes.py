"""Lots with their ordinals, sequential serials, and lists of own serials."""

import uuid

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
import pgtrigger.compiler
from django.db import migrations, models

from tieback.brands.rls import brand_key, grant, isolate, same_brand
from tieback.table_locks import HoldTables
from tieback.table_options import AddConstraint, AddIndex, AddTrigger

# Uploads are checked in a table that lasts as long as their transaction.
STAGING = """
do $$ begin
    execute format('{verb} temporary on database %I {to} tieback_app', current_database());
end $$
"""


class Migration(migrations.Migration):
    """Add the modes; a batch of tokens in serial mode stays as it was."""

    dependencies = [
        ("brands", "0002_row_security"),
        ("minting", "0005_catalogue_history"),
    ]

    operations = [
        HoldTables(
            "minting_mintbatch", "minting_mintlot", referenced=("minting_product", "brands_brand")
        ),
        migrations.CreateModel(
            name="SerialList",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("gtin", models.CharField(max_length=14, null=True)),
                (
                    "source",
                    models.CharField(
                        choices=[("upload", "Upload"), ("inline", "Inline")], max_length=8
                    ),
                ),
                ("count", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("created_by", models.CharField(max_length=100)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SerialListChunk",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("first_ordinal", models.PositiveIntegerField()),
                ("count", models.PositiveIntegerField()),
                ("serials", models.TextField(db_collation="C")),
            ],
        ),
        migrations.AddField(
            model_name="mintbatch",
            name="serial_prefix",
            field=models.CharField(blank=True, db_collation="C", max_length=19, null=True),
        ),
        migrations.AddField(
            model_name="mintbatch",
            name="serial_start",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="mintbatch",
            name="serial_width",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="mintlot",
            name="first_ordinal",
            field=models.PositiveIntegerField(default=1),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="mintlot",
            name="last_ordinal",
            field=models.PositiveIntegerField(default=1),
            preserve_default=False,
        ),
        AddTrigger(
            model_name="mintlot",
            trigger=pgtrigger.compiler.Trigger(
                name="lie_apart",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    IF EXISTS (\n        SELECT 1 FROM inserted AS i\n        JOIN minting_mintbatch AS b ON b.id = i.batch_id\n        WHERE i.last_ordinal > b.requested_quantity\n           OR EXISTS (\n               SELECT 1 FROM minting_mintlot AS other\n               WHERE other.batch_id = i.batch_id AND other.id <> i.id\n                 AND other.first_ordinal <= i.last_ordinal\n                 AND other.last_ordinal >= i.first_ordinal\n           )\n    ) THEN\n        RAISE exclusion_violation\n            USING MESSAGE = 'the lots of a batch lie apart and within what was asked for';\n    END IF;\n    RETURN NULL;\n",
                    hash="5326d7d2bde3677bab6ac6cc4d460aa1966997e7",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_lie_apart_58289",
                    referencing="REFERENCING NEW TABLE AS inserted ",
                    table="minting_mintlot",
                    when="AFTER",
                ),
            ),
        ),
        AddConstraint(
            model_name="mintlot",
            constraint=models.UniqueConstraint(
                fields=("batch", "first_ordinal"), name="minting_lot_place"
            ),
        ),
        AddConstraint(
            model_name="mintlot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("first_ordinal__gte", 1),
                    (
                        "last_ordinal",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("first_ordinal"), "+", models.F("quantity")
                            ),
                            "-",
                            models.Value(1),
                        ),
                    ),
                ),
                name="minting_lot_range",
            ),
        ),
        migrations.AddField(
            model_name="seriallist",
            name="brand",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="brands.brand"),
        ),
        migrations.AddField(
            model_name="seriallist",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="serial_lists",
                to="minting.product",
            ),
        ),
        migrations.AddField(
            model_name="mintbatch",
            name="serial_list",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="batch",
                to="minting.seriallist",
            ),
        ),
        AddConstraint(
            model_name="mintbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("serial_prefix__isnull", True),
                        ("serial_start__isnull", True),
                        ("serial_width__isnull", True),
                    ),
                    models.Q(
                        ("serial_list__isnull", True),
                        ("serial_prefix__isnull", False),
                        ("serial_start__isnull", False),
                        ("serial_width__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="minting_batch_serial_rule_whole",
            ),
        ),
        AddConstraint(
            model_name="mintbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "serial_width__range",
                        (
                            1,
                            django.db.models.expressions.CombinedExpression(
                                models.Value(20),
                                "-",
                                django.db.models.functions.text.Length("serial_prefix"),
                            ),
                        ),
                    )
                ),
                name="minting_batch_serial_fits",
            ),
        ),
        AddConstraint(
            model_name="mintbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "serial_width__gte",
                        django.db.models.functions.text.Length(
                            django.db.models.functions.comparison.Cast(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("serial_start"),
                                        "+",
                                        models.F("requested_quantity"),
                                    ),
                                    "-",
                                    models.Value(1),
                                ),
                                models.TextField(),
                            )
                        ),
                    )
                ),
                name="minting_batch_serials_end_in_width",
            ),
        ),
        migrations.AddField(
            model_name="seriallistchunk",
            name="brand",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="brands.brand"
            ),
        ),
        migrations.AddField(
            model_name="seriallistchunk",
            name="list",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="chunks",
                to="minting.seriallist",
            ),
        ),
        AddIndex(
            model_name="seriallist",
            index=models.Index(
                fields=["brand", "-created_at", "-id"], name="minting_seriallist_recent"
            ),
        ),
        AddIndex(
            model_name="seriallist",
            index=models.Index(
                condition=models.Q(("gtin__isnull", False)),
                fields=["gtin"],
                name="minting_seriallist_by_gtin",
            ),
        ),
        AddConstraint(
            model_name="seriallist",
            constraint=models.CheckConstraint(
                condition=models.Q(("count__range", (1, 1000000))), name="minting_seriallist_count"
            ),
        ),
        AddConstraint(
            model_name="seriallist",
            constraint=models.CheckConstraint(
                condition=models.Q(("source__in", ("upload", "inline"))),
                name="minting_seriallist_source",
            ),
        ),
        AddConstraint(
            model_name="seriallistchunk",
            constraint=models.UniqueConstraint(
                fields=("list", "first_ordinal"), name="minting_serialchunk_place"
            ),
        ),
        AddConstraint(
            model_name="seriallistchunk",
            constraint=models.CheckConstraint(
                condition=models.Q(("count__gte", 1), ("first_ordinal__gte", 1)),
                name="minting_serialchunk_range",
            ),
        ),
        AddTrigger(
            model_name="seriallistchunk",
            trigger=pgtrigger.compiler.Trigger(
                name="used_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    IF EXISTS (SELECT 1 FROM minting_mintbatch AS b WHERE b.serial_list_id = OLD.list_id) THEN\n        RAISE restrict_violation USING MESSAGE = 'a batch uses this list of serials';\n    END IF;\n    RETURN OLD;\n",
                    hash="9c9c1182499985057bfbc3285466bb8555d4b16a",
                    operation="DELETE",
                    pgid="pgtrigger_used_stays_48456",
                    table="minting_seriallistchunk",
                    when="BEFORE",
                ),
            ),
        ),
        brand_key("minting_seriallist"),
        isolate("minting_seriallist"),
        isolate("minting_seriallistchunk"),
        same_brand("minting_seriallist", "product_id", "minting_product"),
        same_brand("minting_seriallistchunk", "list_id", "minting_seriallist"),
        same_brand("minting_mintbatch", "serial_list_id", "minting_seriallist"),
        grant(
            "tieback_app",
            "select, insert, delete",
            "minting_seriallist",
            "minting_seriallistchunk",
        ),
        grant("tieback_worker", "select", "minting_seriallist", "minting_seriallistchunk"),
        grant("tieback_ops", "select", "minting_seriallist", "minting_seriallistchunk"),
        migrations.RunSQL(
            STAGING.format(verb="grant", to="to"), STAGING.format(verb="revoke", to="from")
        ),
    ]
