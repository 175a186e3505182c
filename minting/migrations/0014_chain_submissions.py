"""What is written to a chain: the tables, empty; 0015 isolates them and grants."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
from django.db import migrations, models

from tieback.table_locks import HoldTables
from tieback.table_options import AddConstraint, AddIndex, AddTrigger


class Migration(migrations.Migration):
    """Make the tables, and let a batch say which network it is written to."""

    dependencies = [
        ("brands", "0009_brand_face_row_security"),
        ("minting", "0013_rpc_endpoints"),
    ]

    operations = [
        HoldTables("minting_mintbatch", referenced=("brands_brand",)),
        migrations.AddField(
            model_name="mintbatch",
            name="chain_network",
            field=models.CharField(blank=True, db_default="", max_length=32),
        ),
        migrations.AlterField(
            model_name="mintbatch",
            name="chain_mode",
            field=models.CharField(
                choices=[("none", "None"), ("anchor", "Anchor")], default="none", max_length=16
            ),
        ),
        migrations.CreateModel(
            name="ChainSubmission",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(choices=[("anchor", "Anchor")], max_length=16)),
                ("key", models.CharField(max_length=120)),
                ("blockchain", models.CharField(default="solana", max_length=16)),
                ("network", models.CharField(max_length=32)),
                ("payload", models.JSONField()),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "urgent"), (1, "high"), (2, "standard")], default=2
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("sent", "Sent"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("fence", models.PositiveBigIntegerField(default=0)),
                ("lease_until", models.DateTimeField(null=True)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("consecutive_errors", models.PositiveSmallIntegerField(default=0)),
                ("last_error", models.TextField(blank=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("completed_at", models.DateTimeField(null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="submissions",
                        to="minting.mintbatch",
                    ),
                ),
                (
                    "brand",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="brands.brand",
                    ),
                ),
            ],
            options={
                "permissions": (("retry_chainsubmission", "Can let failed submissions go on"),),
            },
        ),
        migrations.CreateModel(
            name="ChainTransaction",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(choices=[("anchor", "Anchor")], max_length=16)),
                ("attempt", models.PositiveIntegerField()),
                ("blockchain", models.CharField(default="solana", max_length=16)),
                ("network", models.CharField(max_length=32)),
                ("payer", models.CharField(max_length=44)),
                ("signature", models.CharField(db_collation="C", max_length=88)),
                ("signed_bytes", models.BinaryField()),
                ("last_valid_block_height", models.PositiveBigIntegerField()),
                ("mint_count", models.PositiveIntegerField(default=0)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("sent", "Sent"),
                            ("finalized", "Finalized"),
                            ("failed", "Failed"),
                            ("expired", "Expired"),
                        ],
                        default="sent",
                        max_length=16,
                    ),
                ),
                ("slot", models.PositiveBigIntegerField(null=True)),
                ("fee", models.PositiveBigIntegerField(null=True)),
                ("priority_fee", models.PositiveBigIntegerField(null=True)),
                ("spent_besides", models.BigIntegerField(null=True)),
                ("compute_units", models.PositiveBigIntegerField(null=True)),
                ("error", models.TextField(blank=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="minting.mintbatch",
                    ),
                ),
                (
                    "brand",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="brands.brand",
                    ),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="minting.chainsubmission",
                    ),
                ),
            ],
        ),
        AddIndex(
            model_name="chainsubmission",
            index=models.Index(
                condition=models.Q(("status__in", ("pending", "sent"))),
                fields=["network", "priority", "created_at", "id"],
                name="minting_submission_order",
            ),
        ),
        AddIndex(
            model_name="chainsubmission",
            index=models.Index(
                fields=["batch", "created_at", "id"], name="minting_submission_of_batch"
            ),
        ),
        AddIndex(
            model_name="chainsubmission",
            index=models.Index(fields=["brand", "status"], name="minting_submission_by_status"),
        ),
        AddConstraint(
            model_name="chainsubmission",
            constraint=models.UniqueConstraint(
                fields=("brand", "blockchain", "network", "key"), name="minting_submission_once"
            ),
        ),
        AddConstraint(
            model_name="chainsubmission",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["pending", "sent", "completed", "failed"])),
                name="minting_submission_status",
            ),
        ),
        AddConstraint(
            model_name="chainsubmission",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["anchor"])), name="minting_submission_kind"
            ),
        ),
        AddConstraint(
            model_name="chainsubmission",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "completed"), _negated=True),
                    ("completed_at__isnull", False),
                    _connector="OR",
                ),
                name="minting_submission_completed",
            ),
        ),
        AddTrigger(
            model_name="chainsubmission",
            trigger=pgtrigger.compiler.Trigger(
                name="legal_status",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{pending:sent,pending:failed,sent:completed,sent:pending,sent:failed,failed:pending}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="4fb12eaca2d31649e99639945ae103ee5b637b64",
                    operation="UPDATE",
                    pgid="pgtrigger_legal_status_41655",
                    table="minting_chainsubmission",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="chainsubmission",
            trigger=pgtrigger.compiler.Trigger(
                name="completed_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.\"status\" = 'completed')",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="58eec00f4fd4434a47775864dfaa1dc4183ee621",
                    operation="UPDATE",
                    pgid="pgtrigger_completed_stays_a442d",
                    table="minting_chainsubmission",
                    when="BEFORE",
                ),
            ),
        ),
        AddIndex(
            model_name="chaintransaction",
            index=models.Index(
                fields=["brand", "-created_at", "-id"], name="minting_transaction_recent"
            ),
        ),
        AddIndex(
            model_name="chaintransaction",
            index=models.Index(fields=["batch", "created_at"], name="minting_transaction_of_batch"),
        ),
        AddConstraint(
            model_name="chaintransaction",
            constraint=models.UniqueConstraint(
                fields=("signature",), name="minting_transaction_signature"
            ),
        ),
        AddConstraint(
            model_name="chaintransaction",
            constraint=models.UniqueConstraint(
                fields=("submission", "attempt"), name="minting_transaction_attempt"
            ),
        ),
        AddConstraint(
            model_name="chaintransaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ("sent", "finalized"))),
                fields=("submission",),
                name="minting_transaction_one_alive",
            ),
        ),
        AddConstraint(
            model_name="chaintransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["sent", "finalized", "failed", "expired"])),
                name="minting_transaction_status",
            ),
        ),
        AddConstraint(
            model_name="chaintransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("signature__regex", "^[1-9A-HJ-NP-Za-km-z]{64,88}$")),
                name="minting_transaction_signature_form",
            ),
        ),
        AddConstraint(
            model_name="chaintransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "finalized"), _negated=True),
                    models.Q(
                        ("fee__isnull", False),
                        ("settled_at__isnull", False),
                        ("slot__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="minting_transaction_finalized",
            ),
        ),
        AddTrigger(
            model_name="chaintransaction",
            trigger=pgtrigger.compiler.Trigger(
                name="legal_status",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{sent:finalized,sent:failed,sent:expired}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="3327222a6b8d5511224e26b1b3f44227f74a54fd",
                    operation="UPDATE",
                    pgid="pgtrigger_legal_status_489a5",
                    table="minting_chaintransaction",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="chaintransaction",
            trigger=pgtrigger.compiler.Trigger(
                name="settled_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT (OLD.\"status\" = 'sent'))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="9e271ebf025f722dac916bff1cbdf34d3b34bd79",
                    operation="UPDATE",
                    pgid="pgtrigger_settled_stays_00269",
                    table="minting_chaintransaction",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="chaintransaction",
            trigger=pgtrigger.compiler.Trigger(
                name="signed_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='RAISE EXCEPTION \'pgtrigger: Cannot update of "signature", "signed_bytes", "last_valid_block_height", "attempt" rows from % table\', TG_TABLE_NAME;',
                    hash="b75fbef25984706d7dacf7c6ab1678315a280f65",
                    operation='UPDATE OF "signature", "signed_bytes", "last_valid_block_height", "attempt"',
                    pgid="pgtrigger_signed_stays_6c8bb",
                    table="minting_chaintransaction",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="chaintransaction",
            trigger=pgtrigger.compiler.Trigger(
                name="never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="776cc500b27edda06105c2aa43b9f92ac77e3378",
                    operation="DELETE",
                    pgid="pgtrigger_never_deleted_bcb8e",
                    table="minting_chaintransaction",
                    when="BEFORE",
                ),
            ),
        ),
    ]
