"""How far events were looked through for signals."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the column; null until the first look."""

    dependencies = [("resolver", "0004_scans_row_security")]

    operations = [
        migrations.AddField(
            model_name="scanprogress",
            name="searched_until",
            field=models.DateTimeField(null=True),
        ),
    ]
