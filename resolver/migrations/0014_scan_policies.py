"""What the console calls scan policies; the database stays as it is."""

from django.db import migrations


class Migration(migrations.Migration):
    """Write the plural as English does."""

    dependencies = [("resolver", "0013_events_by_time")]

    operations = [
        migrations.AlterModelOptions(
            name="scanpolicy", options={"verbose_name_plural": "scan policies"}
        )
    ]
