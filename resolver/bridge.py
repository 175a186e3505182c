"""Serves a WSGI callable on uvicorn's event loop.

uvicorn keeps the processes and their sockets; httptools, the parser of Node.js, reads what comes by
them. Each request then runs as one of the ``turns`` and not as an ASGI application: those who wait
for the database hold no thread, and no messages are passed. Bodies of requests are not handed on:
nothing here is changed by one.

Sources: PEP 3333; RFC 9110; RFC 9112.
"""

import asyncio
import math
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from io import BytesIO
from typing import Any, NamedTuple, cast
from urllib.parse import unquote_to_bytes

import httptools
import structlog
from greenlet import GreenletExit
from uvicorn.config import Config
from uvicorn.server import ServerState

from resolver.digital_link import RAW_PATH
from resolver.turns import Turns, wait_for

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Environ, StartResponse], Any]
_Headers = list[tuple[str, str]]

#: Pages that a process makes at a time; each thread may have a connection of Django's.
PAGES = 8
#: Line and headers of a request together, and what it takes to keep each; more is no browser's.
LONGEST_HEAD = 65_536
_BYTES_OF_A_HEADER = 32
# A header with a longer name is left out: what names mean is remembered.
_LONGEST_NAME = 64
#: Requests that a client may send before it has the answer to the first.
MOST_AHEAD = 64
#: For them to come whole once a client has connected or begun, and for the rest of a body; once the
#: time is up, as much again may pass before the connection is closed.
PATIENCE_SECONDS = 15
#: What is on its way while a process is told to end may take so long: a connection that is closed
#: at once takes a request with it that was sent and not read.
LAST_REQUEST_SECONDS = 1
# No body is handed on, so what a request says of its own is left out.
_OF_BODY = frozenset({"content-length", "content-type", "transfer-encoding"})
_WITHOUT_LENGTH = ("1", "204", "304")
_ALWAYS = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    # TLS ends at the proxy in front.
    "wsgi.url_scheme": "http",
}

log = structlog.get_logger(__name__)


class _Answer(NamedTuple):
    status: str
    headers: _Headers
    body: bytes


_AS_TEXT = [("Content-Type", "text/plain; charset=utf-8")]
_FAILED = _Answer("500 Internal Server Error", _AS_TEXT, b"Internal Server Error")
_NO_HTTP = _Answer("400 Bad Request", _AS_TEXT, b"This is no request of HTTP/1.1.")
_TOO_LONG = _Answer(
    "431 Request Header Fields Too Large", _AS_TEXT, b"The head of this request is too long."
)
_CLOSE = b"Connection: close\r\n"
# Tells whoever is about to do a lot for a request whether anybody still waits for it.
_HAS_GONE = "bridge.has_gone"
_NOT_MADE = _Answer("503 Service Unavailable", _AS_TEXT, b"")


class _Request:
    """One request, from when its head is there until it is answered."""

    __slots__ = ("environ", "is_whole", "keeps")

    def __init__(self, environ: Environ, *, keeps: bool):
        self.environ = environ
        #: Whether the connection goes on after the answer.
        self.keeps = keeps
        self.is_whole = False


