"""The table of endpoints of a chain, empty, and who may do what with it. No brand's: no policy."""

import django.db.models.functions.datetime
from django.db import migrations, models

from tieback.brands.rls import grant

TABLE = "minting_rpcendpoint"
HEALTH = (
    "id, name, blockchain, enabled, position, status, rests_until, last_success_at,"
    " last_failure_at, success_count, failure_count, failure_rate, average_latency_ms, slot,"
    " slot_lag, updated_at"
)
OPERATED = (
    "name, url, position, per_second, enabled, status, opened_times, rests_until, failure_rate,"
    " last_error, updated_at"
)


class Migration(migrations.Migration):
    """Make the table. The addresses in it may carry keys: the web plane reads its health alone."""

    dependencies = [
        ("minting", "0012_chain_wallets"),
    ]

    operations = [
        migrations.CreateModel(
            name="RpcEndpoint",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, unique=True)),
                ("url", models.CharField(max_length=2000, unique=True)),
                (
                    "blockchain",
                    models.CharField(
                        choices=[("solana", "Solana")], default="solana", max_length=16
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("per_second", models.FloatField(default=0.0)),
                ("position", models.PositiveSmallIntegerField(default=100)),
                ("from_settings", models.BooleanField(default=False, editable=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("closed", "Closed"),
                            ("open", "Open"),
                            ("half_open", "Half open"),
                        ],
                        default="closed",
                        max_length=9,
                    ),
                ),
                ("opened_times", models.PositiveSmallIntegerField(default=0)),
                ("rests_until", models.DateTimeField(null=True)),
                ("last_success_at", models.DateTimeField(null=True)),
                ("last_failure_at", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, default="", max_length=200)),
                ("success_count", models.BigIntegerField(default=0)),
                ("failure_count", models.BigIntegerField(default=0)),
                ("failure_rate", models.FloatField(default=0.0)),
                ("average_latency_ms", models.FloatField(null=True)),
                ("slot", models.BigIntegerField(null=True)),
                ("slot_lag", models.BigIntegerField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "verbose_name": "RPC endpoint",
                "permissions": (
                    ("switch_rpcendpoint", "Can enable and disable RPC endpoints"),
                    ("forgive_rpcendpoint", "Can close the breakers of RPC endpoints"),
                ),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["closed", "open", "half_open"])),
                        name="minting_rpc_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "open"), _negated=True),
                            models.Q(("opened_times__gte", 1), ("rests_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="minting_rpc_open_rests",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("failure_rate__gte", 0), ("failure_rate__lte", 1)),
                        name="minting_rpc_failure_rate",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("per_second__gte", 0)), name="minting_rpc_per_second"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("blockchain__in", ["solana"])),
                        name="minting_rpc_blockchain",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("url__regex", "^https?://[^\\s/]")),
                        name="minting_rpc_url",
                    ),
                ],
            },
        ),
        grant("tieback_worker", "select, insert, update", TABLE),
        grant("tieback_ops", f"select, insert, update ({OPERATED})", TABLE),
        grant("tieback_app", f"select ({HEALTH})", TABLE),
    ]
