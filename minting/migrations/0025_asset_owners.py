"""Whose the assets of a batch are to be, and an index by which batches with wishes are found."""

from django.db import migrations, models

from tieback.table_locks import HoldTables
from tieback.table_options import AddIndex


class Migration(migrations.Migration):
    """Add the column, and let statements leave out what is not known of an asset yet.

    The index replaces one that no release has used.
    """

    dependencies = [("minting", "0024_reconciliation_row_security")]

    operations = [
        HoldTables("minting_mintbatch", "minting_unitasset"),
        migrations.AddField(
            model_name="mintbatch",
            name="leaf_owner",
            field=models.CharField(blank=True, db_default="", max_length=44),
        ),
        *(
            migrations.AlterField(
                model_name="unitasset",
                name=name,
                field=models.CharField(blank=True, db_default="", max_length=length),
            )
            for name, length in (("owner", 44), ("name", 32), ("metadata_uri", 200))
        ),
        migrations.RemoveIndex(model_name="unitasset", name="minting_asset_order"),
        AddIndex(
            model_name="unitasset",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["network", "batch", "priority", "id"],
                name="minting_asset_waiting",
            ),
        ),
        AddIndex(
            model_name="unitasset",
            index=models.Index(
                condition=models.Q(("status__in", ("processing", "failed", "missing_on_chain"))),
                fields=["status", "id"],
                name="minting_asset_unfinished",
            ),
        ),
    ]
