"""Row-level security and grants of what is written to a chain."""

from django.db import migrations

from tieback.brands.rls import brand_key, grant, isolate, same_brand
from tieback.table_locks import HoldTables

TABLES = ("minting_chainsubmission", "minting_chaintransaction")
AGAIN = "update (status, consecutive_errors, last_error, next_attempt_at)"
# Where a root was anchored stands on a public page.
SHOWN_SUBMISSION = "select (id, brand_id, batch_id, key, status)"
SHOWN_TRANSACTION = (
    "select (id, brand_id, batch_id, submission_id, blockchain, network, signature, status, slot)"
)


class Migration(migrations.Migration):
    """Isolate and grant: workers send for all brands, and the resolver reads what it shows."""

    dependencies = [("minting", "0014_chain_submissions")]

    operations = [
        HoldTables(*TABLES, referenced=("minting_mintbatch",)),
        brand_key("minting_chainsubmission"),
        same_brand("minting_chainsubmission", "batch_id", "minting_mintbatch"),
        same_brand("minting_chaintransaction", "batch_id", "minting_mintbatch"),
        same_brand("minting_chaintransaction", "submission_id", "minting_chainsubmission"),
        *[
            isolate(table, open_to=("tieback_worker",), readable_by=("tieback_resolver",))
            for table in TABLES
        ],
        grant("tieback_worker", "select, insert, update", *TABLES),
        grant("tieback_app", "select", *TABLES),
        grant("tieback_resolver", SHOWN_SUBMISSION, "minting_chainsubmission"),
        grant("tieback_resolver", SHOWN_TRANSACTION, "minting_chaintransaction"),
        grant("tieback_resolver", "select (chain_mode, chain_network)", "minting_mintbatch"),
        grant("tieback_ops", "select", *TABLES),
        grant("tieback_ops", AGAIN, "minting_chainsubmission"),
    ]
