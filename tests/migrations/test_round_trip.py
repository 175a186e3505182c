"""From nothing to the newest schema, back to nothing, and there again: the same schema."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.migrations.loader import MigrationLoader

from tests.migrations.conftest import Scratch
from tests.migrations.test_lint import OURS

_SCHEMA = {
    "columns": """
        select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid), a.attacl::text
          from pg_attribute a join pg_class c on c.oid = a.attrelid
          left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
           and a.attnum > 0 and not a.attisdropped""",
    "tables": """
        select relname, relkind::text, relrowsecurity, relforcerowsecurity, relacl::text,
               reloptions::text
          from pg_class where relnamespace = 'public'::regnamespace and relkind <> 'i'""",
    "indexes": "select indexname, indexdef from pg_indexes where schemaname = 'public'",
    "constraints": """
        select conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated
          from pg_constraint where connamespace = 'public'::regnamespace""",
    "policies": """
        select tablename, policyname, cmd, roles::text, qual, with_check from pg_policies""",
    "triggers": """
        select tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger
         where not tgisinternal""",
    "functions": """
        select oid::regprocedure::text, prosrc, prosecdef, proconfig::text, proacl::text
          from pg_proc where pronamespace = 'public'::regnamespace""",
}


_READABLE = """
    select c.oid::regclass::text, string_agg(quote_ident(a.attname), ', ')
      from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and a.attnum > 0 and not a.attisdropped
       and has_column_privilege(c.oid, a.attnum, 'select')
     group by c.oid
"""


def schema_of(scratch: Scratch) -> dict[str, set[tuple[Any, ...]]]:
    """Return everything that migrations make."""
    with scratch.connect() as session:
        return {what: set(session.execute(query).fetchall()) for what, query in _SCHEMA.items()}


def newest() -> dict[str, str]:
    """Return the name of the last migration of each of our apps."""
    leaves = MigrationLoader(None).graph.leaf_nodes()
    return {app: name for app, name in leaves if app in OURS}


@pytest.mark.timeout(300)
def test_there_and_back_and_there_again_is_the_same_schema(
    migrated: Scratch, migrate: Callable[..., str]
):
    first = schema_of(migrated)
    assert all(first.values())
    assert_planes_read_what_they_are_granted(migrated)
    take_back_the_newest(migrate)
    migrate()
    assert_same(schema_of(migrated), first)
    # Everything else refers to brands, so all of it goes with them.
    migrate("brands", "zero")
    prefixes = tuple(f"{app}_" for app in OURS)
    for what, found in schema_of(migrated).items():
        left = [
            # pgtrigger leaves the functions of a table that is dropped, and replaces them later.
            row
            for row in found
            if str(row[0]).startswith((*prefixes, "tieback_"))
        ]
        assert left == [], what
    migrate()
    assert_same(schema_of(migrated), first)


def assert_planes_read_what_they_are_granted(scratch: Scratch) -> None:
    """Read every column that a role may: a policy may ask for more than the grant gives.

    Here and not in the tests' own database, where roles are granted more for making rows.
    """
    for plane in ("web", "worker", "resolver", "console"):
        with scratch.connect(plane) as session:
            granted = session.execute(_READABLE).fetchall()
            assert granted, plane
            for table, columns in granted:
                session.execute(f"select {columns} from {table} limit 1")


def take_back_the_newest(migrate: Callable[..., str]) -> None:
    """Take back the last migration of each app, as an operator would after a bad release."""
    loader = MigrationLoader(None)
    for app, name in newest().items():
        parents = [key[1] for key in loader.graph.node_map[app, name].parents if key[0] == app]
        migrate(app, *(parent.name if hasattr(parent, "name") else parent for parent in parents))


def assert_same(again: dict[str, set[tuple[Any, ...]]], first: dict[str, set[Any]]) -> None:
    """Compare schemas part by part, so that a difference is shown alone."""
    for what, found in first.items():
        assert again[what] == found, what
