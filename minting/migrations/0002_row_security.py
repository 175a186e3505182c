"""Row-level security, grants and storage settings of the minting tables."""

from django.db import migrations

from tieback.brands.rls import brand_key, grant, isolate, same_brand

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
        *[
            brand_key(f"minting_{parent}")
            for parent in ("product", "passportversion", "productionbatch", "mintbatch", "mintjob")
        ],
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
        # A foreign key is checked past row-level security: only with the brand in it does it keep
        # a row of one brand off another brand's parent.
        same_brand("minting_passportversion", "product_id", "minting_product"),
        same_brand("minting_productionbatch", "product_id", "minting_product"),
        same_brand("minting_mintbatch", "product_id", "minting_product"),
        same_brand("minting_mintbatch", "passport_version_id", "minting_passportversion"),
        same_brand("minting_mintbatch", "production_batch_id", "minting_productionbatch"),
        same_brand("minting_mintlot", "batch_id", "minting_mintbatch"),
        same_brand("minting_mintjob", "batch_id", "minting_mintbatch"),
        same_brand("minting_mintcycle", "job_id", "minting_mintjob"),
        same_brand("minting_mintevent", "batch_id", "minting_mintbatch"),
        # Numbers are taken by the thousand: a gap in them means nothing, and each take is a write.
        migrations.RunSQL(
            "alter table minting_mintunit alter column id set cache 1000",
            "alter table minting_mintunit alter column id set cache 1",
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
        grant(
            "tieback_worker",
            "select, update (status, minted_quantity, activated_quantity, minted_at,"
            " physical_status)",
            "minting_mintbatch",
        ),
        grant(
            "tieback_worker",
            "select, update (status, owner, fence, lease_until, next_attempt_at,"
            " consecutive_errors, crashes_without_progress, last_error, generated_quantity,"
            " generated_at_claim, cycles, started_at, finished_at)",
            "minting_mintjob",
        ),
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
