"""NFC tags and the units they sit on."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
from django.db import migrations, models

from tieback.table_options import AddTrigger


class Migration(migrations.Migration):
    """Make the table."""

    dependencies = [
        ("brands", "0007_activates_after_release"),
        ("minting", "0009_releases"),
        ("resolver", "0008_links_row_security"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("uid", models.CharField(db_collation="C", max_length=14)),
                ("last_counter", models.IntegerField(null=True)),
                ("last_tap_at", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="brands.brand"
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="tags",
                        to="minting.mintunit",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["brand", "-created_at", "-id"], name="resolver_tag_recent")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("brand", "uid"), name="resolver_tag_uid"),
                    models.CheckConstraint(
                        condition=models.Q(("uid__regex", "^[0-9A-F]{14}$")),
                        name="resolver_tag_uid_form",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("last_counter__range", (0, 16777215))),
                        name="resolver_tag_counter",
                    ),
                ],
            },
        ),
        AddTrigger(
            model_name="tag",
            trigger=pgtrigger.compiler.Trigger(
                name="on_own_unit",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    IF NOT EXISTS (\n        SELECT FROM minting_mintunit WHERE id = NEW.unit_id AND brand_id = NEW.brand_id\n    ) THEN\n        RAISE foreign_key_violation USING MESSAGE = 'a tag sits on a unit of its own brand';\n    END IF;\n    RETURN NULL;\n",
                    hash="52529df210c1ff92e3a6b9f0e82c7637ae19527c",
                    operation='INSERT OR UPDATE OF "unit_id"',
                    pgid="pgtrigger_on_own_unit_a98c2",
                    table="resolver_tag",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="tag",
            trigger=pgtrigger.compiler.Trigger(
                name="counter_rises",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.last_counter IS NOT NULL AND (NEW.last_counter IS NULL OR NEW.last_counter < OLD.last_counter))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="becc8e749504eb7880cab91b14534be6aaf4e7e3",
                    operation="UPDATE",
                    pgid="pgtrigger_counter_rises_6a927",
                    table="resolver_tag",
                    when="BEFORE",
                ),
            ),
        ),
    ]
