"""The tables of trees and assets, empty; 0019 isolates them and grants.

A submission to the chain may belong to no batch, as a tree's does.
"""

import uuid

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import pgtrigger.compiler
from django.db import migrations, models

from tieback.table_locks import HoldTables
from tieback.table_options import AddConstraint, AddIndex, AddTrigger


class Migration(migrations.Migration):
    """Make the tables, and let batches ask for what they hold."""

    dependencies = [
        ("brands", "0009_brand_face_row_security"),
        ("minting", "0017_metadata_row_security"),
    ]

    operations = [
        HoldTables(
            "minting_mintbatch",
            "minting_chainsubmission",
            "minting_chaintransaction",
            referenced=("minting_metadatadocument", "brands_brand"),
        ),
        migrations.CreateModel(
            name="ChainTree",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=32)),
                ("symbol", models.CharField(blank=True, max_length=10)),
                ("seed", models.CharField(max_length=32)),
                ("address", models.CharField(db_collation="C", max_length=44, null=True)),
                (
                    "authority_address",
                    models.CharField(db_collation="C", max_length=44, null=True),
                ),
                ("creator", models.CharField(max_length=44, null=True)),
                ("delegate", models.CharField(max_length=44, null=True)),
                ("schema", models.PositiveSmallIntegerField(choices=[(1, "V1"), (2, "V2")])),
                ("max_depth", models.PositiveSmallIntegerField()),
                ("max_buffer_size", models.PositiveIntegerField()),
                ("canopy", models.PositiveSmallIntegerField()),
                ("max_supply", models.PositiveBigIntegerField()),
                ("current_supply", models.PositiveBigIntegerField(default=0)),
                ("reserved", models.PositiveBigIntegerField(default=0)),
                ("blockchain", models.CharField(default="solana", max_length=16)),
                ("network", models.CharField(max_length=32)),
                ("core_collection", models.CharField(blank=True, max_length=44)),
                ("metadata", models.JSONField(default=dict)),
                ("rent", models.PositiveBigIntegerField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("creating", "Creating"),
                            ("active", "Active"),
                            ("full", "Full"),
                            ("archived", "Archived"),
                            ("failed", "Failed"),
                        ],
                        default="creating",
                        max_length=16,
                    ),
                ),
                ("trouble", models.TextField(blank=True)),
                ("checked_at", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("activated_at", models.DateTimeField(null=True)),
                ("archived_at", models.DateTimeField(null=True)),
            ],
            options={
                "permissions": (
                    ("archive_chaintree", "Can archive trees"),
                    ("retry_chaintree", "Can let failed trees be made after all"),
                ),
            },
        ),
        migrations.CreateModel(
            name="UnitAsset",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("place", models.PositiveSmallIntegerField(null=True)),
                ("asset_id", models.CharField(db_collation="C", max_length=44, null=True)),
                ("leaf_index", models.PositiveBigIntegerField(null=True)),
                ("leaf_hash", models.BinaryField(max_length=32, null=True)),
                ("owner", models.CharField(blank=True, default="", max_length=44)),
                ("name", models.CharField(blank=True, default="", max_length=32)),
                ("metadata_uri", models.CharField(blank=True, default="", max_length=200)),
                ("schema", models.PositiveSmallIntegerField(null=True)),
                ("blockchain", models.CharField(db_default="solana", max_length=16)),
                ("network", models.CharField(max_length=32)),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "urgent"), (1, "high"), (2, "standard")], db_default=2
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("processing", "Processing"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("missing_on_chain", "Missing on chain"),
                        ],
                        db_default="pending",
                        max_length=16,
                    ),
                ),
                ("retry_count", models.PositiveIntegerField(db_default=0)),
                ("error_message", models.TextField(blank=True, db_default="")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("processed_at", models.DateTimeField(null=True)),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("reconciled_at", models.DateTimeField(null=True)),
            ],
            options={
                "permissions": (("retry_unitasset", "Can let failed assets go on"),),
            },
        ),
        migrations.RemoveConstraint(
            model_name="chainsubmission",
            name="minting_submission_kind",
        ),
        migrations.AlterField(
            model_name="chainsubmission",
            name="batch",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="submissions",
                to="minting.mintbatch",
            ),
        ),
        migrations.AlterField(
            model_name="chainsubmission",
            name="kind",
            field=models.CharField(
                choices=[
                    ("anchor", "Anchor"),
                    ("tree", "Tree"),
                    ("mint", "Mint"),
                    ("delegate", "Delegate"),
                    ("update", "Update"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="chaintransaction",
            name="batch",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="transactions",
                to="minting.mintbatch",
            ),
        ),
        migrations.AlterField(
            model_name="chaintransaction",
            name="kind",
            field=models.CharField(
                choices=[
                    ("anchor", "Anchor"),
                    ("tree", "Tree"),
                    ("mint", "Mint"),
                    ("delegate", "Delegate"),
                    ("update", "Update"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="mintbatch",
            name="chain_mode",
            field=models.CharField(
                choices=[
                    ("none", "None"),
                    ("anchor", "Anchor"),
                    ("cnft", "Compressed NFTs"),
                    ("cnft_on_first_scan", "Compressed NFT on first scan"),
                    ("cnft_on_demand", "Compressed NFT on demand"),
                ],
                default="none",
                max_length=24,
            ),
        ),
        AddConstraint(
            model_name="chainsubmission",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["anchor", "tree", "mint", "delegate", "update"])),
                name="minting_submission_kind",
            ),
        ),
        migrations.AddField(
            model_name="chaintree",
            name="brand",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="brands.brand"
            ),
        ),
        migrations.AddField(
            model_name="chaintree",
            name="submission",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="minting.chainsubmission",
            ),
        ),
        migrations.AddField(
            model_name="unitasset",
            name="batch",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="assets",
                to="minting.mintbatch",
            ),
        ),
        migrations.AddField(
            model_name="unitasset",
            name="brand",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="brands.brand"
            ),
        ),
        migrations.AddField(
            model_name="unitasset",
            name="document",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="minting.metadatadocument",
            ),
        ),
        migrations.AddField(
            model_name="unitasset",
            name="submission",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="assets",
                to="minting.chainsubmission",
            ),
        ),
        migrations.AddField(
            model_name="unitasset",
            name="transaction",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="minting.chaintransaction",
            ),
        ),
        migrations.AddField(
            model_name="unitasset",
            name="tree",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="assets",
                to="minting.chaintree",
            ),
        ),
        migrations.AddField(
            model_name="unitasset",
            name="unit",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="assets",
                to="minting.mintunit",
            ),
        ),
        AddIndex(
            model_name="chaintree",
            index=models.Index(fields=["brand", "-created_at", "-id"], name="minting_tree_recent"),
        ),
        AddIndex(
            model_name="chaintree",
            index=models.Index(
                condition=models.Q(("status", "active")),
                fields=["brand", "network", "schema"],
                name="minting_tree_active",
            ),
        ),
        AddIndex(
            model_name="chaintree",
            index=models.Index(
                condition=models.Q(("status", "creating"), ("submission__isnull", True)),
                fields=["network", "created_at"],
                name="minting_tree_to_begin",
            ),
        ),
        AddConstraint(
            model_name="chaintree",
            constraint=models.UniqueConstraint(
                fields=("network", "address"), name="minting_tree_address"
            ),
        ),
        AddConstraint(
            model_name="chaintree",
            constraint=models.UniqueConstraint(
                fields=("brand", "network", "name"), name="minting_tree_name"
            ),
        ),
        AddConstraint(
            model_name="chaintree",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["creating", "active", "full", "archived", "failed"])
                ),
                name="minting_tree_status",
            ),
        ),
        AddConstraint(
            model_name="chaintree",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("address__regex", "^[1-9A-HJ-NP-Za-km-z]{32,44}$"),
                    ("authority_address__regex", "^[1-9A-HJ-NP-Za-km-z]{32,44}$"),
                    ("creator__regex", "^[1-9A-HJ-NP-Za-km-z]{32,44}$"),
                    ("delegate__regex", "^[1-9A-HJ-NP-Za-km-z]{32,44}$"),
                ),
                name="minting_tree_keys",
            ),
        ),
        AddConstraint(
            model_name="chaintree",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "max_supply__gte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("current_supply"), "+", models.F("reserved")
                        ),
                    )
                ),
                name="minting_tree_room",
            ),
        ),
        AddConstraint(
            model_name="chaintree",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ("active", "full")), _negated=True),
                    models.Q(("activated_at__isnull", False), ("address__isnull", False)),
                    _connector="OR",
                ),
                name="minting_tree_activated",
            ),
        ),
        AddConstraint(
            model_name="chaintree",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("address__isnull", True),
                        ("authority_address__isnull", True),
                        ("creator__isnull", True),
                        ("delegate__isnull", True),
                        ("submission__isnull", True),
                    ),
                    models.Q(
                        ("address__isnull", False),
                        ("authority_address__isnull", False),
                        ("creator__isnull", False),
                        ("delegate__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="minting_tree_begun",
            ),
        ),
        AddTrigger(
            model_name="chaintree",
            trigger=pgtrigger.compiler.Trigger(
                name="legal_status",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{creating:active,creating:failed,failed:creating,failed:archived,active:full,active:archived,full:archived}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="d5f25381b5f2211c7e8f56e2a7b100a6c8b49064",
                    operation="UPDATE",
                    pgid="pgtrigger_legal_status_abff3",
                    table="minting_chaintree",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="chaintree",
            trigger=pgtrigger.compiler.Trigger(
                name="what_it_is_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."brand_id" IS DISTINCT FROM (NEW."brand_id") OR OLD."max_depth" IS DISTINCT FROM (NEW."max_depth") OR OLD."max_supply" IS DISTINCT FROM (NEW."max_supply") OR OLD."network" IS DISTINCT FROM (NEW."network") OR OLD."schema" IS DISTINCT FROM (NEW."schema") OR OLD."seed" IS DISTINCT FROM (NEW."seed"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="50a6fc08e78f81dfbe46f19f7b7b3140de3d68c0",
                    operation="UPDATE",
                    pgid="pgtrigger_what_it_is_stays_11625",
                    table="minting_chaintree",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="chaintree",
            trigger=pgtrigger.compiler.Trigger(
                name="where_it_is_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."address" IS DISTINCT FROM (NEW."address") AND OLD."address" IS NOT NULL)',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="1e034af58642afd205eb5202d4f244b4cbdc4732",
                    operation="UPDATE",
                    pgid="pgtrigger_where_it_is_stays_b271b",
                    table="minting_chaintree",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="chaintree",
            trigger=pgtrigger.compiler.Trigger(
                name="never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="dbdc7355545bfcde569e6dbf6c72129f0b546ed3",
                    operation="DELETE",
                    pgid="pgtrigger_never_deleted_d8c6c",
                    table="minting_chaintree",
                    when="BEFORE",
                ),
            ),
        ),
        AddIndex(
            model_name="unitasset",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["network", "priority", "created_at", "id"],
                name="minting_asset_order",
            ),
        ),
        AddIndex(
            model_name="unitasset",
            index=models.Index(fields=["batch", "status"], name="minting_asset_of_batch"),
        ),
        AddConstraint(
            model_name="unitasset",
            constraint=models.UniqueConstraint(fields=("unit",), name="minting_asset_of_unit"),
        ),
        AddConstraint(
            model_name="unitasset",
            constraint=models.UniqueConstraint(
                condition=models.Q(("leaf_index__isnull", False)),
                fields=("tree", "leaf_index"),
                name="minting_asset_leaf",
            ),
        ),
        AddConstraint(
            model_name="unitasset",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["pending", "processing", "completed", "failed", "missing_on_chain"],
                    )
                ),
                name="minting_asset_status",
            ),
        ),
        AddConstraint(
            model_name="unitasset",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ("pending", "failed")),
                    models.Q(
                        ("place__isnull", False),
                        ("submission__isnull", False),
                        ("tree__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="minting_asset_submitted",
            ),
        ),
        AddConstraint(
            model_name="unitasset",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ("completed", "missing_on_chain")), _negated=True),
                    models.Q(
                        ("asset_id__isnull", False),
                        ("leaf_hash__isnull", False),
                        ("leaf_index__isnull", False),
                        ("transaction__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="minting_asset_completed",
            ),
        ),
        AddTrigger(
            model_name="unitasset",
            trigger=pgtrigger.compiler.Trigger(
                name="legal_status",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{pending:processing,pending:failed,processing:completed,processing:failed,processing:pending,failed:pending,failed:processing,completed:missing_on_chain,missing_on_chain:completed,missing_on_chain:pending}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="86512e0c6ece8eeb3427f2822309ccd8559a5c34",
                    operation="UPDATE",
                    pgid="pgtrigger_legal_status_b334b",
                    table="minting_unitasset",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="unitasset",
            trigger=pgtrigger.compiler.Trigger(
                name="units_exist",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    IF EXISTS (\n        SELECT FROM inserted AS i\n          LEFT JOIN minting_mintunit AS unit\n            ON unit.id = i.unit_id AND unit.brand_id = i.brand_id AND unit.batch_id = i.batch_id\n         WHERE unit.id IS NULL\n    ) THEN\n        RAISE foreign_key_violation USING MESSAGE =\n            'assets must belong to units of their brand and batch';\n    END IF;\n    RETURN NULL;\n",
                    hash="4ed59ca8607f08b471fb39c5c5c978d38ea36287",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_units_exist_b6970",
                    referencing="REFERENCING NEW TABLE AS inserted ",
                    table="minting_unitasset",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="unitasset",
            trigger=pgtrigger.compiler.Trigger(
                name="whose_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."batch_id" IS DISTINCT FROM (NEW."batch_id") OR OLD."brand_id" IS DISTINCT FROM (NEW."brand_id") OR OLD."network" IS DISTINCT FROM (NEW."network") OR OLD."unit_id" IS DISTINCT FROM (NEW."unit_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="7971785c3d86ca24303dba9cf760e53414e15c2e",
                    operation="UPDATE",
                    pgid="pgtrigger_whose_stays_f3c98",
                    table="minting_unitasset",
                    when="BEFORE",
                ),
            ),
        ),
    ]
