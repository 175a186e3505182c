"""Row-level security, doors and grants of invitations, rotated credentials and sealed audit rows."""

from django.db import migrations

from tieback.brands.rls import grant, isolate
from tieback.table_locks import HoldTables

# The way to a credential without knowing its brand. Processes of before this migration name the
# columns they want, so they go on.
DROP_CREDENTIAL_DOOR = "drop function tieback_find_credential(text)"
FIND_CREDENTIAL = """
create function tieback_find_credential(wanted text)
returns table (brand_id uuid, secret_sha256 bytea, scopes varchar[], last_used_at timestamptz,
               previous_sha256 bytea)
language sql stable security definer set search_path = pg_catalog, public as $$
    select c.brand_id, c.secret_sha256, c.scopes, c.last_used_at,
           case when c.previous_expires_at > now() then c.previous_sha256 end
      from public.brands_apicredential c
     where c.id = wanted
       and c.revoked_at is null
       and (c.expires_at is null or c.expires_at > now())
$$
"""
FIND_CREDENTIAL_BEFORE = """
create function tieback_find_credential(wanted text)
returns table (brand_id uuid, secret_sha256 bytea, scopes varchar[], last_used_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public as $$
    select c.brand_id, c.secret_sha256, c.scopes, c.last_used_at
      from public.brands_apicredential c
     where c.id = wanted
       and c.revoked_at is null
       and (c.expires_at is null or c.expires_at > now())
$$
"""
NOT_FOR_EVERYBODY = "revoke all on function {name} from public"
FOR_THE_WEB = "grant execute on function {name} to tieback_app"

# The way to an invitation without knowing its brand: by the hash of its token, while it is open.
FIND_INVITATION = """
create function tieback_find_invitation(wanted bytea)
returns table (id uuid, brand_id uuid, email varchar, role varchar)
language sql stable security definer set search_path = pg_catalog, public as $$
    select i.id, i.brand_id, i.email, i.role
      from public.brands_invitation i
     where i.token_sha256 = wanted
       and i.accepted_at is null
       and i.revoked_at is null
       and i.expires_at > now()
$$
"""

# Every audit entry waits for its seal from the statement on that writes it, whoever writes it.
NOTE_UNSEALED = """
create function tieback_note_unsealed() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
    insert into public.brands_unsealedentry (entry_id) select n.id from written n;
    return null;
end
$$
"""
NOTE_UNSEALED_TRIGGER = """
create trigger note_unsealed after insert on brands_auditentry
    referencing new table as written
    for each statement execute function tieback_note_unsealed()
"""

# The worker's way to the audit trail of every brand: it may have it sealed, and read none of it.
# The tables are empty at one moment and hold a hundred thousand rows at the next, so nothing here
# leaves the planner a choice that is quadratic in them: a range of ids, and hash joins.
# What is hashed here is recomputed from the text in tieback/brands/verification.py.
SEAL_AUDIT = """
create function tieback_seal_audit(at_most integer)
returns table (sealed_brand uuid, sealed_sequence bigint, sealed_count integer, sealed_hash bytea)
language sql volatile security definer
set search_path = pg_catalog, public set enable_nestloop = off as $$
    select pg_advisory_xact_lock(hashtextextended('tieback.seal_audit', 0));

    with taken as (
        delete from public.brands_unsealedentry
         where entry_id <= (select max(entry_id)
                              from (select u.entry_id from public.brands_unsealedentry u
                                     order by u.entry_id limit at_most) as first_ones)
        returning entry_id
    ), entries as (
        select e.brand_id, e.id,
               sha256(convert_to(jsonb_build_array(
                   e.id, e.brand_id, e.actor, e.action, e.target_type, e.target_id, e.reason,
                   e.before, e.after, e.request_id,
                   (extract(epoch from e.created_at) * 1000000)::bigint)::text, 'UTF8')) as hash
          from taken join public.brands_auditentry e on e.id = taken.entry_id
    ), groups as (
        select brand_id, count(*)::integer as count, min(id) as first, max(id) as last,
               array_agg(id order by id) as ids, array_agg(hash order by id) as hashes,
               string_agg(hash, ''::bytea order by id) as bytes
          from entries group by brand_id
    ), links as (
        select g.*, coalesce(head.sequence, 0) + 1 as sequence,
               coalesce(head.hash, decode(repeat('00', 32), 'hex')) as previous_hash,
               clock_timestamp() as sealed_at
          from groups g
          left join lateral (
              (select s.sequence, s.hash from public.brands_auditseal s
                where s.brand_id = g.brand_id order by s.sequence desc limit 1)
              union all
              (select s.sequence, s.hash from public.brands_auditseal s
                where g.brand_id is null and s.brand_id is null
                order by s.sequence desc limit 1)
          ) head on true
    )
    insert into public.brands_auditseal
           (brand_id, sequence, first_entry, last_entry, count, entry_ids, entry_hashes,
            previous_hash, sealed_at, hash)
    select l.brand_id, l.sequence, l.first, l.last, l.count, l.ids, l.hashes,
           l.previous_hash, l.sealed_at,
           sha256(l.previous_hash
                  || convert_to(jsonb_build_array(
                         'tieback seal 1', l.brand_id, l.sequence, l.count,
                         (extract(epoch from l.sealed_at) * 1000000)::bigint)::text, 'UTF8')
                  || convert_to(array_to_string(l.ids, ','), 'UTF8')
                  || l.bytes)
      from links l
    returning brand_id, sequence, count, hash;
$$
"""

