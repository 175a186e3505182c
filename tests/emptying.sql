-- Run by a superuser in template1: every database that the tests make begins with it.
--
-- Emptying a table by TRUNCATE costs PostgreSQL new files for it, for its indexes and for each
-- table that refers to it, so rows are deleted where they are few. As a superuser past row-level
-- security, and as a replica, which fires no triggers: no other table need be looked at.

create schema testing;
grant usage on schema testing to public;

create function testing.empty_tables(emptied text[]) returns void
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp set session_replication_role = replica
as $$
declare
    few constant bigint := 64 * 1024;
    filled regclass[] := array(
        select oid from pg_class
         where (relname = any(emptied) or relispartition) and relkind = 'r'
           and relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 0
         order by oid);
    name regclass;
    large text;
begin
    with recursive found as (
        select id::oid from unnest(filled) as id where pg_relation_size(id) > few
         union
        select conrelid from found join pg_constraint on confrelid = id and contype = 'f'
    )
    select string_agg(id::regclass::text, ', ') into large from found;
    if large is not null then
        execute 'truncate ' || large;
    end if;
    foreach name in array filled loop
        -- Whoever still writes is waited for, as TRUNCATE does.
        execute format('lock table only %s in share row exclusive mode', name);
        execute format('delete from only %s', name);
    end loop;
end $$;
