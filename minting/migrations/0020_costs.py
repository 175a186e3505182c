"""Budgets of brands and prices of chains; who may read and write them."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
from django.db import migrations, models

from tieback.brands.rls import grant, isolate
from tieback.table_locks import HoldTables
from tieback.table_options import AddTrigger

BUDGET, PRICE = "minting_chainbudget", "minting_chainprice"
CHOSEN = "select, insert, update (lamports_per_day, updated_at)"


class Migration(migrations.Migration):
    """Make the tables. A price belongs to no brand, so there is nothing to isolate."""

    dependencies = [
        ("brands", "0009_brand_face_row_security"),
        ("minting", "0019_trees_and_assets_row_security"),
    ]

    operations = [
        HoldTables(referenced=("brands_brand",)),
        migrations.CreateModel(
            name="ChainBudget",
            fields=[
                (
                    "brand",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="brands.brand",
                    ),
                ),
                ("lamports_per_day", models.PositiveBigIntegerField(blank=True, null=True)),
                ("held_back_at", models.DateTimeField(null=True)),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ChainPrice",
            fields=[
                ("network", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("blockchain", models.CharField(default="solana", max_length=16)),
                ("micro_lamports", models.PositiveBigIntegerField()),
                (
                    "congestion",
                    models.CharField(
                        choices=[("low", "Low"), ("normal", "Normal"), ("high", "High")],
                        max_length=6,
                    ),
                ),
                ("reason", models.CharField(max_length=200)),
                (
                    "measured_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("congestion__in", ["low", "normal", "high"])),
                        name="minting_price_congestion",
                    ),
                ],
            },
        ),
        AddTrigger(
            model_name="chainbudget",
            trigger=pgtrigger.compiler.Trigger(
                name="never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="db3dc7a51e7d7e8b369a294ff42a5c326317e7fe",
                    operation="DELETE",
                    pgid="pgtrigger_never_deleted_3d344",
                    table="minting_chainbudget",
                    when="BEFORE",
                ),
            ),
        ),
        isolate(BUDGET),
        # A worker holds the row of a brand while it begins something, and says what it held back.
        grant("tieback_worker", "select, update (held_back_at)", BUDGET),
        grant("tieback_app", CHOSEN, BUDGET),
        grant("tieback_ops", CHOSEN, BUDGET),
        grant("tieback_worker", "select, insert, update", PRICE),
        grant("tieback_app", "select", PRICE),
        grant("tieback_ops", "select", PRICE),
    ]
