"""Every table of a brand, in plain SQL, as each plane's role, outside of any brand: nothing.

No statement a role may send, reading or writing, finds a row or leaves one. What is refused for
want of a privilege counts; what is let through must have found nothing.
"""

# ruff: noqa: S608 - the names of tables in the statements come from our models

from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest

from tests.platform.conftest import TwoBrands
from tests.platform.furnishing import brand_tables
from tests.platform.test_row_security import (
    SERVING,
    brand_column,
    changeable_column,
    doors_of,
    session,
)

pytestmark = pytest.mark.django_db

REFUSED = (psycopg.errors.InsufficientPrivilege,)
#: What a session may have in the variable that names its brand, none of them a brand.
NOWHERE: dict[str, Callable[[], str | None]] = {
    "never set": lambda: None,
    "empty": lambda: "",
    "unknown": lambda: str(uuid4()),
}
READS = {
    "count": "select count(*) from {table}",
    "aggregate": "select count(*) filter (where {brand} is not null) from {table}",
    "join": "select count(*) from {table} as a join {table} as b using ({brand})",
    "subquery": "select count(*) from (select * from {table} offset 0) as rows",
    "exists": "select exists (select from {table})::int",
}


def attempts(connection: psycopg.Connection, table: str) -> dict[str, str]:
    """Return the statements that would change rows, by name."""
    column = changeable_column(connection, table)
    made = {
        "insert": f"insert into {table} ({brand_column(table)}) values (gen_random_uuid())",
        "delete": f"delete from {table}",
        "lock": f"select from {table} for update",
    }
    if column:
        made["update"] = f"update {table} set {column} = {column}"
    return made


def outcome(connection: psycopg.Connection, statement: str) -> int:
    """Return how many rows a statement found; 0 where it was refused."""
    try:
        with connection.transaction():
            cursor = connection.execute(statement)
            return cursor.rowcount
    except REFUSED:
        return 0


def counted(connection: psycopg.Connection, statement: str) -> int:
    try:
        with connection.transaction():
            row = connection.execute(statement).fetchone()
            assert row
            return int(row[0])
    except REFUSED:
        return 0


def copied(connection: psycopg.Connection, table: str) -> int:
    try:
        with connection.transaction(), connection.cursor().copy(f"copy {table} to stdout") as rows:
            return sum(1 for _ in rows)
    except (*REFUSED, psycopg.errors.FeatureNotSupported):
        return 0


@pytest.mark.parametrize("where", NOWHERE)
@pytest.mark.parametrize("plane", SERVING)
def test_outside_of_any_brand_no_statement_finds_or_leaves_a_row(
    plane: str, where: str, two_brands: TwoBrands
) -> None:
    brand = NOWHERE[where]()
    with session(plane) as connection:
        if brand is not None:
            connection.execute("select set_config('tieback.brand_id', %s, true)", [brand])
        for table in set(brand_tables()) - doors_of(plane):
            for name, statement in READS.items():
                query = statement.format(table=table, brand=brand_column(table))
                assert counted(connection, query) == 0, (table, name)
            assert copied(connection, table) == 0, table
            for name, statement in attempts(connection, table).items():
                assert outcome(connection, statement) == 0, (table, name)


@pytest.mark.parametrize("plane", ["web", "worker"])
def test_inside_a_brand_the_same_statements_find_rows_so_the_test_above_can_fail(
    plane: str, two_brands: TwoBrands
) -> None:
    found: dict[str, int] = dict.fromkeys([*READS, "copy", "update"], 0)
    with session(plane, brand=two_brands.own) as connection:
        for table in set(brand_tables()) - doors_of(plane):
            for name, statement in READS.items():
                query = statement.format(table=table, brand=brand_column(table))
                found[name] += counted(connection, query)
            found["copy"] += copied(connection, table)
            update = attempts(connection, table).get("update")
            found["update"] += outcome(connection, update) if update else 0
    assert all(found.values()), found
