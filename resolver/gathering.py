"""Asks the database the questions of many scans at once.

One statement of a kind is on its way at a time. The scans that come meanwhile wait, and the next
statement asks for all of them: the busier a process is, the more of them share what a statement
costs whatever it asks, which is most of what it costs. A scan that comes alone is asked for alone
and at once. What a statement writes down it has written for each of its scans before any of them
is answered, so nothing is kept in memory that a killed process could take with it.
"""

from asyncio import AbstractEventLoop
from collections.abc import Sequence
from functools import partial
from typing import Any

import psycopg

from resolver.database import SHARED_STATEMENTS, Outcome, fetch_here, send
from resolver.turns import Turn, present

#: Scans of one statement: so many fit what a socket takes at a time, and more would save nothing.
MOST_TOGETHER = 128

#: What a scan asks with: text, or null.
Values = tuple[str | None, ...]
Row = tuple[Any, ...]


class _Asked:
    """One scan's question, until it has its answer."""

    __slots__ = ("error", "row", "turn", "values")

    def __init__(self, values: Values, turn: Turn | None):
        self.values, self.turn = values, turn
        self.row: Row | None = None
        self.error: Exception | None = None


class Question:
    """A statement that answers many scans, each by a row that begins with its ``place``.

    ``query`` goes on after a WITH clause that has the values of each scan as a row of ``asked``,
    by their names, and ``place``. All values are text or null, so that one prepared statement
    serves every scan.
    """

    def __init__(self, names: Sequence[str], query: str):
        arrays = ", ".join(["%s::text[]"] * len(names))
        columns = ", ".join((*names, "place"))
        self.query = f"""
with asked as (
    select * from unnest({arrays}) with ordinality as asked ({columns})
){query}"""  # noqa: S608 - of constants only
        self._waiting: list[_Asked] = []
        self._is_asking = False

    def ask(self, values: Values) -> Row | None:
        """Return the row of one scan, without its place; None where it has none.

        Off the loop a scan shares its statement with nobody. Raises ``Unavailable``, as
        ``NotWritten`` where that may help.
        """
        turn = present()
        mine = _Asked(values, turn)
        if turn is None:
            self._fetch([mine])
        else:
            self._waiting.append(mine)
            if not self._is_asking:
                self._is_asking = True
                # The loop looks at its sockets once more before it calls what is called so:
                # whoever else has just come is asked for as well.
                turn.loop.call_soon(turn.loop.call_soon, self._ask_next, turn.loop)
            turn.give_way()
        if mine.error:
            raise mine.error
        return mine.row

    def _ask_next(self, loop: AbstractEventLoop) -> None:
        """Send a statement for those that wait, if any do."""
        asked, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
        self._is_asking = bool(asked)
        if not asked:
            return
        try:
            is_sent = send(loop, self.query, _arrays(asked), partial(self._receive, loop, asked))
        except Exception:  # noqa: BLE001 - a thread finds out whose values are the trouble
            is_sent = False
        if not is_sent:
            self._leave_to_thread(loop, asked)

    def _receive(self, loop: AbstractEventLoop, asked: Sequence[_Asked], came: Outcome) -> None:
        if isinstance(came, psycopg.Error):
            self._leave_to_thread(loop, asked, came)
        else:
            _hand_out(asked, came)
            self._answer(loop, asked)

    def _leave_to_thread(
        self,
        loop: AbstractEventLoop,
        asked: Sequence[_Asked],
        failed: psycopg.Error | None = None,
    ) -> None:
        """Let a thread do what may take a while: connect, prepare, or ask once more."""
        try:
            done = SHARED_STATEMENTS.submit(self._fetch, asked, failed)
        except RuntimeError as error:
            # No thread is to be had, as while the process ends.
            self._fail(loop, asked, error)
        else:
            done.add_done_callback(lambda _: loop.call_soon_threadsafe(self._answer, loop, asked))

    def _fail(self, loop: AbstractEventLoop, asked: Sequence[_Asked], error: Exception) -> None:
        for one in asked:
            one.error = error
        loop.call_soon(self._answer, loop, asked)

    def _answer(self, loop: AbstractEventLoop, asked: Sequence[_Asked]) -> None:
        # The next statement is on its way while these scans are answered.
        self._ask_next(loop)
        for one in asked:
            if one.turn:
                one.turn.take()

    def _fetch(self, asked: Sequence[_Asked], failed: psycopg.Error | None = None) -> None:
        """Ask for all of them, and note what each is to get; nothing is raised."""
        try:
            _hand_out(asked, fetch_here(self.query, _arrays(asked), failed))
        except Exception as error:  # noqa: BLE001 - each scan raises it where it is dealt with
            if len(asked) > 1 and isinstance(error.__cause__, psycopg.DataError):
                # What the server cannot read in one scan's values is that scan's trouble alone.
                for one in asked:
                    self._fetch([one])
                return
            for one in asked:
                one.error = error


def _arrays(asked: Sequence[_Asked]) -> tuple[str, ...]:
    return arrays_of([one.values for one in asked])


def _hand_out(asked: Sequence[_Asked], rows: Sequence[Row]) -> None:
    for row in rows:
        asked[row[0] - 1].row = row[1:]


def arrays_of(asked: Sequence[Values]) -> tuple[str, ...]:
    """Return the values of some scans as the arrays of a statement, one for each name."""
    return tuple(map(array_of, zip(*asked, strict=True)))


def array_of(texts: Sequence[str | None]) -> str:
    """Return an array of text in PostgreSQL's notation."""
    return f"{{{','.join(map(_element, texts))}}}"


def _element(text: str | None) -> str:
    if text is None:
        return "NULL"
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