class Bridge(asyncio.Protocol):
    """One connection, whose requests a WSGI callable answers, one after the other.

    It is what uvicorn calls a protocol class, with the arguments that it gives to one.
    """

    _transport: asyncio.Transport
    _alarm: asyncio.TimerHandle
    _always: Environ
    _environ: Environ
    _url: bytes

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: Mapping[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ):
        self._application: Application = config.loaded_app
        self._idle_seconds = config.timeout_keep_alive
        self._server = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._turns = _turns_of(self._loop)
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        # The one that is answered, and those that came after it without waiting for the answer.
        self._present: _Request | None = None
        self._next: deque[_Request] = deque()
        self._newest: _Request | None = None
        #: Bytes of a head that has not come whole, and of what has been read of it.
        self._of_head = self._read_of_head = 0
        #: When the client's time is up, as the loop tells it.
        self._until = math.inf
        self._is_full = self._is_held = self._is_ending = self._is_last = False

    # A connection, as the loop sees it.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)  # type: ignore[arg-type]
        host, port = (transport.get_extra_info("sockname") or ("", 0))[:2]
        client = transport.get_extra_info("peername") or ("",)
        self._always = {
            **_ALWAYS,
            "REMOTE_ADDR": client[0],
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            _HAS_GONE: transport.is_closing,
        }
        self._until = self._loop.time() + PATIENCE_SECONDS
        self._alarm = self._loop.call_later(PATIENCE_SECONDS, self._look_at_time)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget about whoever has gone."""
        self._server.connections.discard(self)
        self._alarm.cancel()
        self._next.clear()
        # The two know each other.
        self._parser = None

    def data_received(self, data: bytes) -> None:
        """Read on; a head that is too long is refused, one that does not end has its time."""
        self._of_head += len(data)
        try:
            if self._parser:
                self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Answered by HTTP/1.1, as RFC 9110 has it (7.8).
            return
        except httptools.HttpParserError:
            self._refuse(_TOO_LONG if self._read_of_head > LONGEST_HEAD else _NO_HTTP)
            return
        if self._of_head > LONGEST_HEAD:
            self._refuse(_TOO_LONG)
        elif self._of_head and not self._present:
            self._until = min(self._until, self._loop.time() + PATIENCE_SECONDS)

    def pause_writing(self) -> None:
        """Answer no more until the client takes what it was sent."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Go on."""
        self._is_full = False
        if self._is_held:
            self._is_held = False
            self._go_on()

    def shutdown(self) -> None:
        """Answer what is being answered or on its way, and then no more; called by uvicorn."""
        self._is_last = True
        if self._present:
            self._present.keeps = False
        else:
            self._loop.call_later(LAST_REQUEST_SECONDS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if not self._present:
            self._transport.close()

    def _look_at_time(self) -> None:
        if self._loop.time() >= self._until:
            # What it has not taken by now it will not take.
            self._transport.abort()
        else:
            # Rather now and then than a timer for each request.
            self._alarm = self._loop.call_later(PATIENCE_SECONDS, self._look_at_time)

    # A request, as the parser finds it.

    def on_message_begin(self) -> None:
        """Begin to read a request."""
        self._url, self._environ, self._read_of_head = b"", self._always.copy(), 0

    def on_url(self, url: bytes) -> None:
        """Take a piece of its address."""
        self._url += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one of its headers; one that comes twice is one list."""
        self._count(len(name) + len(value) + _BYTES_OF_A_HEADER)
        if len(name) > _LONGEST_NAME:
            return
        environ, key = self._environ, _key(name)
        if key in environ:
            environ[key] = f"{environ[key]},{value.decode('latin-1')}"
        elif key:
            environ[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Answer it, or let it wait for its turn. Text is told as bytes, each one of Latin-1."""
        parser, environ = self._parser, self._environ
        if parser is None:
            return
        address, version = httptools.parse_url(self._url), parser.get_http_version()
        path = address.path or b"/"
        environ["REQUEST_METHOD"] = parser.get_method().decode("ascii")
        if b"%2" in path and b"%2F" in path.upper():
            environ[RAW_PATH] = path.decode("latin-1")
        environ["PATH_INFO"] = (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1")
        environ["QUERY_STRING"] = (address.query or b"").decode("latin-1")
        environ["SERVER_PROTOCOL"] = f"HTTP/{version}"
        environ["wsgi.input"] = BytesIO()
        keeps = version != "1.0" and parser.should_keep_alive() and not parser.should_upgrade()
        keeps = keeps and not self._is_last
        if version == "1.1" and "," in environ.get("HTTP_HOST", ","):
            raise ValueError("a request names one host")
        if len(self._next) >= MOST_AHEAD:
            raise OverflowError("too many requests ahead of their answers")
        self._newest = _Request(environ, keeps=keeps)
        # What may follow a body has no place among these headers.
        self._of_head, self._environ = 0, {}
        if self._present:
            self._next.append(self._newest)
            self._transport.pause_reading()
        else:
            self._begin(self._newest)

    def on_body(self, body: bytes) -> None:
        """Drop what nobody reads."""
        self._of_head = 0

    def on_message_complete(self) -> None:
        """Note that the whole request has come."""
        self._of_head = 0
        if self._newest:
            self._newest.is_whole = True
        if self._is_ending:
            self._transport.close()
        elif not self._present:
            self._until = self._loop.time() + self._idle_seconds

    def _count(self, size: int) -> None:
        self._read_of_head += size
        if self._read_of_head > LONGEST_HEAD:
            raise OverflowError("a head is too long")

    # An answer.

    def _begin(self, request: _Request) -> None:
        self._present, self._until = request, math.inf
        # Not at once: what has come with the request is read first.
        self._loop.call_soon(self._turns.begin, partial(self._answer, request))

    def _answer(self, request: _Request) -> None:
        """Answer a request; a turn's work."""
        environ = request.environ
        try:
            answer = _ask(self._application, environ)
            head = _head_of(answer)
        except GreenletExit:
            raise
        except BaseException as error:
            # Whatever else, it is this request's alone.
            log.exception("request_failed", exc_info=error)
            answer, head = _FAILED, _head_of(_FAILED)
        # Who has gone meanwhile is not waiting.
        if not self._transport.is_closing():
            is_bare = environ["REQUEST_METHOD"] == "HEAD"
            self._send(request, head, b"" if is_bare else answer.body)

    def _send(self, request: _Request, head: bytes, body: bytes) -> None:
        more = [b"%b: %b\r\n" % header for header in self._server.default_headers]
        if not request.keeps:
            more.append(_CLOSE)
        self._transport.write(b"".join((head, *more, b"\r\n", body)))
        self._server.total_requests += 1
        # For the answer to be taken.
        self._until = self._loop.time() + self._idle_seconds
        if not request.keeps:
            self._end()
        elif self._is_full:
            self._is_held = True
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Answer the next request, or wait for one."""
        if self._present and not self._present.keeps:
            # Told so after its answer was sent.
            self._end()
            return
        if self._next:
            self._begin(self._next.popleft())
            if not self._next:
                self._transport.resume_reading()
            return
        self._present = None
        if self._is_sending:
            self._until = self._loop.time() + PATIENCE_SECONDS

    def _end(self) -> None:
        """Close, once the client has sent what it began: earlier, it would lose the answer."""
        if self._is_sending and self._parser:
            self._is_ending, self._until = True, self._loop.time() + PATIENCE_SECONDS
        else:
            self._transport.close()

    @property
    def _is_sending(self) -> bool:
        return self._newest is not None and not self._newest.is_whole

    def _refuse(self, reason: _Answer) -> None:
        """Hear no more of who is not to be understood; what was asked before is answered."""
        self._parser = None
        if self._present:
            (self._next[-1] if self._next else self._present).keeps = False
        elif not self._transport.is_closing():
            self._send(_Request({}, keeps=False), _head_of(reason), reason.body)


@lru_cache(maxsize=1)
def _turns_of(loop: asyncio.AbstractEventLoop) -> Turns:
    """Return the turns of a process's loop."""
    return Turns(loop)


def in_threads(application: Application) -> Application:
    """Return the application with threads of its own, for one that keeps a thread while it waits.

    It is what Django needs: its connections are a thread's.
    """
    threads = ThreadPoolExecutor(PAGES, thread_name_prefix="page")

    def called(environ: Environ, start_response: StartResponse) -> list[bytes]:
        status, headers, body = wait_for(partial(_ask_if_awaited, application, environ), threads)
        start_response(status, headers)
        return [body]

    return called


def _ask_if_awaited(application: Application, environ: Environ) -> _Answer:
    """Do as ``_ask`` does, but for a client that has gone while its request stood in line."""
    has_gone = environ.get(_HAS_GONE)
    return _NOT_MADE if has_gone and has_gone() else _ask(application, environ)


def _ask(application: Application, environ: Environ) -> _Answer:
    """Return the whole answer of a WSGI callable."""
    said: list[Any] = []

    def start_response(status: str, headers: _Headers, _: object = None) -> None:
        said[:] = status, headers

    parts: Iterable[bytes] = application(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        if close := getattr(parts, "close", None):
            close()
    status, headers = said
    return _Answer(status, headers, body)


def _head_of(answer: _Answer) -> bytes:
    """Return the status and the headers as they are sent, but for the last, empty line.

    Raises ValueError for what no header may hold.
    """
    status, headers, body = answer
    lines = [f"HTTP/1.1 {status}", *[f"{name}: {value}" for name, value in headers]]
    head = "\r\n".join(lines)
    if head.count("\n") >= len(lines) or head.count("\r") >= len(lines):
        raise ValueError("a header holds the end of a line")
    if "\ncontent-length:" not in head.lower() and not status.startswith(_WITHOUT_LENGTH):
        head = f"{head}\r\nContent-Length: {len(body)}"
    return f"{head}\r\n".encode("latin-1")


@lru_cache(maxsize=256)
def _key(header: bytes) -> str:
    """Return a header's name in an environ, "" for one that is left out.

    An underscore could pass for the hyphen of a header that a proxy sets.
    """
    name = header.decode("latin-1").lower()
    if name in _OF_BODY or "_" in name:
        return ""
    return f"HTTP_{name.replace('-', '_').upper()}"
