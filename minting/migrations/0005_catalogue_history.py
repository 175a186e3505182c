"""Identifier history, kept readiness, who made a version, new categories, indexes for lists."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models

from tieback.brands.rls import grant, isolate, same_brand
from tieback.table_locks import HoldTables
from tieback.table_options import AddConstraint, AddIndex, AddTrigger

# Row-level security holds for the owner too: these tables are opened to it while it fills in.
READ_FOR_HISTORY = (
    "minting_product",
    "minting_productidentifier",
    "minting_passportversion",
    "brands_auditentry",
)

# Every product has the identifiers it carries now, since it was made.
PRESENT_IDENTIFIERS = """
    insert into minting_productidentifier
           (id, brand_id, product_id, type, value, status, minted, valid_from)
    select gen_random_uuid(), p.brand_id, p.id, named.type, named.value, 'active', false,
           p.created_at
      from minting_product as p
           cross join lateral (values ('sku', p.sku), ('gtin', p.gtin)) as named (type, value)
     where named.value is not null
"""

# What a product was called before, the audit trail tells. Until now no printed GTIN could change.
PAST_IDENTIFIERS = """
    insert into minting_productidentifier
           (id, brand_id, product_id, type, value, status, minted, valid_from, retired_at)
    select gen_random_uuid(), p.brand_id, p.id, named.type, named.value, 'retired', false,
           p.created_at, max(a.created_at)
      from brands_auditentry as a
      join minting_product as p on p.id::text = a.target_id and p.brand_id = a.brand_id
           cross join lateral
           (values ('sku', a.before ->> 'sku'), ('gtin', a.before ->> 'gtin'))
           as named (type, value)
     where a.target_type = 'product' and a.action = 'product.updated' and named.value is not null
     group by p.brand_id, p.id, p.created_at, named.type, named.value
    on conflict (product_id, type, value) do nothing
"""

# Who made a version, the audit trail tells too.
ACTORS = """
    update minting_passportversion as v
       set actor = a.actor
      from brands_auditentry as a
     where a.target_type = 'product' and a.target_id = v.product_id::text
       and a.brand_id = v.brand_id and a.action in ('product.created', 'product.updated')
       and (a.after ->> 'dpp_version')::integer = v.number
