"""Runs the resolver, or another WSGI callable: ``python -m resolver.server --port P --workers N``.

uvicorn starts the processes anew that end, and ends them all when it is told to. Each listens for
itself at the same address (``SO_REUSEPORT``), so that the kernel deals connections out evenly: of
those who share one socket, the first to wake takes all that wait.
"""

import argparse
import asyncio
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvloop
from uvicorn.config import Config
from uvicorn.supervisors import Multiprocess

#: Longer than proxies keep a connection that is idle, or they would send into a closed one.
IDLE_SECONDS = 75
#: For what is being answered when a process is told to end; a stop must not take longer than 30 s.
SECONDS_TO_END = 20
#: A process that does not say for so long that it lives is ended. A busy machine is no reason.
LIFE_SIGN_SECONDS = 30


class Loop(uvloop.Loop):
    """An event loop whose servers share an address with those of other processes."""

    async def create_server(  # type: ignore[override]  # whatever it is asked, it passes on
        self, protocol: Callable[[], Any], *args: Any, **options: Any
    ) -> "_Listener":
        """Listen as asked, and let others listen there too."""
        server = await super().create_server(protocol, *args, **options, reuse_port=True)
        return _Listener(self, server, protocol)


class _Listener:
    """A server that hears, when it is closed, also who has connected and was not heard yet.

    To them a socket that is simply closed says that nobody is there, in the middle of a request.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        server: Any,
        protocol: Callable[[], Any],
    ):
        self._loop, self._server, self._protocol = loop, server, protocol
        self._late: list[asyncio.Task[None]] = []

    @property
    def sockets(self) -> Any:
        """Where it listens."""
        return self._server.sockets

    def close(self) -> None:
        """Listen no more."""
        listening = [socket.socket(fileno=os.dup(each.fileno())) for each in self.sockets]
        self._server.close()
        for each in listening:
            with each, suppress(OSError):
                each.settimeout(0)
                while True:
                    connection, _ = each.accept()
                    self._late.append(self._loop.create_task(self._hear(connection)))

    async def wait_closed(self) -> None:
        """Return once it listens no more."""
        await self._server.wait_closed()

    async def _hear(self, connection: socket.socket) -> None:
        _, protocol = await self._loop.connect_accepted_socket(self._protocol, connection)
        protocol.shutdown()


class Parent(Multiprocess):
    """Starts processes anew, also one that dies while its sign of life is waited for.

    uvicorn asks each by a pipe, and keeps the process's end of it open as well: that the process
    has gone would show only when ``LIFE_SIGN_SECONDS`` are over. Here that end is closed.
    """

    def init_processes(self) -> None:
        """Start all processes."""
        super().init_processes()
        self._let_go()

    def keep_subprocess_alive(self) -> None:
        """Look after each process, and replace those that have gone or do not answer."""
        super().keep_subprocess_alive()
        self._let_go()

    def _let_go(self) -> None:
        for process in self.processes:
            process.child_conn.close()


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m resolver.server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("application", nargs="?", default="resolver.wsgi:application")
    asked = parser.parse_args()
    config = configuration(
        asked.application, host=asked.host, port=asked.port, workers=asked.workers
    )
    try:
        _take(asked.host, asked.port)
    except OSError as error:
        sys.exit(f"cannot listen at {asked.host}:{asked.port}: {error.strerror}")
    # Without a socket of theirs to share.
    Parent(config, sockets=None).run()  # type: ignore[arg-type]


def configuration(application: Any, **options: Any) -> Config:
    """Return what uvicorn is told of serving a WSGI callable, or its name, by the bridge."""
    return Config(
        application,
        http="resolver.bridge:Bridge",
        # No more than that the application is not to be wrapped.
        interface="asgi3",
        loop="resolver.server:Loop",
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SECONDS_TO_END,
        timeout_worker_healthcheck=LIFE_SIGN_SECONDS,
        **{"timeout_keep_alive": IDLE_SECONDS, **options},
    )


def _take(host: str, port: int) -> None:
    """Bind the address, so that it is known now whether the processes can.

    What is bound and does not listen gets no connection. Raises OSError, also where it is another
    resolver that listens, or one that its parent has left behind: two would share the scans.
    """
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind(address)
    taken = socket.socket(family)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    taken.bind(address)
    taken.detach()


if __name__ == "__main__":
    main()
