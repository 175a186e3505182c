"""Logging the test process's connection in as one plane's role or another's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.db import connection

from tieback.planes import PLANES
from tieback.startup import open_session


def become(plane: str) -> None:
    """Close the connection; the next query opens it as ``plane``'s role."""
    connection.close()
    # The owner goes past the pooler, where there is one.
    direct = os.environ.get("DATABASE_DIRECT_URL") if plane == "owner" else None
    address = urlsplit(direct or os.environ["DATABASE_URL"])
    connection.settings_dict["HOST"] = address.hostname
    connection.settings_dict["PORT"] = str(address.port)
    connection.settings_dict["USER"] = PLANES[plane].role
    connection.settings_dict["PASSWORD"] = os.environ[PLANES[plane].password_variable]


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
    """End this process's session from another one, as a restart of the database would."""
    with connection.cursor() as cursor:
        # Not the connection's own word for it: behind a pooler that is the pooler's.
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
