"""The tables of reconciliation, empty; 0024 isolates them and grants.

A transaction that was given up may be on its way again: old code never asks for that.
"""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from tieback.table_locks import HoldTables
from tieback.table_options import AddConstraint, AddIndex, AddTrigger


class Migration(migrations.Migration):
    """Make the tables, and let what was given up be found again."""

    dependencies = [
        ("brands", "0009_brand_face_row_security"),
        ("minting", "0022_certificates"),
    ]

    operations = [
        HoldTables("minting_chaintransaction", referenced=("minting_mintbatch", "brands_brand")),
        migrations.CreateModel(
            name="ChainDrift",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("network", models.CharField(blank=True, max_length=32)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("transaction_missing", "Transaction missing"),
                            ("transaction_in_vain", "Transaction in vain"),
                            ("submission_unfounded", "Submission unfounded"),
                            ("anchor_missing", "Anchor missing"),
                            ("document_missing", "Document missing"),
                            ("tree_missing", "Tree missing"),
                            ("leaf_missing", "Leaf missing"),
                            ("transaction_landed", "Transaction landed"),
                            ("landed_twice", "Landed twice"),
                            ("orphan_anchor", "Orphan anchor"),
                            ("unknown_spending", "Unknown spending"),
                            ("leaf_unrecorded", "Leaf unrecorded"),
                            ("unknown_leaf", "Unknown leaf"),
                            ("memo_differs", "Memo differs"),
                            ("document_differs", "Document differs"),
                            ("tree_supply_differs", "Tree supply differs"),
                            ("tree_authority_differs", "Tree authority differs"),
                            ("owner_differs", "Owner differs"),
                            ("leaf_differs", "Leaf differs"),
                            ("sequence_gap", "Sequence gap"),
                            ("root_differs", "Root differs"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "direction",
                    models.CharField(
                        choices=[
                            ("db_to_chain", "Here, and not there"),
                            ("chain_to_db", "There, and not here"),
                            ("mismatch", "On both sides, and not the same"),
                        ],
                        max_length=12,
                    ),
                ),
                ("subject_type", models.CharField(max_length=16)),
                ("subject_id", models.CharField(max_length=120)),
                ("detail", models.JSONField(default=dict)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("left", "Left"),
                            ("quarantined", "Quarantined"),
                            ("accepted", "Accepted"),
                            ("unauthorised", "Unauthorised"),
                            ("repaired", "Repaired"),
                            ("gone", "Gone"),
                        ],
                        max_length=12,
                    ),
                ),
                ("wants_repair", models.BooleanField(default=False)),
                ("run_id", models.UUIDField(null=True)),
                ("times_seen", models.PositiveIntegerField(default=1)),
                (
                    "found_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "seen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("decided_by", models.CharField(blank=True, max_length=254)),
                ("decided_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True)),
                ("closed_at", models.DateTimeField(null=True)),
            ],
            options={
                "permissions": (("decide_chaindrift", "Can decide what becomes of drifts"),),
            },
        ),
        migrations.CreateModel(
            name="ReconciliationCursor",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("network", models.CharField(blank=True, max_length=32)),
                ("stage", models.CharField(max_length=32)),
                ("position", models.JSONField(default=dict)),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReconciliationRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[("incremental", "Incremental"), ("full", "Full")], max_length=16
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("all", "All"),
                            ("anchors", "Anchors"),
                            ("documents", "Documents"),
                            ("trees", "Trees"),
                        ],
                        default="all",
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("read_only", models.BooleanField(default=False)),
                ("network", models.CharField(blank=True, max_length=32)),
                ("actor", models.CharField(blank=True, max_length=254)),
                ("cursor", models.JSONField(default=dict)),
                ("db_to_chain_issues", models.PositiveIntegerField(default=0)),
                ("chain_to_db_issues", models.PositiveIntegerField(default=0)),
                ("mismatches", models.PositiveIntegerField(default=0)),
                ("successes", models.PositiveBigIntegerField(default=0)),
                ("repaired", models.PositiveIntegerField(default=0)),
                ("quarantined", models.PositiveIntegerField(default=0)),
                ("known", models.PositiveIntegerField(default=0)),
                ("details", models.JSONField(default=list)),
                ("fence", models.PositiveBigIntegerField(default=0)),
                ("lease_until", models.DateTimeField(null=True)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("consecutive_errors", models.PositiveSmallIntegerField(default=0)),
                ("last_error", models.TextField(blank=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "permissions": (("start_reconciliationrun", "Can start reconciliations"),),
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="chaintransaction",
            name="legal_status",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="chaintransaction",
            name="settled_stays",
        ),
        AddIndex(
            model_name="chaintransaction",
            index=models.Index(
                condition=models.Q(("settled_at__isnull", False)),
                fields=["network", "settled_at", "id"],
                name="minting_transaction_settled",
            ),
        ),
        AddTrigger(
            model_name="chaintransaction",
            trigger=pgtrigger.compiler.Trigger(
                name="legal_status",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{sent:finalized,sent:failed,sent:expired,expired:sent}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="ccca3b36f32d34cff5e69d136a1534424e35dbd7",
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
                    condition="WHEN (NOT (OLD.\"status\" = 'sent') AND NOT (NEW.\"status\" = 'sent' AND OLD.\"status\" = 'expired'))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="79b8d4b2d47b951418db34e72c0319e52d7032df",
                    operation="UPDATE",
                    pgid="pgtrigger_settled_stays_00269",
                    table="minting_chaintransaction",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="chaindrift",
            name="batch",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="drifts",
                to="minting.mintbatch",
            ),
        ),
        migrations.AddField(
            model_name="chaindrift",
            name="brand",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="brands.brand",
            ),
        ),
        AddConstraint(
            model_name="reconciliationcursor",
            constraint=models.UniqueConstraint(
                fields=("network", "stage"), name="minting_reconciled_stage"
            ),
        ),
        migrations.AddField(
            model_name="reconciliationrun",
            name="brand",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="brands.brand",
            ),
        ),
        AddIndex(
            model_name="chaindrift",
            index=models.Index(fields=["brand", "-found_at", "-id"], name="minting_drift_recent"),
        ),
        AddIndex(
            model_name="chaindrift",
            index=models.Index(
                condition=models.Q(("status__in", ("left", "quarantined"))),
                fields=["kind", "seen_at"],
                name="minting_drift_open",
            ),
        ),
        AddIndex(
            model_name="chaindrift",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)),
                fields=["closed_at"],
                name="minting_drift_closed",
            ),
        ),
        AddIndex(
            model_name="chaindrift",
            index=models.Index(fields=["kind", "subject_id"], name="minting_drift_of_subject"),
        ),
        AddConstraint(
            model_name="chaindrift",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("status__in", ("left", "quarantined", "accepted", "unauthorised"))
                ),
                fields=("kind", "network", "subject_type", "subject_id"),
                name="minting_drift_once",
            ),
        ),
        AddConstraint(
            model_name="chaindrift",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("direction__in", ["db_to_chain", "chain_to_db", "mismatch"]),
                    (
                        "kind__in",
                        [
                            "transaction_missing",
                            "transaction_in_vain",
                            "submission_unfounded",
                            "anchor_missing",
                            "document_missing",
                            "tree_missing",
                            "leaf_missing",
                            "transaction_landed",
                            "landed_twice",
                            "orphan_anchor",
                            "unknown_spending",
                            "leaf_unrecorded",
                            "unknown_leaf",
                            "memo_differs",
                            "document_differs",
                            "tree_supply_differs",
                            "tree_authority_differs",
                            "owner_differs",
                            "leaf_differs",
                            "sequence_gap",
                            "root_differs",
                        ],
                    ),
                    (
                        "status__in",
                        ["left", "quarantined", "accepted", "unauthorised", "repaired", "gone"],
                    ),
                ),
                name="minting_drift_status",
            ),
        ),
        AddConstraint(
            model_name="chaindrift",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("closed_at__isnull", True),
                        ("status__in", ("left", "quarantined", "accepted", "unauthorised")),
                    ),
                    models.Q(
                        models.Q(
                            ("status__in", ("left", "quarantined", "accepted", "unauthorised")),
                            _negated=True,
                        ),
                        ("closed_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="minting_drift_closed_whole",
            ),
        ),
        AddTrigger(
            model_name="chaindrift",
            trigger=pgtrigger.compiler.Trigger(
                name="legal_status",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{left:quarantined,left:accepted,left:unauthorised,left:repaired,left:gone,quarantined:left,quarantined:accepted,quarantined:unauthorised,quarantined:repaired,quarantined:gone,accepted:quarantined,accepted:gone,unauthorised:quarantined,unauthorised:accepted,unauthorised:gone}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="932583806a411a0795c53448d78fb55d28a6553c",
                    operation="UPDATE",
                    pgid="pgtrigger_legal_status_4b01b",
                    table="minting_chaindrift",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="chaindrift",
            trigger=pgtrigger.compiler.Trigger(
                name="closed_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."closed_at" IS NOT NULL)',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="298bc6032c74e73ef2b860c2f376e9e29d1a38bc",
                    operation="UPDATE",
                    pgid="pgtrigger_closed_stays_4ad29",
                    table="minting_chaindrift",
                    when="BEFORE",
                ),
            ),
        ),
        AddIndex(
            model_name="reconciliationrun",
            index=models.Index(fields=["created_at", "id"], name="minting_run_by_age"),
        ),
        AddIndex(
            model_name="reconciliationrun",
            index=models.Index(fields=["brand", "-created_at", "-id"], name="minting_run_recent"),
        ),
        AddConstraint(
            model_name="reconciliationrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "pending")),
                fields=("brand", "type"),
                name="minting_run_one_at_a_time",
                nulls_distinct=False,
            ),
        ),
        AddConstraint(
            model_name="reconciliationrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("scope__in", ["all", "anchors", "documents", "trees"]),
                    ("status__in", ["pending", "completed", "failed"]),
                    ("type__in", ["incremental", "full"]),
                ),
                name="minting_run_status",
            ),
        ),
        AddConstraint(
            model_name="reconciliationrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", True), ("status", "pending")),
                    models.Q(
                        models.Q(("status", "pending"), _negated=True),
                        ("finished_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="minting_run_finished",
            ),
        ),
        AddTrigger(
            model_name="reconciliationrun",
            trigger=pgtrigger.compiler.Trigger(
                name="legal_status",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{pending:completed,pending:failed}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="b6b5025ac3ef9aa145505959348b77457c24f149",
                    operation="UPDATE",
                    pgid="pgtrigger_legal_status_19e39",
                    table="minting_reconciliationrun",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="reconciliationrun",
            trigger=pgtrigger.compiler.Trigger(
                name="finished_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT (OLD.\"status\" = 'pending'))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="b60378996dd402f0c7063c0e5d786ffd163a89e6",
                    operation="UPDATE",
                    pgid="pgtrigger_finished_stays_7a7ba",
                    table="minting_reconciliationrun",
                    when="BEFORE",
                ),
            ),
        ),
    ]
