"""An index from which the costs of many transactions are read."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Make the index while transactions are stored."""

    atomic = False

    dependencies = [("minting", "0020_costs")]

    operations = [
        AddIndexConcurrently(
            model_name="chaintransaction",
            index=models.Index(
                fields=["brand", "created_at"],
                include=(
                    *("batch", "kind", "blockchain", "network", "status", "attempt", "mint_count"),
                    *("fee", "priority_fee", "spent_besides", "settled_at"),
                ),
                name="minting_transaction_costs",
            ),
        ),
    ]
