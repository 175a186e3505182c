"""Row-level security and grants of trees and assets."""

from django.db import migrations

from tieback.brands.rls import brand_key, grant, isolate, look_up_brand_once, same_brand
from tieback.table_locks import HoldTables

TREE, ASSET = "minting_chaintree", "minting_unitasset"
WANTED = "brand_id, unit_id, batch_id, owner, network, priority"
AGAIN = "update (status, retry_count, error_message, updated_at)"
# What a passport's page says of the unit's asset.
SHOWN = "select (id, brand_id, unit_id, tree_id, asset_id, leaf_index, owner, network, status)"
SHOWN_TREE = "select (id, brand_id, address, network)"


class Migration(migrations.Migration):
    """Isolate and grant: a first scan may wish for an asset, workers do all the rest."""

    dependencies = [("minting", "0018_trees_and_assets")]

    operations = [
        HoldTables(
            TREE,
            ASSET,
            referenced=(
                "minting_chainsubmission",
                "minting_chaintransaction",
                "minting_metadatadocument",
            ),
        ),
        brand_key(TREE),
        same_brand(TREE, "submission_id", "minting_chainsubmission"),
        same_brand(ASSET, "tree_id", TREE),
        same_brand(ASSET, "submission_id", "minting_chainsubmission"),
        same_brand(ASSET, "document_id", "minting_metadatadocument"),
        isolate(TREE, open_to=("tieback_worker",), readable_by=("tieback_resolver",)),
        isolate(ASSET, open_to=("tieback_worker", "tieback_resolver")),
        look_up_brand_once(ASSET),
        grant("tieback_worker", "select, insert, update", TREE, ASSET),
        grant("tieback_app", "select, insert", TREE),
        grant("tieback_app", f"select, insert ({WANTED}), {AGAIN}", ASSET),
        grant("tieback_resolver", SHOWN_TREE, TREE),
        grant("tieback_resolver", f"{SHOWN}, insert ({WANTED})", ASSET),
        grant("tieback_ops", "select, insert, update (status, trouble, archived_at)", TREE),
        grant("tieback_ops", f"select, {AGAIN}", ASSET),
    ]
