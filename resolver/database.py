"""The resolver's way to the database: a few connections a process, one statement a question.

Django's connection is not used on this path: building a query with the ORM costs more than the
lookup itself. Nor is psycopg's cursor: its way of waiting, for code that does other things
meanwhile, costs more than libpq's own call, which lets other threads run as well. What is left of
psycopg is the connection, the values and the errors. Whatever goes wrong becomes ``Unavailable``,
so that a scan is never answered with a guess.
"""

import re
import select
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from hashlib import blake2b
from queue import Empty, LifoQueue
from typing import Any, NamedTuple

import psycopg
import structlog
from django.conf import settings
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq.abc import PGresult

from resolver.turns import wait_for
from resolver.under_way import Came, UnderWay

STATEMENT_TIMEOUT_MS = 500
CONNECT_TIMEOUT_SECONDS = 2
# After a failed connect every scan is answered at once for this long, instead of waiting in turn.
REST_SECONDS = 0.5
#: How many connections a process has: scans of one kind share a statement, see ``gathering``.
SESSIONS = 4
#: Those who wait for the database, so that scans need not: for a statement that is one scan's, and
#: for one of many, which must not stand in line behind those.
STATEMENTS = ThreadPoolExecutor(SESSIONS, thread_name_prefix="statement")
SHARED_STATEMENTS = ThreadPoolExecutor(SESSIONS, thread_name_prefix="shared statement")
#: After so long without an answer the server, which ends a statement sooner, is taken for gone.
LONGEST_SECONDS = STATEMENT_TIMEOUT_MS / 1000 + CONNECT_TIMEOUT_SECONDS

#: In a statement that writes: its commit waits for the disk, or does not, whatever the session, the
#: role or a pooler says. Where the session says so already, as those of ``connect`` do, to say it
#: again would cost a tenth of a scan's statement.
WAIT = "set_config('synchronous_commit', 'on', true)"
DO_NOT_WAIT = """case when current_setting('synchronous_commit') <> 'off'
    then set_config('synchronous_commit', 'off', true) end"""
# Not start-up options: connection poolers refuse those. The role's own limit wins. Left to itself
# the server would plan anew for each array of one or two scans, which costs three times the rest.
_PREPARE_SESSION = """
select set_config('synchronous_commit', 'off', false),
       set_config('plan_cache_mode', 'force_generic_plan', false),
       case when current_setting('statement_timeout') = '0'
            then set_config('statement_timeout', %s, false) end
"""

_PLACEHOLDER = re.compile(r"%(?:\((\w+)\))?s")

log = structlog.get_logger(__name__)


class Unavailable(Exception):
    """The database did not answer in time, or at all."""


class NotWritten(Unavailable):
    """What a statement writes is refused, or perhaps written; what it reads may be had without."""


class _Lost(psycopg.OperationalError):
    """The connection ended before the answer came: nobody knows what the statement has done."""


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


#: After these nobody knows what a statement has done: a server that dies may say so to a session
#: that has just committed.
_OUTCOME_UNKNOWN = (_Lost, psycopg.errors.CrashShutdown)


#: After these the connection is as good as before.
_LEAVES_SESSION = (psycopg.errors.QueryCanceled, *_CANNOT_WRITE)


class _Rest:
    """Until when nobody tries to connect again."""

    until = 0.0


Parameters = tuple[Any, ...] | dict[str, Any]
#: What became of a statement that was sent.
Outcome = list[tuple[Any, ...]] | psycopg.Error


def fetch_one(query: str, parameters: Parameters) -> tuple[Any, ...] | None:
    """Return the first row of what ``fetch_all`` returns, None where it has none."""
    rows = fetch_all(query, parameters)
    return rows[0] if rows else None


def fetch_all(query: str, parameters: Parameters) -> list[tuple[Any, ...]]:
    """Run one statement as its own transaction and return its rows.

    A connection that broke while idle is replaced unnoticed. What the server refused on one
    connection, it is asked once more on a new one; what it may have done is not asked again.
    Raises ``Unavailable``, as ``NotWritten`` where that may help.
    """
    by = time.monotonic() + CONNECT_TIMEOUT_SECONDS
    return wait_for(partial(fetch_here, query, parameters, by=by), STATEMENTS)


