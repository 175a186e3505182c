"""Calls a WSGI application as a server does: no test client, no signals muted."""

import io
import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit


class Answer(NamedTuple):
    """Status, headers and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body's JSON."""
        return json.loads(self.body)


def call(
    application: Callable[..., Iterable[bytes]],
    method: str,
    target: str,
    *,
    headers: dict[str, str] | None = None,
    body: object = None,
    raw: bytes | None = None,
    content_type: str = "application/json",
) -> Answer:
    """Send one request to the application and read the whole answer.

    ``body`` is sent as JSON, ``raw`` as it is.
    """
    content = raw or (b"" if body is None else json.dumps(body).encode())
    parts = urlsplit(target)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        # As servers hand a path over: its bytes, each as one character.
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(content)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ |= {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in (headers or {}).items()}
    started: dict[str, Any] = {}

    def start_response(status: str, given: list[tuple[str, str]], *_: object) -> None:
        started.update(status=int(status.split(maxsplit=1)[0]), headers=dict(given))

    result = application(environ, start_response)
    try:
        content = b"".join(result)
    finally:
        close = getattr(result, "close", None)
        if close:
            close()
    return Answer(started["status"], started["headers"], content)
