"""The line to one endpoint: solana-py's client, and what is wrong where it gives no answer.

solana-py alone would not do: it takes an error of JSON-RPC with a number that it does not know for
an answer, its parser brings the process down over an error without the data it expects, and of an
HTTP error it tells neither ``Retry-After`` nor what stands in the body.
"""

import json
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import httpx2
from solana.rpc.async_api import AsyncClient
from solana.rpc.async_http_provider import AsyncHTTPProvider
from solana.rpc.commitment import Confirmed
from solana.rpc.jsonrpc import JsonRpcRequestSerializer
from solana.rpc.types import URI
from solders.errors import SerdeJSONError
from solders.rpc.requests import Body
from solders.rpc.responses import RPCResult

from minting.authorities import trusted_by
from minting.chain.rpc.addresses import without_secrets
from minting.chain.rpc.outcomes import FAILED, Outcome, Verdict, of_answer

T = TypeVar("T", bound=RPCResult)

LONGEST_SAID = 200
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class JsonRpcError:
    """An error as JSON-RPC tells it (JSON-RPC 2.0, section 5.1)."""

    code: int
    message: str
    data: Any = None


class Unanswered(Exception):
    """There is no answer; ``error`` is JSON-RPC's own, where the endpoint gave one."""

    def __init__(self, outcome: Outcome, said: str, error: JsonRpcError | None = None) -> None:
        super().__init__(said)
        self.outcome = outcome
        self.said = said
        self.error = error


class Line(AsyncHTTPProvider):
    """HTTP to one endpoint. Raises ``Unanswered``, whatever is wrong."""

    def __init__(self, address: str, *, timeout: float) -> None:
        # Past AsyncHTTPProvider's own, which reads the authorities anew.
        self.endpoint_uri = URI(address)
        self.timeout = timeout
        self.session = httpx2.AsyncClient(http2=True, timeout=timeout, verify=trusted_by("rpc"))

    async def make_request(self, body: Body, parser: type[T]) -> T:
        """Ask, and return solders' object of the answer."""
        raw = await self.make_request_unparsed(body)
        try:
            # Not declared on the union that T is bound to; each of its classes has it.
            return cast("T", cast("Any", parser).from_json(raw))
        except SerdeJSONError:
            pass
        raise Unanswered(FAILED, "an answer of another form")

    async def make_request_unparsed(self, body: JsonRpcRequestSerializer) -> str:
        """Ask, and return the text of an answer that has a result."""
        try:
            response = await self.session.post(
                self.endpoint_uri, content=body.to_json(), headers=_JSON
            )
            text = response.text
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            broken = type(error).__name__
        else:
            return _with_a_result(response, text, self.endpoint_uri)
        raise Unanswered(FAILED, broken)


class Client(AsyncClient):
    """solana-py's client on such a line. ``timeout`` in seconds, for each step of a request."""

    def __init__(self, address: str, *, timeout: float) -> None:
        # Past AsyncClient's own, which would open a second pool of connections.
        super(AsyncClient, self).__init__(Confirmed)
        self._provider = Line(address, timeout=timeout)


def _with_a_result(response: httpx2.Response, text: str, address: str) -> str:
    """Return the text of an answer with a result. Raises ``Unanswered``."""
    told = _object_in(text)
    error = _error_in(told, address)
    headers = response.headers
    waits = headers.get("retry-after"), headers.get("date")
    outcome = of_answer(response.status_code, error.code if error else None, *waits)
    if outcome.verdict is Verdict.ANSWERED:
        if "result" in told and told.get("jsonrpc") == "2.0":
            return text
        raise Unanswered(FAILED, "an answer that is none of JSON-RPC")
    said = f"HTTP {response.status_code}" if response.status_code >= 300 else ""  # noqa: PLR2004
    if error:
        said = f"{said} {error.code} {error.message}".strip()
    raise Unanswered(outcome, said[:LONGEST_SAID], error)


def _object_in(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _error_in(told: dict[str, Any], address: str) -> JsonRpcError | None:
    error = told.get("error")
    if not isinstance(error, dict):
        return None
    code = error.get("code")
    message = without_secrets(str(error.get("message", "")), address)[:LONGEST_SAID]
    return JsonRpcError(code if isinstance(code, int) else 0, message, error.get("data"))
