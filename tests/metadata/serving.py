"""A real HTTP server on the loopback address for stand-ins of remote companies' services."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Fault:
    """An answer given in place of the real one; status 0 ends the connection without any."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def parts(self) -> dict[str, bytes]:
        """The parts of a form by their names (RFC 7578)."""
        _, _, boundary = self.headers["content-type"].partition("boundary=")
        found = {}
        for part in self.body.split(b"--" + boundary.strip('"').encode())[1:-1]:
            head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            _, _, named = head.partition(b'name="')
            found[named.partition(b'"')[0].decode()] = content.removesuffix(b"\r\n")
        return found


@dataclass
class Service:
    """What a stand-in shares: the requests it has had, and the faults that come next."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def answer(self, asked: Asked) -> "Fault":
        """Return status, headers and body."""
        raise NotImplementedError


def as_json(status: int, body: Any) -> Fault:
    """Return an answer of JSON."""
    return Fault(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


@contextmanager
def served(service: Service) -> Iterator[None]:
    """Serve until the block ends, and tell the service where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            asked = Asked(self.command, parts.path, query, headers, body)
            service.asked.append(asked)
            answer = service.faults.pop(0) if service.faults else service.answer(asked)
            if not answer.status:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = _handle  # noqa: N815 - the server calls them so

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Print nothing of callers that went away."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
