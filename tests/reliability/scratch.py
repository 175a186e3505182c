"""A database of one's own, copied from the migrated test database and thrown away afterwards.

Whoever breaks the schema on purpose does it here, where no other test looks.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection

from tests.planes import become, end_sessions, plane_now
from tieback.planes import PLANES


@dataclass(frozen=True)
class Scratch:
    """The name of the database, and ways into it."""

    name: str

    def connect(self, plane: str) -> "psycopg.Connection[Any]":
        """Connect as a plane's role, apart from Django."""
        return _connect(self.name, plane)

    @contextmanager
    def without(self, *guards: str) -> Iterator[None]:
        """Take guards of the schema away; empty the tables and put them back afterwards.

        A guard is the name of a constraint, ``trigger:table.head-of-its-name``, ``policy:table``,
        or ``refusal:privilege on table:role``.
        """
        with _connect(self.name, "owner") as owner:
            steps = [_drop_and_restore(owner, guard) for guard in guards]
            for drop, _ in steps:
                owner.execute(drop)
        try:
            yield
        finally:
            emptied(self)
            with _connect(self.name, "owner") as owner:
                for _, restore in reversed(steps):
                    owner.execute(restore)


@contextmanager
def scratch_database() -> Iterator[Scratch]:
    """Make the copy, let Django's connection use it, and drop it."""
    original, plane = connection.settings_dict["NAME"], plane_now()
    name = f"{original}_scratch"
    end_sessions()
    with _connect("postgres", "owner") as owner:
        owner.execute(f'drop database if exists "{name}" with (force)')
        owner.execute(f'create database "{name}" template "{original}"')
    connection.settings_dict["NAME"] = name
    try:
        yield Scratch(name)
    finally:
        end_sessions()
        connection.settings_dict["NAME"] = original
        become(plane)
        _end_sessions(original, name)
        with _connect("postgres", "owner") as owner:
            owner.execute(f'drop database "{name}" with (force)')


def _end_sessions(original: str, name: str) -> None:
    """Let each role end the sessions that a pooler keeps for it; the owner may not."""
    for plane in PLANES:
        with _connect(original, plane) as session:
            session.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = %s and usename = current_user",
                [name],
            )


_CONSTRAINT = """
    select format('alter table %%s drop constraint %%I', conrelid::regclass, conname),
           format('alter table %%s add constraint %%I %%s', conrelid::regclass, conname,
                  pg_get_constraintdef(oid))
      from pg_constraint where conname = %s
"""
_TRIGGER = """
    select format('drop trigger %%I on %%s', tgname, tgrelid::regclass), pg_get_triggerdef(oid)
      from pg_trigger where starts_with(tgrelid::regclass::text || '.' || tgname, %s)
"""


def _drop_and_restore(owner: "psycopg.Connection[Any]", guard: str) -> tuple[str, str]:
    """Return the statements that drop a guard and bring it back; it must be there."""
    kind, _, name = guard.partition(":")
    if kind == "policy":
        change = f"alter table {name} {{}} row level security"
        return change.format("disable"), change.format("enable")
    if kind == "refusal":
        privilege, _, role = name.partition(":")
        return f"grant {privilege} to {role}", f"revoke {privilege} from {role}"
    query = _TRIGGER if kind == "trigger" else _CONSTRAINT
    ((drop, restore),) = owner.execute(query, [name or guard]).fetchall()
    return drop, restore


def emptied(scratch: Scratch) -> None:
    """Empty every table of ours."""
    with _connect(scratch.name, "owner") as owner:
        owner.execute(
            "select testing.empty_tables(array_agg(relname::text)) from pg_class"
            " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
            "   and relname ~ '^(brands|minting|exports|resolver)_'"
        )


def _connect(database: str, plane: str) -> "psycopg.Connection[Any]":
    place, known = connection.settings_dict, PLANES[plane]
    return psycopg.connect(
        host=place["HOST"],
        port=place["PORT"],
        dbname=database,
        user=known.role,
        password=os.environ[known.password_variable],
        autocommit=True,
    )
