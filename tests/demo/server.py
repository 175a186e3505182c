"""A small HTTP server that answers in the API's envelope, for what the demo makes of answers."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Reply = Callable[[str, str, bytes], tuple[int, Any]]


@contextmanager
def answering(reply: Reply) -> Iterator[str]:
    """Serve ``reply(method, path, body)`` and give the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, content = reply(self.command, self.path, self.rfile.read(length))
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def found(data: Any, **meta: Any) -> tuple[int, Any]:
    return 200, {"ok": True, "data": data, "meta": {"request_id": "r1", **meta}}


def refused(status: int, code: str, message: str, *fields: dict[str, str]) -> tuple[int, Any]:
    error = {"code": code, "message": message, "fields": list(fields)}
    return status, {"ok": False, "error": error, "meta": {"request_id": "r1"}}
