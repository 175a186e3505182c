"""The tables of proofs, empty; 0011 isolates them and grants."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
from django.db import migrations, models

from tieback.table_locks import HoldTables
from tieback.table_options import AddConstraint, AddTrigger


class Migration(migrations.Migration):
    """Make the tables."""

    dependencies = [
        ("brands", "0009_brand_face_row_security"),
        ("minting", "0009_releases"),
    ]

    operations = [
        HoldTables(referenced=("minting_mintbatch", "brands_brand")),
        migrations.CreateModel(
            name="ProofHead",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("size", models.PositiveIntegerField()),
                ("root", models.CharField(max_length=64)),
                ("chunk_roots", models.BinaryField()),
                ("tail_root", models.BinaryField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proof_heads",
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
        ),
        migrations.CreateModel(
            name="ProofKey",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_key", models.CharField(max_length=64)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
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
        ),
        migrations.CreateModel(
            name="BatchProof",
            fields=[
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="proof",
                        serialize=False,
                        to="minting.mintbatch",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("signed", "Signed"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("quantity", models.PositiveIntegerField()),
                ("hashed_quantity", models.PositiveIntegerField(default=0)),
                ("salt_key", models.BinaryField(null=True)),
                ("passport_sha256", models.CharField(blank=True, max_length=64)),
                ("root", models.CharField(blank=True, max_length=64)),
                ("key", models.CharField(blank=True, max_length=64)),
                ("signature", models.CharField(blank=True, max_length=128)),
                ("signed_at", models.DateTimeField(null=True)),
                ("consecutive_errors", models.PositiveSmallIntegerField(default=0)),
                ("last_error", models.TextField(blank=True)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
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
                "permissions": (("retry_batchproof", "Can let failed proofs go on"),),
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "pending")),
                        fields=["created_at", "batch"],
                        name="minting_proof_order",
                    ),
                    models.Index(fields=["brand", "status"], name="minting_proof_by_status"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["pending", "signed", "failed"])),
                        name="minting_proof_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("hashed_quantity__lte", models.F("quantity")), ("quantity__gte", 1)
                        ),
                        name="minting_proof_quantity",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("hashed_quantity", 0),
                            models.Q(
                                ("passport_sha256__regex", "^[0-9a-f]{64}$"),
                                ("salt_key__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="minting_proof_begun",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "signed"), _negated=True),
                            models.Q(
                                ("hashed_quantity", models.F("quantity")),
                                ("key__regex", "^[0-9a-f]{64}$"),
                                ("root__regex", "^[0-9a-f]{64}$"),
                                ("signature__regex", "^[0-9a-f]{128}$"),
                                ("signed_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="minting_proof_signed_in_full",
                    ),
                ],
            },
        ),
        AddTrigger(
            model_name="batchproof",
            trigger=pgtrigger.compiler.Trigger(
                name="legal_status",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{pending:signed,pending:failed,failed:pending}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="92e008838a287011f5b3eb82c1dfc3097a9b67b1",
                    operation="UPDATE",
                    pgid="pgtrigger_legal_status_c219c",
                    table="minting_batchproof",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="batchproof",
            trigger=pgtrigger.compiler.Trigger(
                name="signed_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.\"status\" = 'signed')",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="8ddbaa149290066738ffb088849095731ba6db71",
                    operation="UPDATE",
                    pgid="pgtrigger_signed_stays_82463",
                    table="minting_batchproof",
                    when="BEFORE",
                ),
            ),
        ),
        AddConstraint(
            model_name="proofhead",
            constraint=models.UniqueConstraint(
                fields=("batch", "number"), name="minting_proofhead_number"
            ),
        ),
        AddConstraint(
            model_name="proofhead",
            constraint=models.UniqueConstraint(
                fields=("batch", "size"), name="minting_proofhead_size"
            ),
        ),
        AddConstraint(
            model_name="proofhead",
            constraint=models.CheckConstraint(
                condition=models.Q(("root__regex", "^[0-9a-f]{64}$"), ("size__gte", 1)),
                name="minting_proofhead_root",
            ),
        ),
        AddTrigger(
            model_name="proofhead",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="6250bfc286670638846c72597bf045c92f47c266",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_7b20f",
                    table="minting_proofhead",
                    when="BEFORE",
                ),
            ),
        ),
        AddConstraint(
            model_name="proofkey",
            constraint=models.UniqueConstraint(
                fields=("brand", "public_key"), name="minting_proofkey_once"
            ),
        ),
        AddConstraint(
            model_name="proofkey",
            constraint=models.CheckConstraint(
                condition=models.Q(("public_key__regex", "^[0-9a-f]{64}$")),
                name="minting_proofkey_form",
            ),
        ),
        AddTrigger(
            model_name="proofkey",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="ed12edd45e958749af19f899cc3aca8447cd2676",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_13cee",
                    table="minting_proofkey",
                    when="BEFORE",
                ),
            ),
        ),
    ]
