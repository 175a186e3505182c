"""Row-level security and grants of what a scan leaves behind."""

from django.db import migrations

from tieback.brands.rls import grant, isolate


class Migration(migrations.Migration):
    """Isolate and grant."""

    dependencies = [("resolver", "0001_initial"), ("minting", "0002_row_security")]

    operations = [
        isolate("resolver_activation", open_to=("tieback_worker", "tieback_resolver")),
        grant("tieback_resolver", "insert", "resolver_activation"),
        grant("tieback_worker", "select, delete", "resolver_activation"),
        grant("tieback_ops", "select", "resolver_activation"),
    ]
