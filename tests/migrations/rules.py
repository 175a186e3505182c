"""What a migration must not do: the rules of a deploy in which old processes go on working.

Nobody stops the old code before the schema changes, so it must work on the new schema; and no
statement may hold up traffic for longer than a moment. Each rule has a name, by which a migration
that has a reason to break it is excused (``EXCUSED`` in ``test_lint.py``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db import migrations, models
from django.db.models.fields import NOT_PROVIDED

from tieback.table_locks import HoldTables

#: Tables that grow with every unit, scan or request: nothing may rewrite, scan or lock them.
BIG = frozenset(
    {
        "minting_mintunit",
        "minting_mintevent",
        "minting_mintcycle",
        "brands_auditentry",
        "resolver_activation",
        "resolver_scanevent",
        "resolver_tag",
    }
)
_CREATE_INDEX = re.compile(r"create\s+(?:unique\s+)?index\s+(concurrently)?[^;]*?\bon\s+(\w+)")
_WORD = re.compile(r"\w+")
_REFERENCES = re.compile(r"\breferences\s+\w+")
#: What names tables and takes no lock on them that traffic could feel. A function's body takes
#: its locks when it is called.
_IN_TRAFFIC = (
    *("grant", "revoke", "create function", "drop function"),
    *("select", "insert", "update", "delete"),
)
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
    made = made | made_by(migration)
    for operation in flat(migration.operations):
        if isinstance(operation, HoldTables):
            continue
        table = table_of(migration, operation)
        rules = broken(operation, table if table not in made else None, made=made)
        found += [Problem(rule, operation.describe()) for rule in rules]
        if not operation.reversible:
            found.append(Problem("reversible", operation.describe()))
    found += [
        Problem("locks-first", f"{table} is not held from the start")
        for table in sorted(not_held(migration, made=made))
    ]
    if not migration.atomic and not all(map(_is_concurrent, migration.operations)):
        found.append(Problem("atomic", "only concurrent indexes may go without a transaction"))
    return found


def made_by(migration: migrations.Migration) -> frozenset[str]:
    """Return the tables that a migration makes, also those that Django is only told of."""
    told = [
        operation
        for one in migration.operations
        for operation in getattr(one, "state_operations", [one])
    ]
    return frozenset(
        f"{migration.app_label}_{operation.name.lower()}"
        for operation in told
        if isinstance(operation, migrations.CreateModel)
    )


def not_held(migration: migrations.Migration, *, made: frozenset[str]) -> set[str]:
    """Return the released tables that one of several locks is taken on too late.

    A migration that touches one table alone waits for nothing while it holds it.
    """
    released = {
        table
        for operation in flat(migration.operations)
        for table in tables_locked_by(migration, operation)
        if table not in made
    }
    first = next(iter(migration.operations), None)
    held = first if isinstance(first, HoldTables) else HoldTables()
    altered = {
        table
        for operation in flat(migration.operations)
        for table in tables_locked_by(migration, operation, referenced=False)
    }
    late = (released & altered - {*held.changed}) | released - {*held.changed, *held.referenced}
    return late if len(released) > 1 else set()


def tables_locked_by(
    migration: migrations.Migration, operation: Any, *, referenced: bool = True
) -> set[str]:
    """Return our tables that an operation alters or, if asked, refers to by a foreign key."""
    if isinstance(operation, HoldTables):
        return set()
    if isinstance(operation, migrations.RunSQL):
        texts = [text.lower() for text in sql_of(operation)]
        words = {
            word
            for text in texts
            if not text.lstrip().startswith(_IN_TRAFFIC)
            for word in _WORD.findall(text if referenced else _REFERENCES.sub("", text))
        }
        return words & _tables()
    fields = [getattr(operation, "field", None)]
    if isinstance(operation, migrations.CreateModel):
        fields = [field for _, field in operation.fields]
    parents = {_referenced_by(migration, field) for field in fields} if referenced else set()
    return {table_of(migration, operation), *parents} & _tables()


def _referenced_by(migration: migrations.Migration, field: Any) -> str | None:
    if not isinstance(field, models.ForeignKey) or not field.db_constraint:
        return None
    model = field.remote_field.model
    name = model if isinstance(model, str) else model._meta.label
    full = name if "." in name else f"{migration.app_label}.{name}"
    return full.lower().replace(".", "_")


def _tables() -> set[str | None]:
    return {model._meta.db_table for model in apps.get_models()}


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


def broken(
    operation: Any, table: str | None, *, made: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Yield the rules that one operation breaks on a table of the released schema."""
    if isinstance(operation, migrations.RunSQL):
        for text in sql_of(operation):
            yield from _broken_by_sql(text.lower(), BIG - made)
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


def _broken_by_sql(text: str, big: frozenset[str]) -> Iterator[str]:
    # What a function does it does when it is called.
    if _GONE.search(text) and not text.lstrip().startswith("create function"):
        yield "still-there"
    for concurrently, table in _CREATE_INDEX.findall(text):
        if table in big and not concurrently:
            yield "big-table"
    for table, rest in _ADD_CONSTRAINT.findall(text):
        if table in big and "not valid" not in rest:
            yield "big-table"
    if big & set(_SCANS.findall(text)):
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
