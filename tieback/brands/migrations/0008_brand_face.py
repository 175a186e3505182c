"""How a brand's public pages look and whom their readers may ask."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from tieback.table_locks import HoldTables
from tieback.table_options import AddConstraint


class Migration(migrations.Migration):
    """Add the columns and make the table of logos; 0008 isolates it and grants."""

    dependencies = [("brands", "0007_activates_after_release")]

    operations = [
        HoldTables("brands_brand"),
        migrations.CreateModel(
            name="BrandLogo",
            fields=[
                (
                    "brand",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="logo",
                        serialize=False,
                        to="brands.brand",
                    ),
                ),
                ("image", models.BinaryField(max_length=20000)),
                ("sha256", models.CharField(max_length=64)),
                ("width", models.PositiveSmallIntegerField()),
                ("height", models.PositiveSmallIntegerField()),
                (
                    "uploaded_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.AddField(
            model_name="brand",
            name="accent_colour",
            field=models.CharField(blank=True, db_default="", default="", max_length=7),
        ),
        migrations.AddField(
            model_name="brand",
            name="support_email",
            field=models.EmailField(blank=True, db_default="", default="", max_length=254),
        ),
        migrations.AddField(
            model_name="brand",
            name="support_url",
            field=models.URLField(blank=True, db_default="", default="", max_length=500),
        ),
        AddConstraint(
            model_name="brand",
            constraint=models.CheckConstraint(
                condition=models.Q(("accent_colour__regex", "^(#[0-9a-f]{6})?$")),
                name="brands_brand_accent_colour",
            ),
        ),
        AddConstraint(
            model_name="brand",
            constraint=models.CheckConstraint(
                condition=models.Q(("support_url__regex", "^(https?://.*)?$")),
                name="brands_brand_support_url",
            ),
        ),
    ]
