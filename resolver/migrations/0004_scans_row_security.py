"""Row-level security and grants of what scans leave behind, and the days of their events."""

from django.db import migrations

from tieback.brands.rls import grant, isolate

# Attached, not made in place: that would lock out every scan. A day is made before it begins, so
# the check that spares the look at its rows is all that attaching waits for.
MAKE_DAYS = """
create function tieback_make_scan_days(ahead int) returns int
language plpgsql security definer set search_path = pg_catalog, public set timezone = 'UTC'
set lock_timeout = '200ms' as $$
declare
    today date := current_date;
    made int := 0;
    name text;
    day date;
begin
    for at in -1..least(ahead, 60) loop
        day := today + at;
        name := 'resolver_scanevent_' || to_char(day, 'YYYYMMDD');
        continue when to_regclass('public.' || name) is not null;
        execute format(
            'create table public.%I (like public.resolver_scanevent including defaults)', name);
        execute format('alter table public.%I enable row level security', name);
        execute format('alter table public.%I force row level security', name);
        execute format(
            'alter table public.%I add constraint of_the_day '
            'check (scanned_at >= %L and scanned_at < %L)',
            name, day::timestamptz, (day + 1)::timestamptz);
        execute format(
            'alter table public.resolver_scanevent attach partition public.%I '
            'for values from (%L) to (%L)', name, day::timestamptz, (day + 1)::timestamptz);
        execute format('alter table public.%I drop constraint of_the_day', name);
        made := made + 1;
    end loop;
    return made;
end
$$
"""
# No longer than a scan can wait: who does not get the lock tries again later.
DROP_DAYS = """
create function tieback_drop_scan_days(before date) returns int
language plpgsql security definer set search_path = pg_catalog, public set timezone = 'UTC'
set lock_timeout = '200ms' as $$
declare
    dropped int := 0;
    name text;
begin
    for name in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'public.resolver_scanevent'::regclass
           and to_date(right(c.relname, 8), 'YYYYMMDD') < least(before, current_date - 1)
         order by c.relname
    loop
        execute format('drop table public.%I', name);
        dropped := dropped + 1;
    end loop;
    return dropped;
end
$$
"""
EVENTS, POLICY, SIGNALS = "resolver_scanevent", "resolver_scanpolicy", "resolver_scansignal"
COUNTS = ("resolver_scanhour", "resolver_scanday")
WORKER, RESOLVER, APP, OPS = (
    "tieback_worker",
    "tieback_resolver",
    "tieback_app",
    "tieback_ops",
)


class Migration(migrations.Migration):
    """Isolate, grant, and make the first days."""

    dependencies = [("resolver", "0003_scans")]

    operations = [
        isolate(EVENTS, open_to=(WORKER, RESOLVER)),
        isolate(POLICY, readable_by=(WORKER, RESOLVER)),
        *(isolate(table, open_to=(WORKER,)) for table in (*COUNTS, SIGNALS)),
        # Who scans may write down that it was so, and read nothing of it.
        grant(RESOLVER, "insert", EVENTS),
        grant(RESOLVER, "select, insert", "resolver_visitorkey"),
        grant(RESOLVER, "insert (id, text, kind)", "resolver_scanagent"),
        # To leave out what is there already, its id must be readable.
        grant(RESOLVER, "select (id)", "resolver_scanagent"),
        grant(RESOLVER, "select", POLICY),
        grant(WORKER, "select, delete, update (traffic)", EVENTS),
        grant(WORKER, "select (day), delete", "resolver_visitorkey"),
        grant(WORKER, "select, update (kind)", "resolver_scanagent"),
        grant(WORKER, "select", POLICY),
        grant(WORKER, "select, insert, update, delete", *COUNTS, SIGNALS),
        grant(WORKER, "select, insert, update", "resolver_scanprogress"),
        grant(APP, "select", EVENTS, SIGNALS, *COUNTS),
        grant(APP, "select", "resolver_scanagent", "resolver_scanprogress"),
        grant(APP, "select, insert, update", POLICY),
        grant(OPS, "select", EVENTS, SIGNALS, POLICY, *COUNTS),
        grant(OPS, "select", "resolver_scanagent", "resolver_scanprogress"),
        migrations.RunSQL(
            MAKE_DAYS,
            "drop function tieback_make_scan_days(int)",
        ),
        migrations.RunSQL(DROP_DAYS, "drop function tieback_drop_scan_days(date)"),
        migrations.RunSQL(
            [
                "revoke all on function tieback_make_scan_days(int) from public",
                "revoke all on function tieback_drop_scan_days(date) from public",
                "grant execute on function tieback_make_scan_days(int) to tieback_worker",
                "grant execute on function tieback_drop_scan_days(date) to tieback_worker",
                "select tieback_make_scan_days(14)",
            ],
            migrations.RunSQL.noop,
        ),
    ]
