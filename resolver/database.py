"""The resolver's way to the database: one connection a thread, one statement a question.

Django's connection is not used on this path: building a query with the ORM costs more than the
lookup itself. Whatever goes wrong becomes ``Unavailable``, so that a scan is never answered with
a guess.
"""

import threading
import time
from typing import Any

import psycopg
import structlog
from django.conf import settings

STATEMENT_TIMEOUT_MS = 500
CONNECT_TIMEOUT_SECONDS = 2
# After a failed connect every thread answers at once for this long, instead of waiting in turn.
REST_SECONDS = 0.5

# The role's own setting wins. Not a start-up option: connection poolers refuse those.
_LIMIT_STATEMENTS = """
select set_config('statement_timeout', %s, false)
 where current_setting('statement_timeout') = '0'
"""

log = structlog.get_logger(__name__)
_mine = threading.local()


class Unavailable(Exception):
    """The database did not answer in time, or at all."""


class NotWritten(Unavailable):
    """The database refuses what a statement writes; what it reads may still be had without."""


#: Why a statement that writes fails where one that reads would not: the day has no partition, the
#: server is a standby or its disk is full, or the schema is older or newer than this code.
_CANNOT_WRITE = (
    psycopg.errors.CheckViolation,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.DiskFull,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InsufficientPrivilege,
)


class _Rest:
    """Until when nobody tries to connect again."""

    until = 0.0


Parameters = tuple[Any, ...] | dict[str, Any]


def fetch_one(query: str, parameters: Parameters) -> tuple[Any, ...] | None:
    """Run one statement as its own transaction and return its first row.

    A connection that broke while idle is replaced and the statement sent again, so it must be
    safe to run twice. Raises ``Unavailable``, as ``NotWritten`` where that may help.
    """
    try:
        return _run(query, parameters)
    except psycopg.errors.QueryCanceled as error:
        raise Unavailable from error
    except _CANNOT_WRITE as error:
        log.warning("not_written", error=type(error).__name__)
        raise NotWritten from error
    except psycopg.Error as error:
        _let_go(error)
    try:
        return _run(query, parameters)
    except psycopg.Error as error:
        _let_go(error)
        raise Unavailable from error


def connect() -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection with this plane's role."""
    database: dict[str, Any] = settings.DATABASES["default"]
    options = {
        # A server that vanished without a word is given up after this many milliseconds.
        "tcp_user_timeout": CONNECT_TIMEOUT_SECONDS * 1000,
        **database["OPTIONS"],
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    }
    connection = psycopg.connect(
        host=database["HOST"],
        port=database["PORT"],
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
        autocommit=True,
        **options,
    )
    connection.execute(_LIMIT_STATEMENTS, (f"{STATEMENT_TIMEOUT_MS}ms",))
    return connection


def _run(query: str, parameters: Parameters) -> tuple[Any, ...] | None:
    # The cursor is kept too: making one for each scan costs a tenth of the scan.
    cursor = getattr(_mine, "cursor", None) or _new_cursor()
    return cursor.execute(query, parameters, prepare=True).fetchone()


def _new_cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    if time.monotonic() < _Rest.until:
        raise Unavailable
    try:
        _mine.cursor = connect().cursor()
    except psycopg.Error as error:
        _Rest.until = time.monotonic() + REST_SECONDS
        log.warning("database_unreachable", error=type(error).__name__)
        raise Unavailable from error
    return _mine.cursor  # type: ignore[no-any-return]


def _let_go(error: psycopg.Error) -> None:
    """Close the thread's connection: what it has prepared may be what is wrong."""
    log.warning("database_connection_dropped", error=type(error).__name__)
    cursor, _mine.cursor = getattr(_mine, "cursor", None), None
    if cursor is not None:
        cursor.connection.close()
