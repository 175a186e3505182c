"""A TCP proxy whose faults are switched while connections are open.

It stands between tieback's processes and one server. Always on: latency, bandwidth, silence (bytes
are taken and held back until it speaks again), refusal. Once: cutting every open connection by RST
or after so many more bytes, and *traps*, which spring when the awaited moment goes by on a
connection (``chaos.wire``): a COMMIT, a PUT.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Any, Self, TypeVar

from chaos.wire import SilentWire, Wire

HOST = "127.0.0.1"
_CHUNK = 65_536
_ANSWER_SECONDS = 10.0
T = TypeVar("T")


class Trap(Enum):
    """What happens to the connection on which the awaited moment goes by."""

    BEFORE = "cut before the server gets it"
    SENT = "cut at once after it is sent"
    ANSWERED = "cut once the server has answered, the answer withheld"
    REPLY = "the proxy answers in the server's stead, and closes"
    HANG = "nothing is passed on; cut later"


@dataclass(eq=False)
class _Link:
    """One client's connection and the server's end of it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    wire: Wire
    awaited: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    bytes_left: int | None = None

    def reset(self) -> None:
        """Drop both ends at once: the peers see a connection reset, not an end."""
        for writer in (self.client, self.server):
            raw = writer.get_extra_info("socket")
            with contextlib.suppress(OSError, AttributeError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Proxy:
    """Stands in front of one server; ``port`` is where clients connect instead."""

    def __init__(
        self,
        upstream: int,
        *,
        wire: Callable[[], Wire] = SilentWire,
        success: bytes = b"",
        reply: bytes = b"",
    ) -> None:
        self.upstream = upstream
        self.port = 0
        self.latency = 0.0
        self.bandwidth = 0.0
        self.resets = 0
        self.passed = 0
        self.sprung: dict[Trap, int] = dict.fromkeys(Trap, 0)
        self._wire, self._success, self._reply = wire, success, reply
        self._links: set[_Link] = set()
        self._traps: list[Trap] = []
        self._hang_seconds = 2.0
        self._refusing = False
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def open_links(self) -> int:
        """How many connections are open."""
        return len(self._links)

    def fall_silent(self) -> None:
        """Take connections and bytes, and pass nothing on."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def speak_again(self) -> None:
        """Pass on everything that was held back."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def refuse(self, *, refusing: bool) -> None:
        """Reset every new connection at once, or stop doing so."""
        self._refusing = refusing

    def cut_all(self) -> int:
        """Reset every open connection; return how many there were."""
        return self._do(self._cut(list(self._links)))

    def cut_after(self, count: int) -> None:
        """Reset each open connection after ``count`` more bytes of either direction."""

        def set_limit() -> None:
            for link in self._links:
                link.bytes_left = count

        self._loop.call_soon_threadsafe(set_limit)

    def arm(self, trap: Trap, *, hang_seconds: float = 2.0) -> None:
        """Lay one trap: it springs on the first connection where the awaited moment goes by."""
        self._hang_seconds = hang_seconds
        self._loop.call_soon_threadsafe(self._traps.append, trap)

    def disarm(self) -> None:
        """Take up the traps that have not sprung."""
        self._loop.call_soon_threadsafe(self._traps.clear)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        self._flowing.set()
        self._server = await asyncio.start_server(self._serve, HOST, 0, limit=4 * _CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        """Stop listening, drop everything, and leave no task to the garbage collector."""
        if self._server:
            self._server.close()
        await self._cut(list(self._links))
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _cut(self, links: list[_Link]) -> int:
        for link in links:
            self._reset(link)
        return len(links)

    def _reset(self, link: _Link) -> None:
        if link in self._links:
            self._links.discard(link)
            self.resets += 1
            link.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._refusing:
                raise ConnectionRefusedError
            answers, server = await asyncio.open_connection(HOST, self.upstream)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, server, self._wire())
        self._links.add(link)
        pumps = {
            asyncio.ensure_future(self._pump(link, reader, server, upward=True)),
            asyncio.ensure_future(self._pump(link, answers, writer, upward=False)),
        }
        # Neither protocol goes on after one side has closed.
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._links.discard(link)
            for end in (writer, server):
                end.close()

    async def _pump(
        self,
        link: _Link,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        *,
        upward: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                await self._delay(len(data))
                if link.bytes_left is not None:
                    link.bytes_left -= len(data)
                    if link.bytes_left < 0:
                        self._reset(link)
                        return
                if not await (self._upward if upward else self._downward)(link, data):
                    return
                target.write(data)
                self.passed += len(data)
                await target.drain()

    async def _delay(self, count: int) -> None:
        await self._flowing.wait()
        seconds = self.latency + (count / self.bandwidth if self.bandwidth else 0.0)
        if seconds:
            await asyncio.sleep(seconds)
            await self._flowing.wait()

    async def _upward(self, link: _Link, data: bytes) -> bool:
        """Look at what the client says; return whether it is still to be passed on."""
        if not link.wire.feed(data) or not self._traps:
            return True
        trap = self._traps.pop(0)
        if trap is Trap.ANSWERED:
            link.awaited = True
            return True
        if trap is Trap.SENT:
            link.server.write(data)
            await link.server.drain()
        elif trap is Trap.REPLY:
            link.client.write(self._reply)
            await link.client.drain()
            link.client.close()
        elif trap is Trap.HANG:
            await asyncio.sleep(self._hang_seconds)
        self.sprung[trap] += 1
        if trap is not Trap.REPLY:
            self._reset(link)
        return False

    async def _downward(self, link: _Link, data: bytes) -> bool:
        """Look at what the server says; withhold the answer that a trap waits for."""
        if not link.awaited or self._success not in data:
            return True
        self.sprung[Trap.ANSWERED] += 1
        self._reset(link)
        return False
