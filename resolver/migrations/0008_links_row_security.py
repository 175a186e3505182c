"""Row-level security and grants of links."""

from django.db import migrations

from tieback.brands.rls import grant, isolate, same_brand

SHOWN = "select (id, brand_id, product_id, link_type, target, title, language, media_type, is_default, active_from, active_until, created_at)"
EDITED = "update (target, title, is_default, active_from, active_until, updated_at)"


class Migration(migrations.Migration):
    """Brands write their links, the resolver reads them, operators may withdraw or mend one."""

    dependencies = [("resolver", "0007_links")]

    operations = [
        isolate("resolver_link", readable_by=("tieback_resolver",)),
        same_brand("resolver_link", "product_id", "minting_product"),
        grant("tieback_app", "select, insert, update, delete", "resolver_link"),
        grant("tieback_resolver", SHOWN, "resolver_link"),
        grant("tieback_ops", f"select, {EDITED}", "resolver_link"),
    ]
