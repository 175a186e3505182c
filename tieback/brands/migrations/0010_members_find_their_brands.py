"""Only the web plane's role finds brands by membership: no other may read memberships.

A policy that names a table needs the right to read it of everybody it is for. The worker, which
has no business with members, could read no brand at all.
"""

from django.db.migrations import Migration as BaseMigration
from django.db.migrations import RunSQL

from tieback.table_locks import HoldTables


class Migration(BaseMigration):
    """Narrow the policy."""

    dependencies = [("brands", "0009_brand_face_row_security")]

    operations = [
        HoldTables("brands_brand"),
        RunSQL(
            "alter policy own_rows on brands_brand to tieback_app",
            "alter policy own_rows on brands_brand to public",
        ),
    ]
