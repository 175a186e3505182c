"""Passports may change after minting: what a batch shows now, its changes, and leaves that follow.

Every batch of before shows what it was minted with, and so does one that old code makes.
"""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
from django.db import migrations, models

from tieback.table_locks import HoldTables
from tieback.table_options import AddConstraint, AddIndex, AddTrigger

BATCH = "minting_mintbatch"
# The owner's statements see no rows of a table with forced row-level security otherwise.
FILL_IN = [
    f"create policy filling_in on {BATCH} to current_user using (true) with check (true)",
    f"update {BATCH} set shown_version_id = passport_version_id where shown_version_id is null",
    "set constraints all immediate",
    f"drop policy filling_in on {BATCH}",
]


class Migration(migrations.Migration):
    """Add the columns and the table, empty; 0028 isolates it and grants."""

    dependencies = [
        ("brands", "0010_members_find_their_brands"),
        ("minting", "0026_asset_grants"),
    ]

    operations = [
        HoldTables(
            "minting_unitasset",
            BATCH,
            "minting_chainsubmission",
            "minting_chaintransaction",
            "minting_chaindrift",
            "minting_product",
            referenced=("minting_metadatadocument", "minting_passportversion", "brands_brand"),
        ),
        migrations.CreateModel(
            name="PassportChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "fields",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None
                    ),
                ),
                ("reason", models.TextField()),
                ("actor", models.CharField(blank=True, max_length=254)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="chaindrift",
            name="minting_drift_status",
        ),
        migrations.RemoveConstraint(
            model_name="chainsubmission",
            name="minting_submission_kind",
        ),
        migrations.AddField(
            model_name="mintbatch",
            name="leaf_document",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="minting.metadatadocument",
            ),
        ),
        migrations.AddField(
            model_name="mintbatch",
            name="passport_changes",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="mintbatch",
            name="shown_version",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="minting.passportversion",
            ),
        ),
        migrations.AddField(
            model_name="product",
            name="last_version",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="unitasset",
            name="change_error",
            field=models.TextField(blank=True, db_default=""),
        ),
        migrations.AddField(
            model_name="unitasset",
            name="change_place",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="unitasset",
            name="change_submission",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="changes",
                to="minting.chainsubmission",
            ),
        ),
        migrations.AddField(
            model_name="unitasset",
            name="changed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="unitasset",
            name="changed_in",
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
            name="transfer_to",
            field=models.CharField(blank=True, db_default="", max_length=44),
        ),
        migrations.AlterField(
            model_name="chaindrift",
            name="kind",
            field=models.CharField(
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
                    ("metadata_stale", "Metadata stale"),
                    ("sequence_gap", "Sequence gap"),
                    ("root_differs", "Root differs"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="chainsubmission",
            name="kind",
            field=models.CharField(
                choices=[
                    ("anchor", "Anchor"),
                    ("certificate", "Certificate"),
                    ("tree", "Tree"),
                    ("mint", "Mint"),
                    ("delegate", "Delegate"),
                    ("update", "Update"),
                    ("transfer", "Transfer"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="chaintransaction",
            name="kind",
            field=models.CharField(
                choices=[
                    ("anchor", "Anchor"),
                    ("certificate", "Certificate"),
                    ("tree", "Tree"),
                    ("mint", "Mint"),
                    ("delegate", "Delegate"),
                    ("update", "Update"),
                    ("transfer", "Transfer"),
                ],
                max_length=16,
            ),
        ),
        AddIndex(
            model_name="mintbatch",
            index=models.Index(
                condition=models.Q(("passport_changes__gte", 1)),
                fields=["chain_network", "id"],
                name="minting_batch_changed",
            ),
        ),
        AddIndex(
            model_name="unitasset",
            index=models.Index(
                condition=models.Q(("change_submission__isnull", True), ("status", "completed")),
                fields=["batch", "document", "leaf_index"],
                name="minting_asset_by_document",
            ),
        ),
        AddIndex(
            model_name="unitasset",
            index=models.Index(
                condition=models.Q(
                    models.Q(("transfer_to", ""), _negated=True),
                    ("change_submission__isnull", True),
                ),
                fields=["network", "id"],
                name="minting_asset_to_transfer",
            ),
        ),
        AddIndex(
            model_name="unitasset",
            index=models.Index(
                condition=models.Q(("change_submission__isnull", False)),
                fields=["change_submission", "change_place"],
                name="minting_asset_changing",
            ),
        ),
        AddTrigger(
            model_name="mintbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="shows_a_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    NEW.shown_version_id = coalesce(NEW.shown_version_id, NEW.passport_version_id);\n    RETURN NEW;\n",
                    hash="b3a8b17b30e16fb280552bb1d1bd744d433f069e",
                    operation="INSERT",
                    pgid="pgtrigger_shows_a_version_cced3",
                    table="minting_mintbatch",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(FILL_IN, migrations.RunSQL.noop),
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
                            "metadata_stale",
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
            model_name="chainsubmission",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        ["anchor", "certificate", "tree", "mint", "delegate", "update", "transfer"],
                    )
                ),
                name="minting_submission_kind",
            ),
        ),
        AddConstraint(
            model_name="unitasset",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("change_place__isnull", True), ("change_submission__isnull", True)),
                    models.Q(("change_place__isnull", False), ("change_submission__isnull", False)),
                    _connector="OR",
                ),
                name="minting_asset_change_whole",
            ),
        ),
        migrations.AddField(
            model_name="passportchange",
            name="batch",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="changes",
                to="minting.mintbatch",
            ),
        ),
        migrations.AddField(
            model_name="passportchange",
            name="brand",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="brands.brand"
            ),
        ),
        migrations.AddField(
            model_name="passportchange",
            name="from_version",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="minting.passportversion",
            ),
        ),
        migrations.AddField(
            model_name="passportchange",
            name="to_version",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="minting.passportversion",
            ),
        ),
        AddIndex(
            model_name="passportchange",
            index=models.Index(fields=["brand", "-created_at", "-id"], name="minting_change_new"),
        ),
        AddConstraint(
            model_name="passportchange",
            constraint=models.UniqueConstraint(
                fields=("batch", "number"), name="minting_change_number"
            ),
        ),
        AddConstraint(
            model_name="passportchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("fields__len__gte", 1),
                    ("number__gte", 1),
                    models.Q(("reason", ""), _negated=True),
                ),
                name="minting_change_whole",
            ),
        ),
        AddTrigger(
            model_name="passportchange",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="07280fae5c650b0a32bd51d184aec7150dbfa2bd",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_198c6",
                    table="minting_passportchange",
                    when="BEFORE",
                ),
            ),
        ),
    ]
