"""What first scans, the API and the console need beside what 0019 grants."""

from django.db import migrations

from tieback.brands.rls import grant

AGAIN = "update (status, consecutive_errors, next_attempt_at)"


class Migration(migrations.Migration):
    """Grant."""

    dependencies = [("minting", "0025_asset_owners")]

    operations = [
        grant("tieback_resolver", "select (leaf_owner)", "minting_mintbatch"),
        grant("tieback_resolver", "select (blockchain)", "minting_unitasset"),
        grant("tieback_app", AGAIN, "minting_chainsubmission"),
    ]
