"""Row-level security and grants of metadata documents."""

from django.db import migrations

from tieback.brands.rls import brand_key, grant, isolate, same_brand
from tieback.table_locks import HoldTables

TABLE = "minting_metadatadocument"
COMPOSED = "cid, short_id, content, size, sha256"
AGAIN = "status, consecutive_errors, last_error, next_attempt_at"


class Migration(migrations.Migration):
    """Isolate and grant: what is pinned is public, hence the resolver may read it."""

    dependencies = [("minting", "0016_metadata"), ("brands", "0009_brand_face_row_security")]

    operations = [
        HoldTables(TABLE, referenced=("minting_product", "minting_passportversion")),
        brand_key(TABLE),
        same_brand(TABLE, "product_id", "minting_product"),
        same_brand(TABLE, "passport_version_id", "minting_passportversion"),
        same_brand(TABLE, "replaces_id", TABLE),
        isolate(TABLE, open_to=("tieback_worker",), readable_by=("tieback_resolver",)),
        grant("tieback_worker", "select, insert, update", TABLE),
        grant("tieback_app", f"select, insert, update ({COMPOSED}, {AGAIN})", TABLE),
        grant("tieback_resolver", "select (id, brand_id, cid, short_id, content, status)", TABLE),
        grant("tieback_ops", f"select, update ({AGAIN})", TABLE),
        # A document names its brand's logo by the hash.
        grant("tieback_worker", "select (brand_id, sha256)", "brands_brandlogo"),
    ]
