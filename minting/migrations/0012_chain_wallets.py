"""The wallets that were used, each bound to a network; and who may read and write them."""

import django.db.models.functions.datetime
import pgtrigger.compiler
from django.db import migrations, models

from tieback.brands.rls import grant
from tieback.table_options import AddTrigger

TABLE = "minting_chainwallet"


class Migration(migrations.Migration):
    """Make the table. It belongs to no brand, so there is nothing to isolate."""

    dependencies = [
        ("minting", "0011_proofs_row_security"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChainWallet",
            fields=[
                ("address", models.CharField(max_length=44, primary_key=True, serialize=False)),
                (
                    "role",
                    models.CharField(
                        choices=[("payer", "Payer"), ("tree_creator", "Tree creator")],
                        max_length=12,
                    ),
                ),
                (
                    "network",
                    models.CharField(
                        choices=[
                            ("devchain", "devchain"),
                            ("localnet", "localnet"),
                            ("devnet", "devnet"),
                            ("testnet", "testnet"),
                            ("mainnet-beta", "mainnet-beta"),
                        ],
                        max_length=12,
                    ),
                ),
                ("genesis_hash", models.CharField(max_length=44)),
                (
                    "first_used_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("retired_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ("-first_used_at", "address"),
                "permissions": (("retire_chainwallet", "Can retire wallets"),),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["payer", "tree_creator"])),
                        name="minting_wallet_role",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "network__in",
                                ["devchain", "localnet", "devnet", "testnet", "mainnet-beta"],
                            )
                        ),
                        name="minting_wallet_network",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("address__regex", "^[1-9A-HJ-NP-Za-km-z]{32,44}$"),
                            ("genesis_hash__regex", "^[1-9A-HJ-NP-Za-km-z]{32,44}$"),
                        ),
                        name="minting_wallet_form",
                    ),
                ],
            },
        ),
        AddTrigger(
            model_name="chainwallet",
            trigger=pgtrigger.compiler.Trigger(
                name="never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="e56ea47ef56918548eb3d5576e72ac28a643f4cd",
                    operation="DELETE",
                    pgid="pgtrigger_never_deleted_0851e",
                    table="minting_chainwallet",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="chainwallet",
            trigger=pgtrigger.compiler.Trigger(
                name="binding_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."address" IS DISTINCT FROM (NEW."address") OR OLD."role" IS DISTINCT FROM (NEW."role") OR OLD."network" IS DISTINCT FROM (NEW."network") OR OLD."genesis_hash" IS DISTINCT FROM (NEW."genesis_hash") OR OLD."first_used_at" IS DISTINCT FROM (NEW."first_used_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="75da7d1a505d2057416a92c51ad312ed7fcb25a1",
                    operation="UPDATE",
                    pgid="pgtrigger_binding_stays_0a28b",
                    table="minting_chainwallet",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="chainwallet",
            trigger=pgtrigger.compiler.Trigger(
                name="retired_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."retired_at" IS NOT NULL)',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="c35e4386463da3fb554fc49a49b60206fbc0b39a",
                    operation="UPDATE",
                    pgid="pgtrigger_retired_stays_d6bb5",
                    table="minting_chainwallet",
                    when="BEFORE",
                ),
            ),
        ),
        grant("tieback_worker", "select, insert", TABLE),
        grant("tieback_ops", "select, update (retired_at)", TABLE),
    ]
