"""Invitations, a second secret of credentials, seals, and the trigger that keeps a last owner."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models

from tieback.table_locks import HoldTables
from tieback.table_options import AddConstraint, AddIndex, AddTrigger


class Migration(migrations.Migration):
    """Add the tables and columns; 0004 isolates them and grants."""

    dependencies = [
        ("brands", "0002_row_security"),
    ]

    operations = [
        HoldTables(
            "brands_apicredential", "brands_membership", referenced=("brands_brand", "brands_user")
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("sequence", models.BigIntegerField()),
                ("first_entry", models.BigIntegerField()),
                ("last_entry", models.BigIntegerField()),
                ("count", models.IntegerField()),
                (
                    "entry_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                (
                    "entry_hashes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BinaryField(max_length=32), size=None
                    ),
                ),
                ("previous_hash", models.BinaryField(max_length=32)),
                ("hash", models.BinaryField(max_length=32)),
                ("sealed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("admin", "Admin"),
                            ("approver", "Approver"),
                            ("editor", "Editor"),
                            ("viewer", "Viewer"),
                        ],
                        max_length=16,
                    ),
                ),
                ("token_sha256", models.BinaryField(max_length=32)),
                (
                    "invited_by",
                    models.CharField(help_text="user:<id> or credential:<id>", max_length=254),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("expires_at", models.DateTimeField()),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="UnsealedEntry",
            fields=[
                ("entry_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ],
            options={
                "verbose_name_plural": "unsealed entries",
            },
        ),
        migrations.AddField(
            model_name="apicredential",
            name="previous_expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="apicredential",
            name="previous_sha256",
            field=models.BinaryField(blank=True, max_length=32, null=True),
        ),
        migrations.AlterField(
            model_name="apicredential",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=32), size=None
            ),
        ),
        AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="last_owner_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.\"role\" = 'owner')",
                    func="\n        perform pg_advisory_xact_lock(\n            hashtextextended('tieback.members:' || old.brand_id::text, 0));\n        if not exists (select from brands_membership m\n                        where m.brand_id = old.brand_id and m.role = 'owner') then\n            raise exception 'a brand keeps its last owner' using errcode = 'restrict_violation';\n        end if;\n        return null;\n    ",
                    hash="955b5a13e92fe046ab7658e54d1ad12cca900d4c",
                    operation='UPDATE OF "role" OR DELETE',
                    pgid="pgtrigger_last_owner_stays_338b4",
                    table="brands_membership",
                    when="AFTER",
                ),
            ),
        ),
        AddConstraint(
            model_name="apicredential",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("previous_expires_at", None), ("previous_sha256", None)),
                    models.Q(
                        ("previous_expires_at__isnull", False), ("previous_sha256__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="brands_apicredential_previous_ends",
            ),
        ),
        migrations.AddField(
            model_name="auditseal",
            name="brand",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, to="brands.brand"
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="accepted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="brand",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="invitations",
                to="brands.brand",
            ),
        ),
        AddConstraint(
            model_name="auditseal",
            constraint=models.UniqueConstraint(
                fields=("brand", "sequence"), name="brands_auditseal_sequence", nulls_distinct=False
            ),
        ),
        AddConstraint(
            model_name="auditseal",
            constraint=models.CheckConstraint(
                condition=models.Q(("count__gte", 1), ("sequence__gte", 1)),
                name="brands_auditseal_counts",
            ),
        ),
        AddTrigger(
            model_name="auditseal",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="6f60b726bc7df0a686888e610c3fbfc903a1f504",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_d1ec8",
                    table="brands_auditseal",
                    when="BEFORE",
                ),
            ),
        ),
        AddIndex(
            model_name="invitation",
            index=models.Index(
                fields=["brand", "-created_at", "-id"], name="brands_invitation_recent"
            ),
        ),
        AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                fields=("token_sha256",), name="brands_invitation_token"
            ),
        ),
        AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"),
                models.F("brand"),
                condition=models.Q(("accepted_at", None), ("revoked_at", None)),
                name="brands_invitation_open_once",
            ),
        ),
        AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("role__in", ["owner", "admin", "approver", "editor", "viewer"])
                ),
                name="brands_invitation_role",
            ),
        ),
        AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("accepted_at", None), ("revoked_at", None), _connector="OR"),
                name="brands_invitation_one_end",
            ),
        ),
        AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("accepted_at", None), ("accepted_by", None)),
                    models.Q(("accepted_at__isnull", False), ("accepted_by__isnull", False)),
                    _connector="OR",
                ),
                name="brands_invitation_accepted_by_whom",
            ),
        ),
    ]
