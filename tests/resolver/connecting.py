"""Connections to a WSGI callable that the bridge serves, on a loop of their own."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import uvloop
from uvicorn.server import ServerState

from resolver.bridge import Bridge
from resolver.server import IDLE_SECONDS, configuration

#: What a client waits for an answer that a sound server gives at once.
SECONDS = 30


def plain(_: dict, start_response: Callable) -> list[bytes]:
    start_response("200 OK", [])
    return [b"ok"]


@dataclass
class Answer:
    status: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Client:
    """One connection to the bridge."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, text: str | bytes) -> None:
        self.writer.write(text.encode("latin-1") if isinstance(text, str) else text)

    async def answer(self, *, bare: bool = False) -> Answer:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), SECONDS)
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = 0 if bare else int(headers.get("content-length", 0))
        return Answer(
            first.removeprefix("HTTP/1.1 "), headers, await self.reader.readexactly(length)
        )

    async def rest(self) -> bytes:
        """Return what comes until the server closes."""
        return await asyncio.wait_for(self.reader.read(), SECONDS)

    def close(self) -> None:
        self.writer.close()


@dataclass
class Served:
    """A listening bridge."""

    port: int
    state: ServerState

    async def client(self, sent: str | bytes = "") -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        client.send(sent)
        return client

    async def answer(self, sent: str | bytes) -> Answer:
        client = await self.client(sent)
        try:
            return await client.answer()
        finally:
            client.close()


def served(
    application: Callable,
    talk: Callable[[Served], Awaitable[Any]],
    *,
    idle_seconds: int = IDLE_SECONDS,
) -> Any:
    """Serve an application by the bridge for as long as somebody talks to it."""

    async def run() -> Any:
        loop = asyncio.get_running_loop()
        config = configuration(application, log_config=None, timeout_keep_alive=idle_seconds)
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"Sun, 22 Nov 2026 22:00:00 GMT")]
        server = await loop.create_server(lambda: Bridge(config, state, {}, loop), "127.0.0.1", 0)
        async with server:
            return await talk(Served(server.sockets[0].getsockname()[1], state))

    return uvloop.run(run())


def answered(application: Callable, *sent: str | bytes) -> list[Answer]:
    """Return the answers to requests that come at the same time, by a connection each."""

    async def talk(server: Served) -> list[Answer]:
        return await asyncio.gather(*map(server.answer, sent))

    answers: list[Answer] = served(application, talk)
    return answers


def get(path: str, *headers: str, version: str = "1.1") -> str:
    return "\r\n".join((f"GET {path} HTTP/{version}", "Host: codes.example", *headers, "", ""))
