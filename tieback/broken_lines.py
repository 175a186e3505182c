"""Telling a broken line to the database from a statement that failed, for whoever answers requests.

Behind a pooler a COMMIT on a session that has ended is answered twice, by the server's last word
and by the pooler's: psycopg calls that an internal error, and it has no SQLSTATE. Internal errors
that have one are the server's, and ours.
"""

from django.db import InterfaceError, InternalError, OperationalError

#: What may be of the line: ``line_broke`` says whether it is.
MAYBE_OF_THE_LINE = (OperationalError, InterfaceError, InternalError)


def line_broke(error: BaseException | None) -> bool:
    """Say whether the database was not to be reached, or was lost on the way."""
    if isinstance(error, InternalError):
        return getattr(error.__cause__, "sqlstate", None) is None
    return isinstance(error, OperationalError | InterfaceError)
