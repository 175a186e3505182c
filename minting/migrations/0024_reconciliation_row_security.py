"""Row-level security and grants of reconciliation."""

from django.db import migrations

from tieback.brands.rls import grant, isolate, same_brand
from tieback.table_locks import HoldTables

RUN, DRIFT = "minting_reconciliationrun", "minting_chaindrift"
CURSOR, HEAD = "minting_reconciliationcursor", "minting_proofhead"
DECIDED = "update (status, wants_repair, decided_by, decided_at, reason)"


class Migration(migrations.Migration):
    """Isolate and grant: workers compare for all brands, people ask for runs and decide."""

    dependencies = [("minting", "0023_reconciliation")]

    operations = [
        HoldTables(RUN, DRIFT, HEAD, referenced=("minting_mintbatch",)),
        same_brand(DRIFT, "batch_id", "minting_mintbatch"),
        isolate(RUN, open_to=("tieback_worker",)),
        isolate(DRIFT, open_to=("tieback_worker",)),
        migrations.RunSQL(
            f"create policy read_tieback_worker on {HEAD} for select to tieback_worker using (true)",
            f"drop policy read_tieback_worker on {HEAD}",
        ),
        grant("tieback_worker", "select, insert, update, delete", RUN, DRIFT),
        grant("tieback_worker", "select, insert, update", CURSOR),
        grant("tieback_app", "select, insert", RUN),
        grant("tieback_app", "select", DRIFT),
        grant("tieback_ops", "select, insert", RUN),
        grant("tieback_ops", f"select, {DECIDED}", DRIFT),
        grant("tieback_ops", "select", CURSOR),
    ]
