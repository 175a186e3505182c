"""Row security and grants of what a brand's public pages show of it."""

from django.db import migrations

from tieback.brands.rls import grant, isolate


class Migration(migrations.Migration):
    """Isolate the logos; operators set them, anyone may be shown them."""

    dependencies = [("brands", "0008_brand_face")]

    operations = [
        isolate("brands_brandlogo", readable_by=("tieback_resolver",)),
        grant("tieback_app", "select", "brands_brandlogo"),
        grant("tieback_resolver", "select", "brands_brandlogo"),
        grant(
            "tieback_resolver",
            "select (accent_colour, support_url, support_email)",
            "brands_brand",
        ),
        grant("tieback_ops", "select, insert, update, delete", "brands_brandlogo"),
    ]
