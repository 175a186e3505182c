"""Row-level security and grants of pauses and revocations, and of what lifecycle acts change."""

from django.db import migrations

from tieback.brands.rls import brand_key, grant, isolate, same_brand
from tieback.table_locks import HoldTables

REVOKED = "update (status, revoked_at, revocation_id)"
COUNTED = "update (revoked_quantity, revoked_active_quantity, voided_quantity, physical_status)"
ADVANCED = "update (status, next_ordinal, revoked_quantity, already_revoked_quantity, finished_at)"


class Migration(migrations.Migration):
    """A pause of a queue belongs to no brand: every brand may read it, operators alone make it."""

    dependencies = [("minting", "0003_lifecycle")]

    operations = [
        HoldTables("minting_mintjob", "minting_mintbatch", "minting_mintlot"),
        brand_key("minting_mintlot"),
        isolate("minting_mintpause", also="brand_id is null", readable_by=("tieback_worker",)),
        isolate(
            "minting_mintrevocation",
            open_to=("tieback_worker",),
            readable_by=("tieback_resolver",),
        ),
        same_brand("minting_mintpause", "job_id", "minting_mintjob"),
        same_brand("minting_mintrevocation", "batch_id", "minting_mintbatch"),
        same_brand("minting_mintrevocation", "lot_id", "minting_mintlot"),
        # web
        grant("tieback_app", "select, insert, delete", "minting_mintpause"),
        grant("tieback_app", f"select, insert, {ADVANCED}", "minting_mintrevocation"),
        grant("tieback_app", "update (turn_at)", "minting_mintjob"),
        grant("tieback_app", COUNTED, "minting_mintbatch"),
        grant("tieback_app", REVOKED, "minting_mintunit"),
        # worker
        grant("tieback_worker", "select", "minting_mintpause"),
        grant("tieback_worker", f"select, {ADVANCED}", "minting_mintrevocation"),
        grant("tieback_worker", "update (turn_at)", "minting_mintjob"),
        grant("tieback_worker", COUNTED, "minting_mintbatch"),
        grant("tieback_worker", REVOKED, "minting_mintunit"),
        # resolver: why a unit is no longer valid
        grant("tieback_resolver", "select (id, brand_id, reason)", "minting_mintrevocation"),
        # console
        grant("tieback_ops", "select, insert, delete", "minting_mintpause"),
        grant("tieback_ops", f"select, insert, {ADVANCED}", "minting_mintrevocation"),
        grant("tieback_ops", "update (turn_at)", "minting_mintjob"),
        grant("tieback_ops", COUNTED, "minting_mintbatch"),
        grant("tieback_ops", REVOKED, "minting_mintunit"),
    ]
