"""Row-level security and grants of passports that change after minting."""

from django.db import migrations

from tieback.brands.rls import grant, isolate, same_brand
from tieback.table_locks import HoldTables

CHANGE, BATCH, ASSET = "minting_passportchange", "minting_mintbatch", "minting_unitasset"
VERSION, DOCUMENT = "minting_passportversion", "minting_metadatadocument"
# What a passport says of its changes, and which versions it showed.
SHOWN = (
    "select (id, brand_id, batch_id, number, from_version_id, to_version_id, reason, created_at)"
)


class Migration(migrations.Migration):
    """Isolate and grant: the web plane changes passports, workers make the leaves follow."""

    dependencies = [("minting", "0027_passport_changes")]

    operations = [
        HoldTables(
            ASSET,
            BATCH,
            CHANGE,
            referenced=("minting_chainsubmission", VERSION, DOCUMENT),
        ),
        same_brand(CHANGE, "batch_id", BATCH),
        same_brand(CHANGE, "from_version_id", VERSION),
        same_brand(CHANGE, "to_version_id", VERSION),
        same_brand(BATCH, "shown_version_id", VERSION),
        same_brand(BATCH, "leaf_document_id", DOCUMENT),
        same_brand(ASSET, "change_submission_id", "minting_chainsubmission"),
        isolate(CHANGE, readable_by=("tieback_resolver",)),
        grant("tieback_app", "select, insert", CHANGE),
        grant(
            "tieback_app", "update (shown_version_id, passport_changes, leaf_document_id)", BATCH
        ),
        grant("tieback_app", "update (transfer_to, change_error)", ASSET),
        grant("tieback_worker", "update (leaf_document_id)", BATCH),
        grant("tieback_worker", "select", CHANGE),
        grant("tieback_resolver", SHOWN, CHANGE),
        grant("tieback_resolver", "select (shown_version_id, passport_changes)", BATCH),
        grant("tieback_ops", "select", CHANGE),
        grant("tieback_ops", "update (change_error)", ASSET),
    ]
