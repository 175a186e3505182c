"""The least a WSGI callable on psycopg can do: the resolver's own statement, and the redirect.

No method, host, path, query or agent is looked at. Run by the resolver's own server, in its
environment and with its role; it waits for the database and lets its process wait with it, which
is faster than granian's threads.
"""

import os
import threading
from collections.abc import Callable
from typing import Any

import psycopg

from bench.peers.learning import Statement, learn

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
_mine = threading.local()


def _learn(path: str) -> Statement:
    """Ask the resolver for the code at ``path`` once, as a phone would."""
    from resolver.redirects import in_front_of

    def no_page(*_: object) -> object:
        raise LookupError(path)

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "HTTP_HOST": os.environ["BENCH_HOST"],
        "HTTP_USER_AGENT": os.environ["BENCH_AGENT"],
        "REMOTE_ADDR": "127.0.0.1",
    }
    scan = in_front_of(no_page)
    return learn(lambda: scan(environ, lambda *_: None), path.rpartition("/")[2])


def _application() -> Callable[[Environ, StartResponse], list[bytes]]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tieback.settings")
    from tieback.startup import serve

    serve()
    from resolver.database import connect

    def new_cursor() -> "psycopg.Cursor[Any]":
        cursor = _mine.cursor = connect().cursor()
        return cursor

    link, unit = (_learn(os.environ[name]) for name in ("BENCH_LINK", "BENCH_UNIT_LINK"))
    by_link, by_unit = (link.query, link.for_token()), (unit.query, unit.for_token())

    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        path = environ["PATH_INFO"]
        query, parameters_of = by_link if path[1] == "0" else by_unit
        token = path.rpartition("/")[2]
        cursor = getattr(_mine, "cursor", None) or new_cursor()
        row = cursor.execute(query, parameters_of(token), prepare=True).fetchone()
        if row is None:
            start_response("404 Not Found", [("Content-Length", "0")])
            return [b""]
        headers = [
            ("Location", f"/p/{token}"),
            ("Content-Length", "0"),
            ("Cache-Control", "no-store"),
        ]
        start_response("307 Temporary Redirect", headers)
        return [b""]

    return application


application = _application()