def fetch_here(
    query: str,
    parameters: Parameters,
    failed: psycopg.Error | None = None,
    by: float = float("inf"),
) -> list[tuple[Any, ...]]:
    """Do as ``fetch_all`` does and keep this thread; ``failed`` is what came of ``send``.

    What has waited for a thread for longer than ``by``, of the monotonic clock, is not begun.
    """
    if failed is None:
        _check_time(by)
        try:
            return _run(query, parameters)
        except psycopg.Error as error:
            failed = error
    _give_up(failed)
    _check_time(by)
    try:
        return _run(query, parameters)
    except psycopg.Error as error:
        _give_up(error)
        raise Unavailable from error


def _check_time(by: float) -> None:
    if time.monotonic() > by:
        raise Unavailable


def send(
    loop: AbstractEventLoop, query: str, parameters: Parameters, then: Callable[[Outcome], None]
) -> bool:
    """Send a statement by a connection that is ready for it; the loop calls ``then``.

    Returns False where there is none, for a thread to connect or to wait.
    """
    free = _Sessions.free
    try:
        session = free.get_nowait()
    except Empty:
        return False
    if session is None or not session.is_ready_for(query):
        free.put(session)
        return False

    def finish(outcome: Outcome) -> None:
        free.put(_left_of(session, outcome))
        then(outcome)

    try:
        session.send(loop, query, parameters, finish)
    except BaseException:
        session.close()
        free.put(None)
        raise
    return True


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
    connection.execute(_PREPARE_SESSION, (f"{STATEMENT_TIMEOUT_MS}ms",))
    return connection


class _Statement(NamedTuple):
    """A query as PostgreSQL takes it: ``$1`` for the first of its parameters, and so on."""

    name: bytes
    text: bytes
    names: tuple[str, ...]
    formats: Sequence[PyFormat]

    def values_of(self, parameters: Parameters) -> Sequence[Any]:
        """Return the parameters in the order of the query."""
        if isinstance(parameters, dict):
            return [parameters[name] for name in self.names]
        return parameters


@cache
def _statement(query: str) -> _Statement:
    """Return a query with ``%s`` or ``%(name)s`` as the server takes it; all queries are constants.

    No parameter has a type of its own: the server takes it from where the parameter stands, so one
    plan serves every value, null too.
    """
    places: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        name = found[1] or str(len(places))
        return f"${places.setdefault(name, len(places) + 1)}"

    text = _PLACEHOLDER.sub(place, query)
    name = blake2b(text.encode(), digest_size=8).hexdigest()
    return _Statement(name.encode(), text.encode(), tuple(places), [PyFormat.TEXT] * len(places))


