"""One endpoint as a process sees it: asked, judged by its answers, and kept within its rate."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from minting.chain.networks import Promise
from minting.chain.rpc.health import Health
from minting.chain.rpc.line import Client, JsonRpcError, Unanswered
from minting.chain.rpc.outcomes import ANSWERED, FAILED, Outcome, Verdict
from minting.chain.rpc.rates import Bucket
from tieback.metrics import RPC_DURATION, RPC_REQUESTS

T = TypeVar("T")
Call = Callable[[Client], Awaitable[T]]
#: Any clock that goes forward, in seconds.
Clock = Callable[[], float]


@dataclass(frozen=True)
class Reply(Generic[T]):
    """What asking an endpoint has come to: an answer, or why there is none.

    ``said`` is short and without secrets; ``error`` is JSON-RPC's own, where there was one.
    """

    endpoint: str
    outcome: Outcome
    answer: T | None = None
    said: str = ""
    error: JsonRpcError | None = None

    @property
    def verdict(self) -> Verdict:
        """What the answer says of whom."""
        return self.outcome.verdict


@dataclass(eq=False)
class Endpoint:
    """An endpoint that may be asked. Its client is opened with the first request.

    ``patience``: how long an answer may take as a whole, in seconds. ``promise``: the chain that it
    must be of; one of another fails, whatever it is asked.
    """

    id: int
    name: str
    url: str = field(repr=False)
    position: int
    health: Health
    bucket: Bucket
    patience: float
    promise: Promise | None = None
    clock: Clock = time.monotonic
    _client: Client | None = field(default=None, repr=False)

    def wait(self, requests: int = 1) -> float:
        """Return after how many seconds it may be asked."""
        now = self.clock()
        return max(self.health.rest(now), self.bucket.would_wait(now, requests))

    async def ask(self, call: Call[T], *, requests: int = 1) -> Reply[T]:
        """Ask an endpoint that has admitted it, as soon as its rate allows.

        ``requests``: how many the call makes. Raises what the call raises of its own.
        """
        asked_at: float | None = None
        try:
            await asyncio.sleep(self.bucket.seconds_to_wait(self.clock(), requests))
            asked_at = self.clock()
            reply = await self._heard(call)
        except asyncio.CancelledError:
            self._gave_up(asked_at)
            raise
        except BaseException:
            # The caller's own error: nothing was heard of the endpoint.
            self._gave_up(None)
            raise
        self._note(reply, (self.clock() - asked_at) / requests)
        return reply

    async def close(self) -> None:
        """Close its connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _heard(self, call: Call[T]) -> Reply[T]:
        try:
            async with asyncio.timeout(self.patience):
                client = self._open()
                if broken := await self._why_not_of_our_chain(client):
                    return Reply(self.name, FAILED, said=broken)
                answer = await call(client)
        except TimeoutError:
            return Reply(self.name, FAILED, said=f"no answer within {self.patience:g} s")
        except Unanswered as found:
            return Reply(self.name, found.outcome, said=found.said, error=found.error)
        return Reply(self.name, ANSWERED, answer)

    async def _why_not_of_our_chain(self, client: Client) -> str:
        """Ask for its genesis hash, once for each process, and compare."""
        if self.promise is None or self.health.kept_promise == self.promise:
            return ""
        broken = self.promise.why_broken(str((await client.get_genesis_hash()).value))
        self.health.kept_promise = None if broken else self.promise
        return broken

    def _note(self, reply: Reply[Any], seconds: float) -> None:
        self.health.note(reply.outcome, self.clock(), seconds=seconds, said=reply.said)
        RPC_REQUESTS.labels(self.name, reply.verdict.value).inc()
        if reply.verdict is Verdict.ANSWERED:
            RPC_DURATION.labels(self.name).observe(seconds)

    def _gave_up(self, asked_at: float | None) -> None:
        self.health.gave_up(None if asked_at is None else self.clock() - asked_at)
        RPC_REQUESTS.labels(self.name, "given_up").inc()

    def _open(self) -> Client:
        if self._client is None:
            self._client = Client(self.url, timeout=self.patience)
        return self._client
