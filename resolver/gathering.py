"""Asks the database the questions of many scans at once.

One statement of a kind is on its way at a time. The scans that come meanwhile wait, and the next
statement asks for all of them: the busier a process is, the more of them share what a statement
costs whatever it asks, which is most of what it costs. A scan that comes alone is asked for alone
and at once. What a statement writes down it has written for each of its scans before any of them
is answered, so nothing is kept in memory that a killed process could take with it.
"""

import threading
from collections.abc import Sequence
from typing import Any

import psycopg

from resolver.database import Unavailable, fetch_all

#: What a scan asks with: text, or null.
Values = tuple[str | None, ...]
Row = tuple[Any, ...]


class _Asked:
    """One scan's question, until it has its answer."""

    __slots__ = ("error", "has_answer", "row", "turn", "values")

    def __init__(self, values: Values):
        self.values = values
        self.row: Row | None = None
        self.error: type[Unavailable] | None = Unavailable
        self.has_answer = False
        # Held until this scan has its answer, or has to fetch it for all that wait.
        self.turn = threading.Lock()
        self.turn.acquire()


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
        self._lock = threading.Lock()
        self._waiting: list[_Asked] = []
        self._is_asking = False

    def ask(self, values: Values) -> Row | None:
        """Return the row of one scan, without its place; None where it has none.

        Raises ``Unavailable``, as ``NotWritten`` where that may help.
        """
        mine = _Asked(values)
        with self._lock:
            self._waiting.append(mine)
            has_to_wait, self._is_asking = self._is_asking, True
        if has_to_wait:
            mine.turn.acquire()
        if not mine.has_answer:
            self._answer_all()
        if mine.error:
            raise mine.error
        return mine.row

    def _answer_all(self) -> None:
        """Answer those that wait, of whom the caller is the first, and let the next one do so."""
        with self._lock:
            asked, self._waiting = self._waiting, []
        try:
            self._fetch(asked)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._is_asking = following is not None
            # The next statement is on its way while these scans are answered.
            if following:
                following.turn.release()
            for one in asked:
                one.has_answer = True
                one.turn.release()

    def _fetch(self, asked: Sequence[_Asked]) -> None:
        try:
            rows = fetch_all(self.query, arrays_of([one.values for one in asked]))
        except Unavailable as error:
            if len(asked) > 1 and isinstance(error.__cause__, psycopg.DataError):
                # What the server cannot read in one scan's values is that scan's trouble alone.
                for one in asked:
                    self._fetch([one])
                return
            for one in asked:
                one.error = type(error)
            return
        for one in asked:
            one.error = None
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