"""

FILL_IN = [
    *[
        f"create policy filling_in on {table} to current_user using (true) with check (true)"
        for table in READ_FOR_HISTORY
    ],
    PRESENT_IDENTIFIERS,
    PAST_IDENTIFIERS,
    "alter table minting_passportversion disable trigger user",
    ACTORS,
    "alter table minting_passportversion enable trigger user",
    "set constraints all immediate",
    *[f"drop policy filling_in on {table}" for table in READ_FOR_HISTORY],
]


class Migration(migrations.Migration):
    """Add what tells of a catalogue's past, and fill in what is known of it."""

    dependencies = [
        ("brands", "0002_row_security"),
        ("minting", "0004_lifecycle_row_security"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        HoldTables(
            "minting_mintunit",
            "minting_mintjob",
            "minting_mintlot",
            "minting_product",
            "minting_passportversion",
            "minting_productionbatch",
            "brands_auditentry",
            referenced=("brands_brand",),
        ),
        migrations.CreateModel(
            name="ProductIdentifier",
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
                        choices=[
                            ("sku", "SKU"),
                            ("gtin", "GTIN"),
                            ("mpn", "Manufacturer's part number"),
                        ],
                        max_length=8,
                    ),
                ),
                ("value", models.CharField(max_length=70)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("retired", "Retired")],
                        default="active",
                        max_length=8,
                    ),
                ),
                ("minted", models.BooleanField(default=False)),
                (
                    "valid_from",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("retired_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="ProductReadiness",
            fields=[
                (
                    "product",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="readiness",
                        serialize=False,
                        to="minting.product",
                    ),
                ),
                ("category", models.CharField(max_length=32)),
                ("dpp_version", models.PositiveIntegerField()),
                ("schema_version", models.PositiveIntegerField()),
                ("ready", models.BooleanField()),
                ("filled", models.PositiveSmallIntegerField()),
                ("missing", models.PositiveSmallIntegerField()),
                ("not_applicable", models.PositiveSmallIntegerField()),
                ("not_yet_required", models.PositiveSmallIntegerField()),
                (
                    "missing_fields",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), default=list, size=None
                    ),
                ),
                (
                    "assessed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "verbose_name_plural": "product readiness",
            },
        ),
        migrations.RemoveConstraint(
            model_name="mintunit",
            name="minting_unit_serial",
        ),
        migrations.RemoveConstraint(
            model_name="product",
            name="minting_product_category",
        ),
        migrations.AddField(
            model_name="passportversion",
            name="actor",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Who made it; empty where unknown.",
                max_length=254,
            ),
        ),
        migrations.AddField(
            model_name="product",
            name="mpn",
            field=models.CharField(blank=True, max_length=70, null=True),
        ),
        migrations.AlterField(
            model_name="product",
            name="category",
            field=models.CharField(
                choices=[
                    ("textile", "textile"),
                    ("electronics", "electronics"),
                    ("battery_ev", "battery_ev"),
                    ("battery_lmt", "battery_lmt"),
                    ("battery_industrial", "battery_industrial"),
                    ("generic", "generic"),
                ],
                max_length=32,
            ),
        ),
        AddIndex(
            model_name="mintjob",
            index=models.Index(fields=["brand", "queued_at", "id"], name="minting_job_by_queueing"),
        ),
        AddIndex(
            model_name="mintjob",
            index=models.Index(
                fields=["brand", "status", "-created_at", "-id"], name="minting_job_by_status"
            ),
        ),
        AddIndex(
            model_name="mintlot",
            index=models.Index(fields=["brand", "lot_code"], name="minting_lot_by_code"),
        ),
        AddIndex(
            model_name="product",
            index=models.Index(
                fields=["brand", "updated_at", "id"], name="minting_product_by_update"
            ),
        ),
        AddIndex(
            model_name="product",
            index=models.Index(fields=["brand", "sku", "id"], name="minting_product_by_sku"),
        ),
        AddIndex(
            model_name="product",
            index=models.Index(fields=["brand", "name", "id"], name="minting_product_by_name"),
        ),
        AddIndex(
            model_name="productionbatch",
            index=models.Index(
                fields=["brand", "updated_at", "id"], name="minting_prodbatch_by_update"
            ),
        ),
        AddIndex(
            model_name="productionbatch",
            index=models.Index(
                fields=["brand", "external_ref", "id"], name="minting_prodbatch_by_ref"
            ),
        ),
        AddTrigger(
            model_name="product",
            trigger=pgtrigger.compiler.Trigger(
                name="identifiers_of_new",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    INSERT INTO minting_productidentifier\n           (id, brand_id, product_id, type, value, status, minted)\n    SELECT gen_random_uuid(), p.brand_id, p.id, named.type, named.value, 'active', false\n      FROM inserted AS p cross join lateral (values ('sku', p.sku), ('gtin', p.gtin), ('mpn', p.mpn)) AS named (type, value)\n     WHERE named.value IS NOT NULL;\n    RETURN NULL;\n",
                    hash="d3bfb32b2cbd8fcfff2af5c54a5e9933246b14d2",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_identifiers_of_new_655ed",
                    referencing="REFERENCING NEW TABLE AS inserted ",
                    table="minting_product",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="product",
            trigger=pgtrigger.compiler.Trigger(
                name="identifiers_of_changed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    UPDATE minting_productidentifier AS i\n       SET status = 'retired', retired_at = statement_timestamp(),\n           minted = i.type = 'gtin' AND EXISTS (\n               SELECT 1 FROM minting_mintbatch AS b\n               WHERE b.product_id = i.product_id AND b.gtin = i.value\n           )\n      FROM replaced AS p cross join lateral (values ('sku', p.sku), ('gtin', p.gtin), ('mpn', p.mpn)) AS named (type, value)\n      JOIN renewed AS q ON q.id = p.id\n     WHERE i.product_id = p.id AND i.type = named.type AND i.value = named.value\n       AND i.status = 'active'\n       AND named.value IS DISTINCT FROM\n           CASE named.type WHEN 'sku' THEN q.sku WHEN 'gtin' THEN q.gtin ELSE q.mpn END;\n    INSERT INTO minting_productidentifier\n           (id, brand_id, product_id, type, value, status, minted)\n    SELECT gen_random_uuid(), p.brand_id, p.id, named.type, named.value, 'active', false\n      FROM renewed AS p cross join lateral (values ('sku', p.sku), ('gtin', p.gtin), ('mpn', p.mpn)) AS named (type, value)\n      JOIN replaced AS q ON q.id = p.id\n     WHERE named.value IS NOT NULL\n       AND named.value IS DISTINCT FROM\n           CASE named.type WHEN 'sku' THEN q.sku WHEN 'gtin' THEN q.gtin ELSE q.mpn END\n    ON CONFLICT (product_id, type, value) DO UPDATE\n       SET status = 'active', retired_at = NULL, minted = false;\n    RETURN NULL;\n",
                    hash="5ff21d246bc9155b5f846674dbb6241a2e49b3de",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_identifiers_of_changed_352ad",
                    referencing="REFERENCING OLD TABLE AS replaced  NEW TABLE AS renewed ",
                    table="minting_product",
                    when="AFTER",
                ),
            ),
        ),
        AddConstraint(
            model_name="mintunit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("serial__isnull", False)),
                fields=("serial", "product"),
                name="minting_unit_serial",
            ),
        ),
        AddConstraint(
            model_name="product",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "category__in",
                        (
                            "textile",
                            "electronics",
                            "battery_ev",
                            "battery_lmt",
                            "battery_industrial",
                            "generic",
                        ),
                    )
                ),
                name="minting_product_category",
            ),
        ),
        migrations.AddField(
            model_name="productidentifier",
            name="brand",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="brands.brand"
            ),
        ),
        migrations.AddField(
            model_name="productidentifier",
            name="product",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="identifiers",
                to="minting.product",
            ),
        ),
        migrations.AddField(
            model_name="productreadiness",
            name="brand",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="brands.brand"
            ),
        ),
        AddIndex(
            model_name="productidentifier",
            index=models.Index(
                fields=["brand", "type", "value"], name="minting_identifier_by_value"
            ),
        ),
        AddConstraint(
            model_name="productidentifier",
            constraint=models.UniqueConstraint(
                fields=("product", "type", "value"), name="minting_identifier_once"
            ),
        ),
        AddConstraint(
            model_name="productidentifier",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "active")),
                fields=("product", "type"),
                name="minting_identifier_one_active",
            ),
        ),
        AddConstraint(
            model_name="productidentifier",
            constraint=models.UniqueConstraint(
                models.F("brand"),
                models.F("type"),
                django.db.models.functions.text.Lower("value"),
                condition=models.Q(
                    models.Q(("status", "active"), ("type__in", ("sku", "gtin"))),
                    ("minted", True),
                    _connector="OR",
                ),
                name="minting_identifier_held",
            ),
        ),
        AddConstraint(
            model_name="productidentifier",
            constraint=models.CheckConstraint(
                condition=models.Q(("type__in", ["sku", "gtin", "mpn"])),
                name="minting_identifier_type",
            ),
        ),
        AddConstraint(
            model_name="productidentifier",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("retired_at__isnull", True), ("status", "active")),
                    models.Q(("retired_at__isnull", False), ("status", "retired")),
                    _connector="OR",
                ),
                name="minting_identifier_retired_has_time",
            ),
        ),
        AddTrigger(
            model_name="productidentifier",
            trigger=pgtrigger.compiler.Trigger(
                name="never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="0e64d5d65ea9cf2c28cbfa5c389e8d37ffa815c9",
                    operation="DELETE",
                    pgid="pgtrigger_never_deleted_5ce55",
                    table="minting_productidentifier",
                    when="BEFORE",
                ),
            ),
        ),
        AddIndex(
            model_name="productreadiness",
            index=models.Index(fields=["brand", "category"], name="minting_readiness_by_category"),
        ),
        AddIndex(
            model_name="productreadiness",
            index=models.Index(
                condition=models.Q(("ready", False)),
                fields=["brand", "product"],
                name="minting_readiness_lacking",
            ),
        ),
        AddConstraint(
            model_name="productreadiness",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("missing", 0), ("ready", True)),
                    models.Q(("missing__gte", 1), ("ready", False)),
                    _connector="OR",
                ),
                name="minting_readiness_ready_misses_none",
            ),
        ),
        isolate("minting_productidentifier", readable_by=("tieback_resolver",)),
        isolate("minting_productreadiness"),
        same_brand("minting_productidentifier", "product_id", "minting_product"),
        same_brand("minting_productreadiness", "product_id", "minting_product"),
        grant(
            "tieback_app",
            "select, insert, update (status, retired_at, minted)",
            "minting_productidentifier",
        ),
        grant("tieback_app", "select, insert, update", "minting_productreadiness"),
        grant(
            "tieback_resolver",
            "select (brand_id, product_id, type, value, status, valid_from, retired_at)",
            "minting_productidentifier",
        ),
        grant("tieback_ops", "select", "minting_productidentifier"),
        grant("tieback_ops", "select, insert, update", "minting_productreadiness"),
        migrations.RunSQL(FILL_IN, migrations.RunSQL.noop),
    ]
