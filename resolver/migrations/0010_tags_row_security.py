"""Row-level security and grants of tags: the brand puts them on units, a scan counts their taps."""

from django.db import migrations

from tieback.brands.rls import grant, isolate


class Migration(migrations.Migration):
    """Isolate and grant."""

    dependencies = [("resolver", "0009_tags")]

    operations = [
        isolate("resolver_tag", open_to=("tieback_resolver",)),
        grant("tieback_app", "select, insert, update (unit_id)", "resolver_tag"),
        grant(
            "tieback_resolver",
            "select (id, brand_id, uid, unit_id, last_counter), update (last_counter, last_tap_at)",
            "resolver_tag",
        ),
        grant("tieback_ops", "select", "resolver_tag"),
    ]
