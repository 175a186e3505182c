"""The databases of a run: one that is migrated, and a copy of it for each process of the tests.

Migrating takes some ten seconds, copying a fraction of one. Tests of migrations copy it too.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection
from django.test.utils import setup_databases
from psycopg import sql

from tests.planes import become, end_sessions
from tieback.planes import PLANES

# Who makes, copies or drops the migrated one does so alone.
_ONE_AT_A_TIME = 0x7465_7374
_PRIVILEGES = """
    select privilege_type, coalesce(grantee::regrole::text, '-')
      from pg_database, aclexplode(datacl) where datname = %s and grantor <> grantee
"""


def make_copy(name: str, *, of: str) -> None:
    """Make a database, and drop whatever has its name.

    What is granted on the database itself is not copied with what is in it.
    """
    with _server() as owner:
        owner.execute(_named("drop database if exists {} with (force)", name))
        owner.execute(_named("create database {} template {}", name, of))
        granted = owner.execute(_PRIVILEGES, [of]).fetchall()
        if granted:
            owner.execute(_named("revoke all on database {} from public", name))
        for privilege, role in granted:
            to = sql.SQL("public") if role == "-" else sql.Identifier(role)
            grant = sql.SQL("grant {} on database {} to {}")
            owner.execute(grant.format(sql.SQL(privilege), sql.Identifier(name), to))


def use_copy_of_migrated(name: str, migrated: str) -> Any:
    """Let Django's connection use a copy, made by the owner. Returns what Django will take back.

    Whichever process comes first migrates.
    """
    become("owner")
    with _alone() as owner:
        known = owner.execute("select from pg_database where datname = %s", [migrated]).rowcount
        if known:
            config = [(connection, connection.settings_dict["NAME"], True)]
        else:
            connection.settings_dict["TEST"]["NAME"] = migrated
            config = setup_databases(verbosity=0, interactive=False)
        end_sessions()
        make_copy(name, of=migrated)
    connection.settings_dict["NAME"] = name
    return config


def drop_migrated(name: str, *, unless_like: str) -> None:
    """Drop the migrated one where no other process of the run has a copy left."""
    with _alone() as owner:
        copies = "select from pg_database where starts_with(datname, %s) and datname <> %s"
        if not owner.execute(copies, [unless_like, name]).rowcount:
            owner.execute(_named("drop database if exists {} with (force)", name))


@contextmanager
def _alone() -> Iterator["psycopg.Connection[Any]"]:
    with _server() as owner:
        owner.execute("select pg_advisory_lock(%s)", [_ONE_AT_A_TIME])
        yield owner


def _server() -> "psycopg.Connection[Any]":
    address = urlsplit(os.environ.get("DATABASE_DIRECT_URL") or os.environ["DATABASE_URL"])
    return psycopg.connect(
        host=address.hostname,
        port=address.port,
        dbname=address.path[1:],
        user=PLANES["owner"].role,
        password=os.environ[PLANES["owner"].password_variable],
        autocommit=True,
    )


def _named(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))
