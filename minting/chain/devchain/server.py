"""The chain over HTTP: JSON-RPC 2.0 by POST, one object or a list of them, as a WSGI callable.

``/`` is a sound node. Any other path is a node of its own on the same chain, whose faults are set
by ``devchainSetFaults``. One thread runs the virtual machine; those of the server wait for it.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from inspect import signature
from pathlib import Path
from typing import Any

import structlog

from minting.chain.devchain.chain import Chain
from minting.chain.devchain.faults import strikes
from minting.chain.devchain.methods import Node
from minting.chain.devchain.rpc_errors import (
    INTERNAL,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RpcError,
)
from tieback.devchain import SLOT_MS

log = structlog.get_logger(__name__)

LARGEST_BODY = 4 * 1024 * 1024
MOST_NODES = 256
_RETRY_AFTER = ("Retry-After", "1")
Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class Server:
    """A WSGI callable that asks the one thread in which the chain lives."""

    def __init__(self, make: Callable[[], Chain]):
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="devchain")
        self._chain = self._thread.submit(make).result()
        self._nodes: dict[str, Node] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["REQUEST_METHOD"] != "POST":
            status = self._thread.submit(self._status).result()
            return _send(start_response, "200 OK", status)
        node = self._node(environ["PATH_INFO"])
        if node is None:
            return _send(start_response, "404 Not Found", {"error": "there are too many nodes"})
        faults = node.faults
        if faults.slow_ms:
            time.sleep(faults.slow_ms / 1000)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(min(length, LARGEST_BODY + 1))
        if not _mends(body) and strikes(faults.throttled):
            return _send(start_response, "429 Too Many Requests", {}, _RETRY_AFTER)
        if not _mends(body) and strikes(faults.unavailable):
            return _send(start_response, "503 Service Unavailable", {})
        told = self._thread.submit(self._answer_all, node, body).result()
        return _send(start_response, "200 OK", told)

    def _node(self, path: str) -> Node | None:
        name = path.strip("/")
        if name not in self._nodes and len(self._nodes) >= MOST_NODES:
            return None
        return self._nodes.setdefault(name, Node(self._chain))

    def _status(self) -> dict[str, Any]:
        self._chain.tick()
        return Node(self._chain).devchain_status()

    def _answer_all(self, node: Node, body: bytes) -> Any:
        if len(body) > LARGEST_BODY:
            return _failed(None, RpcError(INVALID_REQUEST, "The request is too large"))
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            return _failed(None, RpcError(PARSE_ERROR, "Parse error"))
        self._chain.tick()
        if isinstance(given, list) and given:
            return [_answer(node, one) for one in given]
        return _answer(node, given)


def _answer(node: Node, asked: Any) -> dict[str, Any]:
    if not isinstance(asked, Mapping) or not isinstance(asked.get("method"), str):
        return _failed(None, RpcError(INVALID_REQUEST, "Invalid request"))
    number = asked.get("id")
    method = node.method(asked["method"])
    if method is None:
        return _failed(number, RpcError(METHOD_NOT_FOUND, "Method not found"))
    try:
        return {"jsonrpc": "2.0", "result": _called(method, asked.get("params")), "id": number}
    except RpcError as error:
        return _failed(number, error)
    except Exception:
        log.exception("devchain_failed", method=asked["method"])
        return _failed(number, RpcError(INTERNAL, "Internal error"))


def _called(method: Callable[..., Any], params: Any) -> Any:
    given = [] if params is None else params
    if not isinstance(given, list):
        raise RpcError(INVALID_PARAMS, "Invalid params: a list is expected")
    try:
        signature(method).bind(*given)
    except TypeError as error:
        raise RpcError(INVALID_PARAMS, f"Invalid params: {error}") from error
    return method(*given)


def _failed(number: Any, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": error.as_dict(), "id": number}


def _mends(body: bytes) -> bool:
    """Tell whether a request changes faults: that must work on a faulty node, too."""
    return b'"devchainSetFaults"' in body


def _send(
    start_response: StartResponse, status: str, told: Any, *more: tuple[str, str]
) -> list[bytes]:
    body = json.dumps(told, separators=(",", ":")).encode()
    kind = ("Content-Type", "application/json")
    start_response(status, [kind, ("Content-Length", str(len(body))), *more])
    return [body]


def programs_in(folder: str) -> dict[str, Path]:
    """Return the program dumps of a folder, ``<program id>.so``, by program id."""
    if not folder:
        return {}
    return {path.stem: path for path in sorted(Path(folder).glob("*.so"))}


def from_environment() -> Server:
    """Return the server that the environment describes."""
    home = Path(os.environ["DEVCHAIN_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    programs = programs_in(os.environ.get("DEVCHAIN_PROGRAMS_DIR", ""))
    slot_ms = float(os.environ.get("DEVCHAIN_SLOT_MS") or SLOT_MS)
    return Server(lambda: Chain(home / "ledger.sqlite3", programs=programs, slot_ms=slot_ms))
