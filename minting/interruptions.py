"""Telling interruptions from errors: a lost session is nobody's fault, a failed statement is.

Nor is a transaction that the server undid for another's sake (SQLSTATE class 40): of two that wait
for each other it ends one, whichever notices first, a migration's or a worker's.

Shared by the steps that work under a lease. What is kept of an error is its kind, never its text:
a message may hold data or a path, and it would reach API answers; the log has all of it.
"""

import random
import time
from collections.abc import Callable

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from tieback.broken_lines import line_broke
from tieback.errors import PermanentError, TransientError

RECONNECT_SECONDS = 30.0
LONGEST_ERROR = 500
# SQLSTATEs of a session that ended: connection exceptions, shutdowns, and the server's own
# end of a transaction that was left idle.
_SESSION_ENDED = ("08", "57P", "25P03")
_UNDONE_FOR_OTHERS = ("40",)
_OF_THE_LINE = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)


def reconnected(read: Callable[[], bool]) -> bool:
    """Connect anew and return what ``read`` says; raise where the database stays away."""
    deadline, pause = time.monotonic() + RECONNECT_SECONDS, 0.1
    while True:
        connection.close()
        try:
            return read()
        except (OperationalError, InterfaceError):
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)
            pause = min(2 * pause, 2.0)


def is_interruption(error: BaseException) -> bool:
    """Say whether the session or the transaction was ended, as against a statement that failed."""
    if not isinstance(error, (DatabaseError, InterfaceError, psycopg.Error)):
        return False
    state = _sqlstate(error)
    if state is not None:
        ended = (*_SESSION_ENDED, *_UNDONE_FOR_OTHERS)
        return state.startswith(ended) or not connection.is_usable()
    # What the server says has a state; these are the client library's own, of a line that broke.
    # The connection itself tells nothing: Django opens it anew on the way out of a transaction.
    is_of_the_line = line_broke(error) or isinstance(error, _OF_THE_LINE)
    return is_of_the_line or not connection.is_usable()


def was_undone(error: BaseException) -> bool:
    """Say whether the server undid a transaction for another's sake; whoever meets it waits."""
    return (_sqlstate(error) or "").startswith(_UNDONE_FOR_OTHERS)


def _sqlstate(error: BaseException) -> str | None:
    """Return what the server said of the error, the driver's or Django's around it."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return getattr(cause, "sqlstate", None)


def describe(error: BaseException) -> str:
    """Return what kind of error it was, in one line that is safe to show to anyone."""
    if isinstance(error, TransientError | PermanentError):
        return str(error)
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if isinstance(cause, psycopg.Error):
        return f"Database error {type(cause).__name__} ({cause.sqlstate}); the worker's log has it."
    return f"Internal error {type(error).__name__}; the worker's log has it."


def first_wait() -> float:
    """Return the seconds before a second attempt; jitter parts what failed together."""
    jitter = random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, no secret
    return int(settings.RETRY_BASE_DELAY_MS) / 1000 * jitter
