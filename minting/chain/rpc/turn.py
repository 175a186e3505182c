"""One question's way through the endpoints: each is asked once at most, the best of them first."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Generic, TypeVar

from minting.chain.rpc.endpoint import Call, Endpoint, Reply
from minting.chain.rpc.errors import NoEndpointError, RefusedError
from minting.chain.rpc.order import in_order, is_believed, is_well
from minting.chain.rpc.outcomes import Verdict

T = TypeVar("T")

#: No request waits longer for an endpoint's rate, and one that has failed is asked again no sooner:
#: seconds. Where no endpoint is enabled at all, a person has to do something.
LONGEST_WAIT, ASK_AGAIN, NOBODY_THERE = 5.0, 1.0, 60.0


class Turn(Generic[T]):
    """A question and what has come of it so far. ``requests``: how many the call makes."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        call: Call[T],
        *,
        requests: int = 1,
        must_keep_up: bool = False,
    ) -> None:
        self.replies: list[Reply[T]] = []
        self._endpoints = endpoints
        self._call = call
        self._requests = requests
        self._must_keep_up = must_keep_up
        self._tried: set[Endpoint] = set()

    def take(self, *, beside_another: bool = False) -> Endpoint | None:
        """Return who is to be asked next, and let the request in; None where nobody is left.

        Beside another that is only slow, nobody is asked who is being tried or is behind.
        """
        able = [one for one in self._endpoints if self._may_take(one)]
        if beside_another:
            able = [one for one in able if is_well(one.health)]
        for one in in_order(able, lambda one: one.bucket.would_wait(one.clock(), self._requests)):
            if one.health.admits(one.clock()):
                self._tried.add(one)
                return one
        return None

    async def ask(self, endpoint: Endpoint) -> Reply[T]:
        """Ask one that was taken, and keep its reply."""
        reply = await endpoint.ask(self._call, requests=self._requests)
        self.replies.append(reply)
        return reply

    async def ask_until_heard(self, *, beside_another: bool = False) -> Reply[T] | None:
        """Ask one after the other until one answers or refuses; None where nobody does."""
        while (endpoint := self.take(beside_another=beside_another)) is not None:
            reply = await self.ask(endpoint)
            if not reply.outcome.may_be_asked_elsewhere:
                return reply
        return None

    async def ask_hedged(self) -> Reply[T] | None:
        """The same, and ask another beside the first where that takes longer than it usually does.

        Whoever is heard first counts; the other is given up.
        """
        best = in_order(one for one in self._endpoints if self._may_take(one))
        patience = best[0].health.latency.hedge_after if best else None
        asked = [asyncio.create_task(self.ask_until_heard())]
        try:
            done, _ = await asyncio.wait(asked, timeout=patience)
            if not done:
                asked.append(asyncio.create_task(self.ask_until_heard(beside_another=True)))
            for heard in asyncio.as_completed(asked):
                reply = await heard
                if reply is not None:
                    return reply
        finally:
            await stop(asked)
        return None

    @property
    def seconds(self) -> float:
        """How long until one of the endpoints may be asked."""
        waits = (max(ASK_AGAIN, one.wait(self._requests)) for one in self._endpoints)
        return min(waits, default=NOBODY_THERE)

    @property
    def tried(self) -> tuple[str, ...]:
        """What each that was asked and did not answer said."""
        silent = (reply for reply in self.replies if reply.verdict is not Verdict.ANSWERED)
        return tuple(f"{reply.endpoint}: {reply.said}" for reply in silent)

    def failure(self) -> Exception:
        """Return what to raise where nobody has answered."""
        lacking = [reply for reply in self.replies if reply.verdict is Verdict.LACKING]
        if lacking and len(lacking) == len(self._endpoints):
            return refusal(lacking[-1])
        left_out = (one for one in self._endpoints if one not in self._tried)
        return NoEndpointError(self.seconds, self.tried, tuple(map(self._why_not, left_out)))

    def _why_not(self, endpoint: Endpoint) -> str:
        """Say why an endpoint is not asked."""
        health, now = endpoint.health, endpoint.clock()
        if not health.might_admit(now):
            after = f" after {health.last_error}" if health.last_error else ""
            return f"{endpoint.name}: rests for {health.rest(now):.1f} s{after}"
        wait = endpoint.bucket.would_wait(now, self._requests)
        if wait > LONGEST_WAIT:
            return f"{endpoint.name}: its rate is used up for {wait:.1f} s"
        return f"{endpoint.name}: not known to keep up"

    def _may_take(self, endpoint: Endpoint) -> bool:
        now = endpoint.clock()
        return (
            endpoint not in self._tried
            and endpoint.health.might_admit(now)
            and endpoint.bucket.would_wait(now, self._requests) <= LONGEST_WAIT
            and (is_believed(endpoint.health, now) or not self._must_keep_up)
        )


def refusal(reply: Reply[Any]) -> RefusedError:
    """Return the error that a refusal is."""
    error = reply.error
    if error is None:
        return RefusedError(reply.endpoint, None, reply.said)
    return RefusedError(reply.endpoint, error.code, error.message, error.data)


async def all_of(asked: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return what all of them return; where one raises, the others are cancelled."""
    tasks = [asyncio.create_task(one) for one in asked]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await stop(tasks)


async def stop(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks and wait until they have ended."""
    listed = list(tasks)
    for task in listed:
        task.cancel()
    await asyncio.gather(*listed, return_exceptions=True)
