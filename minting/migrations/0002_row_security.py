"""Row-level security, grants and storage settings of the minting tables."""

from django.db import migrations

from tieback.brands.rls import grant, isolate

RESTARTED_JOB = (
    "update (status, queued_at, next_attempt_at, consecutive_errors, crashes_without_progress,"
    " owner, lease_until, finished_at)"
)
TABLES = tuple(
    f"minting_{name}"
    for name in (
        "product",
        "passportversion",
        "productionbatch",
        "mintbatch",
        "mintlot",
        "mintjob",
        "mintcycle",
        "mintevent",
        "mintunit",
    )
)


class Migration(migrations.Migration):
    """Isolate, grant, and leave room on unit pages so that activations are heap-only updates."""

    dependencies = [("minting", "0001_initial"), ("brands", "0002_row_security")]

    operations = [
        isolate("minting_product", readable_by=("tieback_resolver",)),
        isolate("minting_passportversion", readable_by=("tieback_resolver",)),
        isolate("minting_productionbatch"),
        isolate("minting_mintbatch", readable_by=("tieback_resolver",)),
        isolate("minting_mintlot", readable_by=("tieback_resolver",)),
        isolate("minting_mintjob", open_to=("tieback_worker",)),
        isolate("minting_mintcycle"),
        isolate("minting_mintevent"),
        isolate("minting_mintunit", open_to=("tieback_resolver",)),
        migrations.RunSQL(
            "alter table minting_mintunit set"
            " (fillfactor = 90, autovacuum_vacuum_insert_scale_factor = 0.05)",
            "alter table minting_mintunit reset"
            " (fillfactor, autovacuum_vacuum_insert_scale_factor)",
        ),
        # web
        grant(
            "tieback_app", "select, insert, update", "minting_product", "minting_productionbatch"
        ),
        grant("tieback_app", "select, insert", "minting_passportversion", "minting_mintlot"),
        grant("tieback_app", "select, insert, update (status)", "minting_mintbatch"),
        grant("tieback_app", f"select, insert, {RESTARTED_JOB}", "minting_mintjob"),
        grant("tieback_app", "select", "minting_mintcycle", "minting_mintunit"),
        grant("tieback_app", "select, insert", "minting_mintevent"),
        # worker
        grant(
            "tieback_worker",
            "select",
            "minting_product",
            "minting_passportversion",
            "minting_productionbatch",
            "minting_mintlot",
        ),
        grant("tieback_worker", "select, update", "minting_mintbatch", "minting_mintjob"),
        grant(
            "tieback_worker",
            "select, insert",
            "minting_mintcycle",
            "minting_mintevent",
            "minting_mintunit",
        ),
        # resolver
        grant("tieback_resolver", "select (id, brand_id, name, category)", "minting_product"),
        grant("tieback_resolver", "select", "minting_passportversion"),
        grant(
            "tieback_resolver",
            "select (id, brand_id, product_id, passport_version_id, gtin, sku, production_ref,"
            " activation_mode, resolver_base, url_rule, status, created_at)",
            "minting_mintbatch",
        ),
        grant("tieback_resolver", "select", "minting_mintlot"),
        grant("tieback_resolver", "select, update (status, activated_at)", "minting_mintunit"),
        # console
        grant("tieback_ops", "select", *TABLES),
        grant("tieback_ops", RESTARTED_JOB, "minting_mintjob"),
        grant("tieback_ops", "update (status)", "minting_mintbatch"),
        grant("tieback_ops", "insert", "minting_mintevent"),
    ]