# The web plane makes people who accept an invitation. It may not name the columns that make an
# operator, so their defaults must say that it makes none.
NO_OPERATOR_BY_DEFAULT = """
alter table brands_user
    alter column is_superuser set default false,
    alter column is_staff set default false,
    alter column is_active set default true,
    alter column full_name set default ''
"""
AS_BEFORE = """
alter table brands_user
    alter column is_superuser drop default,
    alter column is_staff drop default,
    alter column is_active drop default,
    alter column full_name drop default
"""


class Migration(migrations.Migration):
    """Isolate the new tables, open two more doors, and queue the entries that exist for sealing."""

    dependencies = [("brands", "0003_accounts")]

    operations = [
        HoldTables("brands_auditentry", "brands_apicredential", "brands_user"),
        isolate("brands_invitation", readable_by=("tieback_owner",)),
        isolate("brands_auditseal", open_to=("tieback_owner",)),
        migrations.RunSQL(
            "create policy read_tieback_owner on brands_auditentry for select to tieback_owner"
            " using (true)",
            "drop policy read_tieback_owner on brands_auditentry",
        ),
        migrations.RunSQL(
            [
                DROP_CREDENTIAL_DOOR,
                FIND_CREDENTIAL,
                NOT_FOR_EVERYBODY.format(name="tieback_find_credential(text)"),
                FOR_THE_WEB.format(name="tieback_find_credential(text)"),
            ],
            [
                DROP_CREDENTIAL_DOOR,
                FIND_CREDENTIAL_BEFORE,
                NOT_FOR_EVERYBODY.format(name="tieback_find_credential(text)"),
                FOR_THE_WEB.format(name="tieback_find_credential(text)"),
            ],
        ),
        migrations.RunSQL(
            [
                FIND_INVITATION,
                NOT_FOR_EVERYBODY.format(name="tieback_find_invitation(bytea)"),
                FOR_THE_WEB.format(name="tieback_find_invitation(bytea)"),
            ],
            "drop function tieback_find_invitation(bytea)",
        ),
        migrations.RunSQL(
            [
                NOTE_UNSEALED,
                NOT_FOR_EVERYBODY.format(name="tieback_note_unsealed()"),
                NOTE_UNSEALED_TRIGGER,
                "insert into brands_unsealedentry (entry_id) select id from brands_auditentry",
            ],
            [
                "drop trigger note_unsealed on brands_auditentry",
                "drop function tieback_note_unsealed()",
            ],
        ),
        migrations.RunSQL(
            [
                SEAL_AUDIT,
                NOT_FOR_EVERYBODY.format(name="tieback_seal_audit(integer)"),
                "grant execute on function tieback_seal_audit(integer) to tieback_worker",
            ],
            "drop function tieback_seal_audit(integer)",
        ),
        migrations.RunSQL(NO_OPERATOR_BY_DEFAULT, AS_BEFORE),
        # Hashes do not compress, and trying costs time.
        migrations.RunSQL(
            "alter table brands_auditseal alter column entry_hashes set storage external",
            "alter table brands_auditseal alter column entry_hashes set storage extended",
        ),
        # web
        grant("tieback_app", "insert, update (role), delete", "brands_membership"),
        grant(
            "tieback_app",
            "select, insert, update (token_sha256, expires_at, accepted_at, accepted_by_id,"
            " revoked_at)",
            "brands_invitation",
        ),
        grant("tieback_app", "insert (email, full_name, password)", "brands_user"),
        grant(
            "tieback_app",
            "update (name, scopes, expires_at, secret_sha256, previous_sha256,"
            " previous_expires_at)",
            "brands_apicredential",
        ),
        # console
        grant("tieback_ops", "select", "brands_invitation", "brands_auditseal"),
        grant("tieback_ops", "select", "brands_unsealedentry"),
    ]
