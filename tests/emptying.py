"""Empties the tables of whoever committed: a test, or a furnished brand."""

from django.db import connection
from psycopg import sql

# Emptying a table costs PostgreSQL new files for it and its indexes, so only those that hold
# something are emptied, and those that refer to them. What Django writes into its own tables after
# every migration is not emptied, and so need not be written again.
_EMPTY = """
    do $$ declare listed text; begin
        with recursive filled as (
            select oid as id from pg_class
             where (relname = any(%s) or relispartition) and relkind = 'r'
               and relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 0
             union
            select conrelid from filled join pg_constraint on confrelid = id and contype = 'f'
        )
        select string_agg(id::regclass::text, ', ') into listed from filled;
        if listed is not null then
            execute 'truncate ' || listed;
        end if;
    end $$
"""
_KEPT = {"django_content_type", "auth_permission"}


def empty_tables() -> None:
    """Empty every table that holds something, in place of Django's ``flush``."""
    emptied = set(connection.introspection.django_table_names(only_existing=False)) - _KEPT
    with connection.cursor() as cursor:
        # A block takes no parameters.
        cursor.execute(sql.SQL(_EMPTY.replace("%s", "{}")).format(sorted(emptied)))
