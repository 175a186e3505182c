"""Batches whose units wait for a release, and when it came."""

import pgtrigger.compiler
from django.db import migrations, models

from tieback.brands.rls import grant
from tieback.table_options import AddConstraint, AddTrigger


class Migration(migrations.Migration):
    """Add the columns; a batch of before needs no release."""

    dependencies = [
        ("minting", "0008_cheaper_inserts"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="mintbatch",
            options={
                "permissions": (("release_mintbatch", "Can release batches"),),
                "verbose_name_plural": "mint batches",
            },
        ),
        migrations.AddField(
            model_name="mintbatch",
            name="needs_release",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="mintbatch",
            name="released_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        AddTrigger(
            model_name="mintbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="released_once",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.released_at IS NOT NULL AND NEW.released_at IS DISTINCT FROM OLD.released_at)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="d657d4a057759b41a611c2d181e5f00c8961f9be",
                    operation="UPDATE",
                    pgid="pgtrigger_released_once_42028",
                    table="minting_mintbatch",
                    when="BEFORE",
                ),
            ),
        ),
        AddConstraint(
            model_name="mintbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("released_at__isnull", True), ("status", "minted"), _connector="OR"
                ),
                name="minting_batch_released_when_minted",
            ),
        ),
        grant("tieback_resolver", "select (needs_release, released_at)", "minting_mintbatch"),
        grant("tieback_app", "update (released_at)", "minting_mintbatch"),
        grant("tieback_ops", "update (released_at)", "minting_mintbatch"),
    ]
