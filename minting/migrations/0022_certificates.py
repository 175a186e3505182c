"""Batches may ask for a certificate, and a public page shows where it is."""

from django.db import migrations, models

from tieback.brands.rls import grant
from tieback.table_locks import HoldTables
from tieback.table_options import AddConstraint

KINDS = [
    ("anchor", "Anchor"),
    ("certificate", "Certificate"),
    ("tree", "Tree"),
    ("mint", "Mint"),
    ("delegate", "Delegate"),
    ("update", "Update"),
]


class Migration(migrations.Migration):
    """Let the mode and the kind be; the address of a certificate follows from who has paid."""

    dependencies = [("minting", "0021_transaction_costs")]

    operations = [
        HoldTables("minting_chainsubmission", "minting_chaintransaction", "minting_mintbatch"),
        migrations.RemoveConstraint(
            model_name="chainsubmission",
            name="minting_submission_kind",
        ),
        migrations.AlterField(
            model_name="chainsubmission",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=16),
        ),
        migrations.AlterField(
            model_name="chaintransaction",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=16),
        ),
        migrations.AlterField(
            model_name="mintbatch",
            name="chain_mode",
            field=models.CharField(
                choices=[
                    ("none", "None"),
                    ("anchor", "Anchor"),
                    ("certificate", "Certificate"),
                    ("cnft", "Compressed NFTs"),
                    ("cnft_on_first_scan", "Compressed NFT on first scan"),
                    ("cnft_on_demand", "Compressed NFT on demand"),
                ],
                default="none",
                max_length=24,
            ),
        ),
        AddConstraint(
            model_name="chainsubmission",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", [kind for kind, _ in KINDS])),
                name="minting_submission_kind",
            ),
        ),
        grant("tieback_resolver", "select (payer)", "minting_chaintransaction"),
    ]
