"""Logging the test process's connection in as one plane's role or another's.

Tests change roles some twenty thousand times, and a session takes ten milliseconds to begin. So
each role's session is put by, and taken up again as new.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection, connections
from psycopg.pq import TransactionStatus

from tieback.planes import PLANES
from tieback.startup import open_session

_put_by: dict[tuple[str, ...], "psycopg.Connection[Any]"] = {}


def become(plane: str) -> None:
    """Put the session by; the next query goes on as ``plane``'s role."""
    _put_session_by()
    # The owner goes past the pooler, where there is one.
    direct = os.environ.get("DATABASE_DIRECT_URL") if plane == "owner" else None
    address = urlsplit(direct or os.environ["DATABASE_URL"])
    connection.settings_dict["HOST"] = address.hostname
    connection.settings_dict["PORT"] = str(address.port)
    connection.settings_dict["USER"] = PLANES[plane].role
    connection.settings_dict["PASSWORD"] = os.environ[PLANES[plane].password_variable]


def end_sessions() -> None:
    """Close the connection, and end what was put by: a database in use is not copied or dropped."""
    connection.close()
    while _put_by:
        _put_by.popitem()[1].close()


def _put_session_by() -> None:
    session = connection.connection
    is_idle = (
        session is not None
        and session.autocommit
        and session.info.transaction_status == TransactionStatus.IDLE
        and not connection.in_atomic_block
    )
    if not is_idle:
        connection.close()
        return
    before = _put_by.pop(_whose(), None)
    if before is not None:
        before.close()
    _put_by[_whose()] = session
    connection.connection = None
    wrapper: Any = connections[connection.alias]
    if "get_new_connection" not in vars(wrapper):
        begin = wrapper.get_new_connection
        wrapper.get_new_connection = lambda params: _taken_up() or begin(params)


def _taken_up() -> "psycopg.Connection[Any] | None":
    """Return the role's session as it was when it was new, None where there is none."""
    session = _put_by.pop(_whose(), None)
    if session is None:
        return None
    try:
        session.execute("reset all")
    except psycopg.Error:
        session.close()
        return None
    return session


def _whose() -> tuple[str, ...]:
    return tuple(str(connection.settings_dict[name]) for name in ("HOST", "PORT", "NAME", "USER"))


def plane_now() -> str:
    """Return the plane the connection logs in as."""
    role = connection.settings_dict["USER"]
    (name,) = [name for name, known in PLANES.items() if known.role == role]
    return name


def act_as(plane: str) -> None:
    """Become ``plane`` unless the connection is that already."""
    if connection.settings_dict["USER"] != PLANES[plane].role:
        become(plane)


def cut_own_connection() -> None:
    """End this process's session from another one, as a restart of the database would.

    Behind a pooler the line itself is cut, since the end of an idle session would not be told.
    """
    if os.environ.get("DATABASE_DIRECT_URL"):
        connection.ensure_connection()
        with socket.socket(fileno=os.dup(connection.connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
        return
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with open_session() as other:
        other.execute("select pg_terminate_backend(%s)", [pid])


def database_url() -> str:
    """Return the address of the test database, for processes that log in with a role of theirs."""
    database = connection.settings_dict
    return f"postgresql://{database['HOST']}:{database['PORT']}/{database['NAME']}"


@contextmanager
def acting_as(plane: str) -> Iterator[None]:
    """Run a block as another plane. Only where rows are committed (``transaction=True``)."""
    previous = plane_now()
    act_as(plane)
    try:
        yield
    finally:
        act_as(previous)
