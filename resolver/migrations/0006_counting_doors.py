"""What counting and judging scans of all brands takes, and who says what is kept of them."""

from django.db import migrations

from tieback.brands.rls import grant

BATCHES = "minting_mintbatch"


class Migration(migrations.Migration):
    """Open the batches to the worker for reading, and the policy to operators."""

    dependencies = [("resolver", "0005_search_progress")]

    operations = [
        migrations.RunSQL(
            f"create policy read_tieback_worker on {BATCHES} for select to tieback_worker"
            " using (true)",
            f"drop policy read_tieback_worker on {BATCHES}",
        ),
        grant("tieback_ops", "insert, update", "resolver_scanpolicy"),
    ]
