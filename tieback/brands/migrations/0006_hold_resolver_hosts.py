"""Every host that a brand prints or has printed, each of one brand alone."""

from django.db import migrations

from tieback.brands.rls import grant, isolate
from tieback.table_locks import HoldTables

# Whoever sets a brand's host, in whatever plane, holds it for the brand from then on.
HOLD_HOST = """
create function tieback_hold_resolver_host() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
    if new.resolver_host = '' then
        return null;
    end if;
    insert into public.brands_resolverhost (host, brand_id)
    values (new.resolver_host, new.id) on conflict (host) do nothing;
    if not exists (
        select from public.brands_resolverhost
         where host = new.resolver_host and brand_id = new.id
    ) then
        raise exception 'host % belongs to another brand', new.resolver_host
            using errcode = 'unique_violation', constraint = 'brands_resolverhost_pkey',
                  table = 'brands_resolverhost';
    end if;
    return null;
end
$$
"""
HOLD_HOST_TRIGGER = """
create trigger hold_resolver_host after insert or update of resolver_host on brands_brand
    for each row execute function tieback_hold_resolver_host()
"""

# What brands print now, and what their batches have printed. The owner is bound by the policies
# of these tables too, so they are not forced while it looks; the locks are held already.
HOLD_KNOWN_HOSTS = """
do $$
declare shared text;
begin
    create temporary table known on commit drop as
    select resolver_host as host, id as brand_id from public.brands_brand where resolver_host <> ''
     union
    select substring(resolver_base from '//(.+)$'), brand_id from public.minting_mintbatch;
    select string_agg(host, ', ') into shared
      from (select host from known group by host having count(*) > 1) as twice;
    if shared is not null then
        raise exception 'more than one brand prints codes with %', shared
            using hint = 'Give each brand a host of its own; what is printed cannot be told apart.';
    end if;
    insert into public.brands_resolverhost (host, brand_id) select host, brand_id from known;
end
$$
"""
READ = ("brands_brand", "minting_mintbatch")


class Migration(migrations.Migration):
    """Isolate the table, grant, and hold what is printed."""

    dependencies = [("brands", "0005_resolver_hosts"), ("minting", "0002_row_security")]

    operations = [
        HoldTables("minting_mintbatch", "brands_brand", "brands_resolverhost"),
        isolate(
            "brands_resolverhost",
            open_to=("tieback_owner",),
            readable_by=("tieback_resolver",),
        ),
        grant("tieback_app", "select", "brands_resolverhost"),
        grant("tieback_resolver", "select (host, brand_id)", "brands_resolverhost"),
        grant("tieback_ops", "select, insert", "brands_resolverhost"),
        migrations.RunSQL(
            [
                *[f"alter table {table} no force row level security" for table in READ],
                HOLD_KNOWN_HOSTS,
                *[f"alter table {table} force row level security" for table in READ],
            ],
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            [
                HOLD_HOST,
                "revoke all on function tieback_hold_resolver_host() from public",
                HOLD_HOST_TRIGGER,
            ],
            [
                "drop trigger hold_resolver_host on brands_brand",
                "drop function tieback_hold_resolver_host()",
            ],
        ),
    ]
