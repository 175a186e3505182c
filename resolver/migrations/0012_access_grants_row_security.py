"""Row security of grants: a brand's managers see them, the resolver is told of one at a time."""

from django.db import migrations

from tieback.brands.rls import grant, isolate, same_brand
from tieback.table_locks import HoldTables

# The resolver's way to the grants: for one hash and one brand, whether it opens something. What
# has ended is found too, so that its holder is told why it opens nothing any more.
FIND_GRANT = """
create function tieback_find_access_grant(wanted bytea, asked_brand uuid)
returns table (access varchar, product_id uuid, batch_id uuid, ended text)
language sql stable security definer set search_path = pg_catalog, public as $$
    select g.access, g.product_id, g.batch_id,
           case when g.revoked_at is not null then 'revoked'
                when g.expires_at <= now() then 'expired' end
      from public.resolver_accessgrant g
     where g.secret_sha256 = wanted and g.brand_id = asked_brand
$$
"""
SIGNATURE = "tieback_find_access_grant(bytea, uuid)"


class Migration(migrations.Migration):
    """Isolate, open the door, grant."""

    dependencies = [("resolver", "0011_access_grants")]

    operations = [
        HoldTables("resolver_accessgrant", referenced=("minting_mintbatch", "minting_product")),
        isolate("resolver_accessgrant", readable_by=("tieback_owner",)),
        # Both may be null, and then name nothing.
        same_brand("resolver_accessgrant", "product_id", "minting_product"),
        same_brand("resolver_accessgrant", "batch_id", "minting_mintbatch"),
        migrations.RunSQL(
            [
                FIND_GRANT,
                f"revoke all on function {SIGNATURE} from public",
                f"grant execute on function {SIGNATURE} to tieback_resolver",
            ],
            f"drop function {SIGNATURE}",
        ),
        grant("tieback_app", "select, insert, update (revoked_at)", "resolver_accessgrant"),
        grant("tieback_ops", "select", "resolver_accessgrant"),
    ]
