"""Row-level security and grants of packs."""

from django.db import migrations

from tieback.brands.rls import brand_key, grant, isolate, same_brand

REQUEUED = (
    "update (status, queued_at, next_attempt_at, consecutive_errors, crashes_without_progress,"
    " finished_at)"
)


class Migration(migrations.Migration):
    """Isolate and grant."""

    dependencies = [("exports", "0001_initial"), ("minting", "0002_row_security")]

    operations = [
        brand_key("exports_packbuild"),
        same_brand("exports_packbuild", "batch_id", "minting_mintbatch"),
        same_brand("exports_payloadpack", "batch_id", "minting_mintbatch"),
        same_brand("exports_payloadpack", "build_id", "exports_packbuild"),
        isolate("exports_packbuild", open_to=("tieback_worker",)),
        isolate("exports_payloadpack", open_to=("tieback_worker",)),
        grant("tieback_app", f"select, insert, {REQUEUED}", "exports_packbuild"),
        grant("tieback_app", "select", "exports_payloadpack"),
        grant(
            "tieback_worker", "select, insert, update", "exports_packbuild", "exports_payloadpack"
        ),
        grant("tieback_ops", f"select, {REQUEUED}", "exports_packbuild"),
        grant("tieback_ops", "select", "exports_payloadpack"),
    ]
