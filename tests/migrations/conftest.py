"""A database of its own for tests that migrate, and the command as an operator runs it."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from tests.databases import make_copy
from tests.planes import become, end_sessions, plane_now
from tieback.planes import PLANES

ROOT = Path(__file__).parents[2]


class Scratch:
    """An empty database of the owner's."""

    def __init__(self) -> None:
        direct = os.environ.get("DATABASE_DIRECT_URL") or os.environ["DATABASE_URL"]
        self._server = urlsplit(direct)
        self.name = f"scratch_{uuid4().hex[:12]}"

    def connect(self, plane: str = "owner", database: str | None = None) -> Any:
        """Open a session as a plane's role."""
        return psycopg.connect(
            host=self._server.hostname,
            port=self._server.port,
            dbname=database or self.name,
            user=PLANES[plane].role,
            password=os.environ[PLANES[plane].password_variable],
            autocommit=True,
        )

    def run(self, statement: str) -> None:
        """Run a statement that names the database, beside it."""
        with self.connect(database=urlsplit(os.environ["DATABASE_URL"]).path[1:]) as session:
            session.execute(sql.SQL(statement).format(sql.Identifier(self.name)))

    def drop(self) -> None:
        """Drop it, whoever is connected; an autovacuum there cannot be ended and is waited for."""
        for _ in range(60):
            try:
                return self.run("drop database {} with (force)")
            except psycopg.errors.InsufficientPrivilege:
                time.sleep(0.5)
        return self.run("drop database {} with (force)")

    def command(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start ``manage.py`` as the owner on this database."""
        place = f"{self._server.hostname}:{self._server.port}/{self.name}"
        environ = {
            **os.environ,
            "TIEBACK_PLANE": "owner",
            "DATABASE_URL": f"postgresql://{place}",
            "DATABASE_DIRECT_URL": f"postgresql://{place}",
        }
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    """Make the database, and drop it."""
    made = Scratch()
    made.run("create database {}")
    yield made
    made.drop()


@pytest.fixture
def migrated(scratch: Scratch, django_db_setup: None, migrated_database: str) -> Scratch:
    """The database as the newest migrations leave it."""
    make_copy(scratch.name, of=migrated_database)
    return scratch


@pytest.fixture
def migrate(scratch: Scratch, django_db_blocker: object) -> Iterator[Callable[..., str]]:
    """Run ``migrate`` in this process; return what it printed."""

    def run(*arguments: str) -> str:
        said = io.StringIO()
        call_command("migrate", *arguments, interactive=False, stdout=said)
        return said.getvalue()

    plane, database = plane_now(), connection.settings_dict["NAME"]
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        become("owner")
        connection.settings_dict["NAME"] = scratch.name
        yield run
        end_sessions()
        become(plane)
        connection.settings_dict["NAME"] = database
