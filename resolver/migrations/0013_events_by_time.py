"""An index by which the hour under way is found among the events of its day.

Hours are counted anew, and looked through for signals, every minute; without it each time reads
the whole day. Events come in the order of their time, so ranges of blocks say enough (BRIN): an
index of the usual kind would cost each scan an entry.
"""

from django.db import migrations

# The last blocks, which no range describes yet, are always read; autovacuum describes them.
INDEX = """
create index resolver_scanevent_time on resolver_scanevent
 using brin (scanned_at) with (pages_per_range = 32, autosummarize = on)
"""


class Migration(migrations.Migration):
    """Make the index, on each day there is and will be."""

    dependencies = [("resolver", "0012_access_grants_row_security")]

    operations = [migrations.RunSQL(INDEX, "drop index resolver_scanevent_time")]
