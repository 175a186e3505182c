"""A statement that a connection was sent and has not answered yet, as an event loop sees it."""

from asyncio import AbstractEventLoop
from collections.abc import Callable

import psycopg
from psycopg.pq.abc import PGconn, PGresult

#: The last result of a statement, or what became of the connection in its place.
Came = PGresult | str


class UnderWay:
    """Writes what is left of a statement, reads what comes of it, and hands that over, once.

    Nothing here waits: libpq is asked for a result only when it has one.
    """

    def __init__(
        self, libpq: PGconn, loop: AbstractEventLoop, seconds: float, then: Callable[[Came], None]
    ):
        self._libpq, self._loop, self._then = libpq, loop, then
        # The number of the socket is gone once the connection is.
        self._socket = libpq.socket
        self._last: PGresult | None = None
        self._has_ended = False
        self._end_of_time = loop.call_later(seconds, self._end, "no answer in time")
        loop.add_reader(self._socket, self._read)
        self._write()

    def _write(self) -> None:
        try:
            is_left = self._libpq.flush()
        except psycopg.OperationalError as error:
            # Not at once: whoever sends it is not ready for what comes of it.
            self._loop.call_soon(self._end, str(error))
            return
        if is_left:
            self._loop.add_writer(self._socket, self._write)
        else:
            self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        libpq = self._libpq
        try:
            libpq.consume_input()
            while not libpq.is_busy():
                found = libpq.get_result()
                if found is None:
                    self._end(self._last or "no result")
                    return
                self._last = found
        except psycopg.OperationalError as error:
            self._end(str(error))

    def _end(self, came: Came) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        self._end_of_time.cancel()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._then(came)
