"""How far events were looked through for signals, and people's scans by the day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the columns; the first is null until the first look."""

    dependencies = [("resolver", "0004_scans_row_security")]

    operations = [
        migrations.AddField(
            model_name="scanprogress",
            name="searched_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="scanday",
            name="scans",
            field=models.PositiveIntegerField(db_default=0),
        ),
    ]
