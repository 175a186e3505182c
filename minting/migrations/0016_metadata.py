"""The table of metadata documents, empty; 0017 isolates it and grants."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import pgtrigger.compiler
from django.db import migrations, models

from tieback.table_locks import HoldTables
from tieback.table_options import AddTrigger


class Migration(migrations.Migration):
    """Make the table."""

    dependencies = [
        ("brands", "0009_brand_face_row_security"),
        ("minting", "0015_chain_submissions_row_security"),
    ]

    operations = [
        HoldTables(referenced=("minting_product", "minting_passportversion", "brands_brand")),
        migrations.CreateModel(
            name="MetadataDocument",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("cid", models.CharField(max_length=59, null=True)),
                ("short_id", models.CharField(max_length=43, null=True)),
                ("content", models.BinaryField(max_length=262144, null=True)),
                ("size", models.PositiveIntegerField(null=True)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("pinned", "Pinned"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("driver", models.CharField(blank=True, max_length=16)),
                ("reason", models.TextField(blank=True)),
                ("actor", models.CharField(blank=True, max_length=254)),
                ("consecutive_errors", models.PositiveSmallIntegerField(default=0)),
                ("last_error", models.TextField(blank=True)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("pinned_at", models.DateTimeField(null=True)),
                (
                    "brand",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="brands.brand",
                    ),
                ),
                (
                    "passport_version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="metadata_documents",
                        to="minting.passportversion",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="metadata_documents",
                        to="minting.product",
                    ),
                ),
                (
                    "replaces",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="minting.metadatadocument",
                    ),
                ),
            ],
            options={
                "permissions": (
                    ("retry_metadatadocument", "Can let failed metadata documents go on"),
                    ("check_metadatadocument", "Can check the pins of metadata documents"),
                ),
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "pending")),
                        fields=["created_at", "id"],
                        name="minting_metadata_order",
                    ),
                    models.Index(fields=["brand", "status"], name="minting_metadata_by_status"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("product", "number"), name="minting_metadata_number"
                    ),
                    models.UniqueConstraint(
                        fields=("passport_version", "cid"), name="minting_metadata_cid"
                    ),
                    models.UniqueConstraint(
                        fields=("brand", "short_id"), name="minting_metadata_short"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("number__gte", 1), ("status__in", ["pending", "pinned", "failed"])
                        ),
                        name="minting_metadata_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("cid__isnull", True),
                                ("content__isnull", True),
                                ("sha256", ""),
                                ("short_id__isnull", True),
                                ("size__isnull", True),
                            ),
                            models.Q(
                                ("cid__isnull", False),
                                ("cid__regex", "^b[a-z2-7]{58}$"),
                                ("content__isnull", False),
                                (
                                    "sha256",
                                    models.Func(
                                        models.Func(
                                            models.F("content"),
                                            function="sha256",
                                            output_field=models.BinaryField(),
                                        ),
                                        models.Value("hex"),
                                        function="encode",
                                        output_field=models.CharField(),
                                    ),
                                ),
                                ("short_id__isnull", False),
                                ("short_id__regex", "^[A-Za-z0-9_-]{8,43}$"),
                                ("size", django.db.models.functions.text.Length("content")),
                                ("size__gte", 1),
                                ("size__isnull", False),
                                ("size__lte", 262144),
                            ),
                            _connector="OR",
                        ),
                        name="minting_metadata_composed_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "pinned"), _negated=True),
                            models.Q(
                                ("cid__isnull", False),
                                ("pinned_at__isnull", False),
                                models.Q(("driver", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="minting_metadata_pinned_whole",
                    ),
                ],
            },
        ),
        AddTrigger(
            model_name="metadatadocument",
            trigger=pgtrigger.compiler.Trigger(
                name="legal_status",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{pending:pinned,pending:failed,failed:pending}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="1c3153290344ebffca1ce2d5069e5fb29887631c",
                    operation="UPDATE",
                    pgid="pgtrigger_legal_status_3c6aa",
                    table="minting_metadatadocument",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="metadatadocument",
            trigger=pgtrigger.compiler.Trigger(
                name="pinned_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.\"status\" = 'pinned')",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="d55414663d4458c22fc53b479b783592b587c5d4",
                    operation="UPDATE",
                    pgid="pgtrigger_pinned_stays_b20bb",
                    table="minting_metadatadocument",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="metadatadocument",
            trigger=pgtrigger.compiler.Trigger(
                name="composed_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."cid" IS NOT NULL AND (OLD."cid" IS DISTINCT FROM (NEW."cid") OR OLD."short_id" IS DISTINCT FROM (NEW."short_id") OR OLD."content" IS DISTINCT FROM (NEW."content") OR OLD."size" IS DISTINCT FROM (NEW."size") OR OLD."sha256" IS DISTINCT FROM (NEW."sha256")))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="bbc88fdaa59ff60d3d64a6a3298e6530dc3a7299",
                    operation="UPDATE",
                    pgid="pgtrigger_composed_stays_38c5d",
                    table="minting_metadatadocument",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="metadatadocument",
            trigger=pgtrigger.compiler.Trigger(
                name="whose_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."brand_id" IS DISTINCT FROM (NEW."brand_id") OR OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."passport_version_id" IS DISTINCT FROM (NEW."passport_version_id") OR OLD."product_id" IS DISTINCT FROM (NEW."product_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="f15714274d22fe258f4b65cf13d532b44dffe3ad",
                    operation="UPDATE",
                    pgid="pgtrigger_whose_stays_68db0",
                    table="minting_metadatadocument",
                    when="BEFORE",
                ),
            ),
        ),
    ]
