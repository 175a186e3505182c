"""A brand may ask that first scans activate only what was released."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the setting; old code makes brands without it."""

    dependencies = [
        ("brands", "0006_hold_resolver_hosts"),
    ]

    operations = [
        migrations.AddField(
            model_name="brand",
            name="activates_after_release",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="First scans activate only once the unit's batch was released.",
            ),
        ),
    ]
