"""Endpoints for tests: real ones on the dev chain's nodes, and servers that are none."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, TypeVar

import urllib3
from solana.rpc.commitment import Finalized

from minting.chain.networks import Promise
from minting.chain.rpc.breaker import Breaker, State, Terms
from minting.chain.rpc.endpoint import Endpoint
from minting.chain.rpc.health import Health
from minting.chain.rpc.line import Client
from minting.chain.rpc.outcomes import FAILED
from minting.chain.rpc.pool import Endpoints
from minting.chain.rpc.rates import Bucket
from tieback.stack.ports import free_ports

T = TypeVar("T")
PATIENCE_SECONDS = 30.0


def endpoint(
    url: str,
    name: str = "",
    *,
    position: int = 1,
    per_second: float = 0.0,
    patience: float = PATIENCE_SECONDS,
    terms: Terms | None = None,
    promise: Promise | None = None,
) -> Endpoint:
    """Return an endpoint that nothing is known of."""
    return Endpoint(
        id=position,
        name=name or url.rsplit("/", 1)[-1] or url,
        url=url,
        position=position,
        health=Health(Breaker(terms or Terms())),
        bucket=Bucket(per_second),
        patience=patience,
        promise=promise,
    )


@asynccontextmanager
async def asking(*endpoints: Endpoint) -> AsyncIterator[Endpoints]:
    """Ask these endpoints, and close them."""
    rpc = Endpoints(endpoints)
    try:
        yield rpc
    finally:
        await rpc.close()


def broken(one: Endpoint) -> Endpoint:
    """Return the endpoint with its breaker open."""
    while one.health.state is State.CLOSED:
        one.health.note(FAILED, one.clock(), seconds=0.1, said="broken by the test")
    return one


def nobody_there() -> str:
    """Return an address at which nothing listens."""
    return f"http://127.0.0.1:{free_ports(1)[0]}/"


@contextmanager
def black_hole() -> Iterator[str]:
    """Give the address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


@dataclass
class Provider:
    """A provider's front: an HTTP server that answers every request with what it is told to."""

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def says(self, body: Any, status: int = 200, **headers: str) -> None:
        """Answer like that from now on; what is no text is JSON."""
        self.status, self.body = status, body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def refuses(self, code: int, message: str = "no", status: int = 200, **more: Any) -> None:
        """Answer by an error of JSON-RPC."""
        error = {"code": code, "message": message, **more}
        self.says({"jsonrpc": "2.0", "id": 0, "error": error}, status)

    def tells(self, result: Any) -> None:
        """Answer by a result."""
        self.says({"jsonrpc": "2.0", "id": 0, "result": result})


@contextmanager
def provider(path: str = "/v2/key-0123456789abcdef?api-key=hush-hush-hush") -> Iterator[Provider]:
    """Give a provider whose address carries keys."""
    front = Provider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            front.asked.append(json.loads(self.rfile.read(length)))
            text = front.body if isinstance(front.body, str) else json.dumps(front.body)
            self.send_response(front.status)
            for name, value in front.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        front.url = f"http://127.0.0.1:{server.server_port}{path}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield front
        finally:
            server.shutdown()
            thread.join(PATIENCE_SECONDS)


@contextmanager
def lying(url: str, method: str, lie: Callable[[Any], Any]) -> Iterator[str]:
    """Give the address of a front that answers as the endpoint behind it, but for one method.

    ``lie`` makes of that method's result what is answered in its place.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {"Content-Type": "application/json"}
            told = pool.request("POST", url, body=body, headers=headers).json()
            if json.loads(body)["method"] == method:
                told["result"] = lie(told["result"])
            text = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: Any) -> None: ...

    with (
        urllib3.PoolManager(maxsize=8) as pool,
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
    ):
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/liar"
        finally:
            server.shutdown()
            thread.join(PATIENCE_SECONDS)


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(main())


async def height(client: Client) -> int:
    return (await client.get_block_height(Finalized)).value


async def where(client: Client) -> str:
    """Say which endpoint was asked."""
    await client.get_version()
    return str(client._provider.endpoint_uri).rsplit("/", 1)[-1]


def base64_of(transaction: Any) -> str:
    import base64

    return base64.b64encode(bytes(transaction)).decode()
