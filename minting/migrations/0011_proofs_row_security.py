"""Row-level security and grants of proofs."""

from django.db import migrations

from tieback.brands.rls import grant, isolate, same_brand
from tieback.table_locks import HoldTables

TABLES = ("minting_batchproof", "minting_proofhead", "minting_proofkey")
AGAIN = "update (status, consecutive_errors, last_error, next_attempt_at)"


class Migration(migrations.Migration):
    """Isolate and grant: the proof of a unit is public, hence the resolver may read what it takes."""

    dependencies = [("minting", "0010_proofs")]

    operations = [
        HoldTables(*TABLES, referenced=("minting_mintbatch",)),
        same_brand("minting_batchproof", "batch_id", "minting_mintbatch"),
        same_brand("minting_proofhead", "batch_id", "minting_mintbatch"),
        isolate(
            "minting_batchproof",
            open_to=("tieback_worker",),
            readable_by=("tieback_resolver",),
        ),
        isolate("minting_proofhead", readable_by=("tieback_resolver",)),
        isolate("minting_proofkey", readable_by=("tieback_resolver",)),
        grant("tieback_worker", "select, insert, update", "minting_batchproof"),
        grant("tieback_worker", "select, insert", "minting_proofhead", "minting_proofkey"),
        grant("tieback_app", "select", *TABLES),
        grant("tieback_resolver", "select", *TABLES),
        grant("tieback_ops", "select", *TABLES),
        grant("tieback_ops", AGAIN, "minting_batchproof"),
    ]
