"""The table of the hosts of brands, empty.

Its foreign key is checked at the end of the migration by the owner, who sees no brand while row
security is forced, so 0006 fills it in.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from tieback.table_locks import HoldTables


class Migration(migrations.Migration):
    """Make the table; 0006 isolates it and grants."""

    dependencies = [("brands", "0004_accounts_row_security")]

    operations = [
        HoldTables(referenced=("brands_brand",)),
        migrations.CreateModel(
            name="ResolverHost",
            fields=[
                ("host", models.CharField(max_length=255, primary_key=True, serialize=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="resolver_hosts",
                        to="brands.brand",
                    ),
                ),
            ],
            options={"ordering": ("host",)},
        ),
    ]