class _Session:
    """One connection, and what it has prepared."""

    def __init__(self) -> None:
        self._connection = connect()
        self._libpq = self._connection.pgconn
        self._values = Transformer(self._connection)
        self._prepared: set[bytes] = set()
        self._unasked = select.poll()
        self._unasked.register(self._libpq.socket, select.POLLIN)
        # A pooler hands each transaction to another session, which has prepared nothing.
        self._prepares = self._connection.prepare_threshold is not None

    def run(self, query: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        """Run a statement that returns rows, wait for it, and return them."""
        statement = _statement(query)
        return self._rows_of(self._execute(statement, self._dumped(statement, parameters)))

    def is_ready_for(self, query: str) -> bool:
        """Tell whether the connection is there, and no statement has to be prepared first."""
        known = not self._prepares or _statement(query).name in self._prepared
        return known and not self.has_ended

    def send(
        self,
        loop: AbstractEventLoop,
        query: str,
        parameters: Parameters,
        then: Callable[[Outcome], None],
    ) -> None:
        """Send a statement that it is ready for; the loop hands over what becomes of it."""
        statement, libpq = _statement(query), self._libpq
        values = self._dumped(statement, parameters)
        try:
            if self._prepares:
                libpq.send_query_prepared(statement.name, values)
            else:
                libpq.send_query_params(statement.text, values)
        except psycopg.OperationalError as error:
            loop.call_soon(then, _Lost(str(error)))
            return
        UnderWay(libpq, loop, LONGEST_SECONDS, lambda came: then(self._outcome_of(came)))

    def _outcome_of(self, came: Came) -> Outcome:
        if isinstance(came, str):
            return _Lost(came)
        try:
            return self._rows_of(came)
        except psycopg.Error as error:
            return error
        except ValueError as error:
            # It has been done, and nobody can read what the server said.
            return _Lost(str(error))

    def _dumped(self, statement: _Statement, parameters: Parameters) -> Sequence[Any]:
        return self._values.dump_sequence(statement.values_of(parameters), statement.formats)

    def _rows_of(self, found: PGresult) -> list[tuple[Any, ...]]:
        _check(found, pq.ExecStatus.TUPLES_OK)
        self._values.set_pgresult(found)
        return self._values.load_rows(0, found.ntuples, tuple)

    @property
    def has_ended(self) -> bool:
        """Tell whether the server has said anything unasked, which is a farewell, or has gone."""
        return bool(self._unasked.poll(0))

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _execute(self, statement: _Statement, values: Sequence[Any]) -> PGresult:
        if not self._prepares:
            return self._libpq.exec_params(statement.text, values)
        if statement.name not in self._prepared:
            made = self._libpq.prepare(statement.name, statement.text)
            _check(made, pq.ExecStatus.COMMAND_OK)
            self._prepared.add(statement.name)
        return self._libpq.exec_prepared(statement.name, values)


def _check(result: PGresult, wanted: pq.ExecStatus) -> None:
    """Raise what the server said went wrong; without a word of it the connection has broken."""
    if result.status == wanted:
        return
    code = result.error_field(pq.DiagnosticField.SQLSTATE)
    kind: type[psycopg.Error] = _Lost
    if code:
        try:
            kind = psycopg.errors.lookup(code.decode())
        except KeyError:
            # A function's own.
            kind = psycopg.DatabaseError
    raise kind(result.get_error_message())


def _run(query: str, parameters: Parameters) -> list[tuple[Any, ...]]:
    """Run a statement in a session that is free; one that has failed is not used again."""
    free = _Sessions.free
    try:
        session = free.get(timeout=CONNECT_TIMEOUT_SECONDS)
    except Empty:
        raise Unavailable from None
    try:
        if session and session.has_ended:
            session.close()
            session = None
        session = session or _new_session()
        return session.run(query, parameters)
    except _LEAVES_SESSION:
        raise
    except BaseException:
        if session:
            session.close()
            session = None
        raise
    finally:
        free.put(session)


def _left_of(session: _Session, outcome: Outcome) -> _Session | None:
    """Return a session for the next statement; one that has failed is not used again."""
    if not isinstance(outcome, psycopg.Error) or isinstance(outcome, _LEAVES_SESSION):
        return session
    session.close()
    return None


def _new_session() -> _Session:
    if time.monotonic() < _Rest.until:
        raise Unavailable
    try:
        return _Session()
    except psycopg.Error as error:
        _Rest.until = time.monotonic() + REST_SECONDS
        log.warning("database_unreachable", error=type(error).__name__)
        raise Unavailable from error


def _give_up(error: psycopg.Error) -> None:
    """Raise what an error means for a scan; return where a new connection may know better."""
    if isinstance(error, psycopg.errors.QueryCanceled):
        raise Unavailable from error
    if isinstance(error, _CANNOT_WRITE):
        log.warning("not_written", error=type(error).__name__)
        raise NotWritten from error
    log.warning("database_connection_dropped", error=type(error).__name__)
    # What one connection has prepared wrongly the others have, as a rule.
    close()
    if isinstance(error, _OUTCOME_UNKNOWN):
        raise NotWritten from error


def close() -> None:
    """Close the connections that nobody uses."""
    unused = []
    with suppress(Empty):
        while True:
            unused.append(_Sessions.free.get_nowait())
    for session in unused:
        if session:
            session.close()
        _Sessions.free.put(None)


def _places() -> "LifoQueue[_Session | None]":
    """Return a place for each session there may be, none of them open."""
    free: LifoQueue[_Session | None] = LifoQueue()
    for _ in range(SESSIONS):
        free.put(None)
    return free


class _Sessions:
    """Those that nobody uses, the one used last first: it has prepared the most."""

    free = _places()
