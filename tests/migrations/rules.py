"""What a migration must not do: the rules of a deploy in which old processes go on working.

Nobody stops the old code before the schema changes, so it must work on the new schema; and no
statement may hold up traffic for longer than a moment. Each rule has a name, by which a migration
that has a reason to break it is excused (``EXCUSED`` in ``test_lint.py``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db import migrations, models
from django.db.models.fields import NOT_PROVIDED

#: Tables that grow with every unit, scan or request: nothing may rewrite, scan or lock them.
BIG = frozenset(
    {
        "minting_mintunit",
        "minting_mintevent",
        "minting_mintcycle",
        "brands_auditentry",
        "resolver_activation",
    }
)
_CREATE_INDEX = re.compile(r"create\s+(?:unique\s+)?index\s+(concurrently)?[^;]*?\bon\s+(\w+)")
_ADD_CONSTRAINT = re.compile(
    r"alter\s+table\s+(?:only\s+)?(\w+)\s+add\s+constraint\b(.*)", re.DOTALL
)
_GONE = re.compile(
    r"drop\s+table|drop\s+column|rename\s+(?:to|column)|alter\s+column\s+\w+\s+(?:set\s+data\s+)?type"
    r"|alter\s+column\s+\w+\s+set\s+not\s+null"
)
_SCANS = re.compile(r"^\s*(?:update|delete\s+from|lock\s+table)\s+(?:only\s+)?(\w+)", re.MULTILINE)
#: Operations that let traffic pass while they look at every row, or look at none.
_IN_PASSING = AddIndexConcurrently | AddConstraintNotValid


@dataclass(frozen=True)
class Problem:
    """A rule and the operation that breaks it."""

    rule: str
    what: str


def problems_of(migration: migrations.Migration, *, made: frozenset[str]) -> list[Problem]:
    """Return what breaks a rule; ``made`` names tables that no released code knows yet."""
    found: list[Problem] = []
    made = made | {
        f"{migration.app_label}_{operation.name.lower()}"
        for operation in migration.operations
        if isinstance(operation, migrations.CreateModel)
    }
    for operation in flat(migration.operations):
        table = table_of(migration, operation)
        rules = broken(operation, table if table not in made else None)
        found += [Problem(rule, operation.describe()) for rule in rules]
        if not operation.reversible:
            found.append(Problem("reversible", operation.describe()))
    if not migration.atomic and not all(map(_is_concurrent, migration.operations)):
        found.append(Problem("atomic", "only concurrent indexes may go without a transaction"))
    return found


def flat(operations: Any) -> Iterator[Any]:
    """Yield operations, and what is inside those that only separate state from database."""
    for operation in operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from flat(operation.database_operations)
        else:
            yield operation


def table_of(migration: migrations.Migration, operation: Any) -> str | None:
    """Return the table an operation on a model touches."""
    name = getattr(operation, "model_name", None)
    return f"{migration.app_label}_{name.lower()}" if name else None


def broken(operation: Any, table: str | None) -> Iterator[str]:
    """Yield the rules that one operation breaks on a table of the released schema."""
    if isinstance(operation, migrations.RunSQL):
        for text in sql_of(operation):
            yield from _broken_by_sql(text.lower())
        return
    if isinstance(operation, migrations.DeleteModel | migrations.RenameModel):
        yield "still-there"
    if table is None:
        return
    if isinstance(operation, migrations.RemoveField | migrations.RenameField):
        yield "still-there"
    if isinstance(operation, migrations.AddField):
        yield from _broken_by_column(operation.field, table)
    if table in BIG:
        yield from _broken_on_big(operation)


def _broken_by_column(field: Any, table: str) -> Iterator[str]:
    has_default = field.null or field.db_default is not NOT_PROVIDED
    if not has_default and not field.many_to_many:
        yield "old-code-inserts"
    if (
        table in BIG
        and isinstance(field, models.ForeignKey)
        and (field.db_constraint or field.db_index)
    ):
        yield "big-table"


def _broken_on_big(operation: Any) -> Iterator[str]:
    locking = migrations.AddIndex | migrations.AddConstraint | migrations.AlterField
    if isinstance(operation, locking) and not isinstance(operation, _IN_PASSING):
        yield "big-table"


def _broken_by_sql(text: str) -> Iterator[str]:
    if _GONE.search(text):
        yield "still-there"
    for concurrently, table in _CREATE_INDEX.findall(text):
        if table in BIG and not concurrently:
            yield "big-table"
    for table, rest in _ADD_CONSTRAINT.findall(text):
        if table in BIG and "not valid" not in rest:
            yield "big-table"
    if BIG & set(_SCANS.findall(text)):
        yield "big-table"


def sql_of(operation: migrations.RunSQL) -> list[str]:
    """Return the statements that an operation runs forward."""
    sql = operation.sql
    return (
        [sql]
        if isinstance(sql, str)
        else [part if isinstance(part, str) else part[0] for part in sql]
    )


def _is_concurrent(operation: Any) -> bool:
    return isinstance(operation, AddIndexConcurrently)
