"""Serves a WSGI callable on granian's event loop, by its own interface (RSGI).

Requests run as ``turns``, so that those who wait for the database hold no thread. Bodies of
requests are not read: nothing here is changed by one.

Sources: PEP 3333; https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md.
"""

import sys
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from io import BytesIO
from typing import Any, NamedTuple, Protocol

from granian.rsgi import Scope

from resolver.turns import Turns, wait_for

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Environ, StartResponse], Any]

#: Pages that a process makes at a time; each thread may have a connection of Django's.
PAGES = 8
# No body is read, so what a request says of its own is left out.
_OF_BODY = frozenset({"content-length", "content-type", "transfer-encoding"})
_ALWAYS = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class _Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _Answering(Protocol):
    """What an answer is given to; either method ends the request."""

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None: ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


class Bridge:
    """An RSGI application that answers as a WSGI callable does."""

    _turns: Turns
    _loop: AbstractEventLoop

    def __init__(self, application: Application):
        self._application = application

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        """Get ready for the loop that requests come by."""
        self._loop, self._turns = loop, Turns(loop)

    async def __rsgi__(self, scope: Scope, protocol: _Answering) -> None:
        """Answer one request."""
        answered: Future[_Answer] = self._loop.create_future()
        self._turns.begin(partial(self._answer, environ_of(scope), answered))
        status, headers, body = await answered
        if body:
            protocol.response_bytes(status, headers, body)
        else:
            protocol.response_empty(status, headers)

    def _answer(self, environ: Environ, answered: "Future[_Answer]") -> None:
        try:
            answer = _ask(self._application, environ)
        except BaseException as error:  # noqa: BLE001 - raised by the coroutine, for the server to log
            # Whatever else, it is this request's; a future takes no StopIteration.
            is_plain = isinstance(error, Exception) and not isinstance(error, StopIteration)
            failed = error if is_plain else RuntimeError(repr(error))
            if not answered.done():
                answered.set_exception(failed)
        else:
            # Who has gone meanwhile is not waiting.
            if not answered.done():
                answered.set_result(answer)


def in_threads(application: Application) -> Application:
    """Return the application with threads of its own, for one that keeps a thread while it waits.

    It is what Django needs: its connections are a thread's.
    """
    threads = ThreadPoolExecutor(PAGES, thread_name_prefix="page")

    def called(environ: Environ, start_response: StartResponse) -> list[bytes]:
        status, headers, body = wait_for(partial(_ask, application, environ), threads)
        start_response(str(status), headers)
        return [body]

    return called


def environ_of(scope: Scope) -> Environ:
    """Return a request as PEP 3333 has it: text of bytes, each a character of Latin-1."""
    server, _, port = scope.server.rpartition(":")
    environ = {
        **_ALWAYS,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": _native(scope.path),
        "QUERY_STRING": _native(scope.query_string),
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "SERVER_NAME": server.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(),
    }
    for name, value in scope.headers.items():
        key = _key(name)
        if key in environ:
            environ[key] = f"{environ[key]},{value}"
        elif key:
            environ[key] = value
    if "HTTP_HOST" not in environ and scope.authority:
        environ["HTTP_HOST"] = scope.authority
    return environ


def _ask(application: Application, environ: Environ) -> _Answer:
    """Return the whole answer of a WSGI callable."""
    said: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        said[:] = int(status[:3]), headers

    parts: Iterable[bytes] = application(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        if close := getattr(parts, "close", None):
            close()
    status, headers = said
    return _Answer(status, headers, body)


def _native(text: str) -> str:
    return text if text.isascii() else text.encode().decode("latin-1")


@lru_cache(maxsize=256)
def _key(header: str) -> str:
    """Return a header's name in an environ, "" for one that is left out.

    An underscore could pass for the hyphen of a header that a proxy sets.
    """
    if header in _OF_BODY or "_" in header:
        return ""
    return f"HTTP_{header.replace('-', '_').upper()}"
