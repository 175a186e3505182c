"""The table of access grants, empty; 0004 isolates it, opens its one door and grants."""

import datetime
import uuid

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.db import migrations, models

from tieback.table_locks import HoldTables


class Migration(migrations.Migration):
    """Make the table."""

    dependencies = [
        ("brands", "0009_brand_face_row_security"),
        ("minting", "0009_releases"),
        ("resolver", "0010_tags_row_security"),
    ]

    operations = [
        HoldTables(referenced=("minting_mintbatch", "minting_product", "brands_brand")),
        migrations.CreateModel(
            name="AccessGrant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "access",
                    models.CharField(
                        choices=[
                            ("public", "Public"),
                            ("legitimate_interest", "Legitimate interest"),
                            ("authorities", "Authorities"),
                        ],
                        max_length=24,
                    ),
                ),
                ("holder", models.CharField(max_length=200)),
                ("secret_sha256", models.BinaryField(max_length=32)),
                (
                    "granted_by",
                    models.CharField(help_text="user:<id> or credential:<id>", max_length=254),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="minting.mintbatch",
                    ),
                ),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="brands.brand"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, to="minting.product"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["brand", "-created_at", "-id"], name="resolver_grant_recent"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("secret_sha256",), name="resolver_grant_secret"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("access__in", ("legitimate_interest", "authorities"))),
                        name="resolver_grant_access",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("product", None), ("batch", None), _connector="OR"),
                        name="resolver_grant_one_scope",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at__gt", models.F("created_at")),
                            (
                                "expires_at__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("created_at"),
                                    "+",
                                    models.Value(datetime.timedelta(days=366)),
                                ),
                            ),
                        ),
                        name="resolver_grant_ends",
                    ),
                ],
            },
        ),
    ]
