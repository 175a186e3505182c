"""Several endpoints asked as one: failover, hedged reads, answers of several, sending.

Each request goes to the best endpoint that may be asked (``order``), and to the next where that
one cannot answer. What is wrong with a request itself is raised at once, wherever it was asked.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar, cast

from solana.rpc.commitment import Confirmed
from solana.rpc.models import TxOpts
from solders.rpc.responses import SendTransactionResp

from minting.chain.rpc.breaker import State
from minting.chain.rpc.endpoint import Call, Endpoint, Reply
from minting.chain.rpc.errors import RefusedError
from minting.chain.rpc.line import Client
from minting.chain.rpc.order import SLOT_HOLDS, slot_age, slots_behind
from minting.chain.rpc.outcomes import Verdict
from minting.chain.rpc.turn import LONGEST_WAIT, Turn, all_of, refusal, stop

T = TypeVar("T")

#: How often all are asked for their slots, and how long those are waited for: seconds.
LOOK_EVERY, LOOK_PATIENCE = 10.0, 2.0
_UNCHECKED = TxOpts(skip_preflight=True, max_retries=0)


class Heard(NamedTuple, Generic[T]):
    """What one endpoint answered."""

    endpoint: str
    answer: T


@dataclass(frozen=True)
class Sent:
    """What has come of sending a transaction, which never says whether it lands.

    ``endpoints``: who has taken it. ``seconds``: where nobody has, how long until one may be asked.
    ``refusal``: what is wrong with it, where somebody said so and nobody has taken it. ``tried``:
    what those said that have not.
    """

    verdict: Verdict
    endpoints: tuple[str, ...] = ()
    refusal: RefusedError | None = None
    seconds: float = 0.0
    tried: tuple[str, ...] = ()

    @property
    def is_taken(self) -> bool:
        """Whether an endpoint has taken it. What nobody has taken may land all the same."""
        return self.verdict is Verdict.ANSWERED


class Endpoints:
    """The endpoints that may be asked, for one event loop."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = list(endpoints)
        self._dropped: list[Endpoint] = []
        self._looking: asyncio.Task[None] | None = None
        known = (one.health.slot_at for one in self._endpoints)
        self._looked_at = max((at for at in known if at is not None), default=float("-inf"))

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._endpoints)

    @property
    def names(self) -> tuple[str, ...]:
        """The endpoints' names, in order of preference."""
        return tuple(one.name for one in self._endpoints)

    async def ask(self, call: Call[T], *, hedged: bool = False, requests: int = 1) -> T:
        """Return the first answer. Raises ``RefusedError`` and ``NoEndpointError``.

        ``hedged``: where an answer takes longer than they usually do, a second endpoint is asked
        beside the first, and the slower one is given up. For reads only. ``requests``: how many
        the call makes.
        """
        turn = Turn(self._endpoints, call, requests=requests)
        reply = await (turn.ask_hedged() if hedged else turn.ask_until_heard())
        if reply is None:
            raise turn.failure()
        return _answer_of(reply)

    async def ask_each(
        self, call: Call[T], *, at_least: int = 2, requests: int = 1
    ) -> list[Heard[T]]:
        """Return the answers of ``at_least`` different endpoints, each known to keep up.

        Where fewer are enabled, all of them answer: whether that is enough is the caller's to say.
        Raises ``RefusedError``, and ``NoEndpointError`` where fewer answer.

        That a node knows of nothing shows that there is nothing only where the same node is far
        enough: ask for both in one ``call``, the height first.
        """
        wanted = min(at_least, len(self._endpoints))
        await self._know_who_is_behind()
        must_keep_up = len(self._endpoints) > 1
        turn = Turn(self._endpoints, call, requests=requests, must_keep_up=must_keep_up)
        replies = await all_of(turn.ask_until_heard() for _ in range(wanted))
        heard = [Heard(one.endpoint, _answer_of(one)) for one in replies if one is not None]
        if not wanted or len(heard) < wanted:
            raise turn.failure()
        return heard

    async def send(self, raw: bytes, *, copies: int = 1) -> Sent:
        """Send a signed transaction to the best endpoint, or to so many different ones.

        The same bytes land once, so others are tried where one fails. Raises nothing of the
        network's: an error or a missing answer shows nothing, and nothing is to be decided on it.
        """

        async def call(client: Client) -> SendTransactionResp:
            return await client.send_raw_transaction(raw, _UNCHECKED)

        turn = Turn(self._endpoints, call)
        replies = await all_of(turn.ask_until_heard() for _ in range(copies))
        heard = [reply for reply in replies if reply is not None]
        taken = tuple(one.endpoint for one in heard if one.verdict is Verdict.ANSWERED)
        if taken:
            return Sent(Verdict.ANSWERED, taken, tried=turn.tried)
        failure = refusal(heard[0]) if heard else turn.failure()
        if isinstance(failure, RefusedError):
            return Sent(Verdict.REFUSED, refusal=failure, tried=turn.tried)
        has_failed = any(reply.verdict is Verdict.FAILED for reply in turn.replies)
        verdict = Verdict.FAILED if has_failed else Verdict.THROTTLED
        return Sent(verdict, seconds=turn.seconds, tried=turn.tried)

    async def look(self) -> None:
        """Ask all that may be asked for their slot: who is behind, and who works again."""
        self._looked_at = time.monotonic()
        await all_of(_look_at(one, self._endpoints) for one in list(self._endpoints))

    def look_if_due(self) -> None:
        """Begin to look where slots are old, or where one that rested may be tried."""
        # One alone is behind nobody.
        is_old = len(self._endpoints) > 1 and time.monotonic() - self._looked_at > LOOK_EVERY
        is_due = is_old or any(_may_be_tried(one) for one in self._endpoints)
        if is_due and (self._looking is None or self._looking.done()):
            self._looked_at = time.monotonic()
            self._looking = asyncio.create_task(self.look())

    def drop(self, endpoint: Endpoint) -> None:
        """Ask an endpoint no more; what it was asked it may still answer."""
        self._endpoints.remove(endpoint)
        self._dropped.append(endpoint)

    async def close(self) -> None:
        """Close all connections."""
        if self._looking is not None:
            await stop([self._looking])
        for one in (*self._endpoints, *self._dropped):
            await one.close()

    async def _know_who_is_behind(self) -> None:
        """Wait for slots where they are old; who does not answer is not waited for."""
        self.look_if_due()
        if self._looking is not None and not self._looking.done():
            left = self._looked_at + LOOK_PATIENCE - time.monotonic()
            await asyncio.wait({self._looking}, timeout=max(0.0, left))


def _answer_of(reply: Reply[T]) -> T:
    """Return the answer, or raise the refusal."""
    if reply.verdict is Verdict.REFUSED:
        raise refusal(reply)
    return cast("T", reply.answer)


async def _slot_of(client: Client) -> int:
    return (await client.get_slot(Confirmed)).value


async def _look_at(endpoint: Endpoint, among: Sequence[Endpoint]) -> None:
    """Ask for a slot; one that is being tried is asked as often as it takes to trust it again."""
    while endpoint.bucket.would_wait(endpoint.clock()) <= LONGEST_WAIT:
        if not endpoint.health.admits(endpoint.clock()):
            return
        reply = await endpoint.ask(_slot_of)
        if reply.answer is not None:
            endpoint.health.note_slot(reply.answer, endpoint.clock())
            _compare(among)
        if reply.answer is None or endpoint.health.state is State.CLOSED:
            return


def _compare(endpoints: Sequence[Endpoint]) -> None:
    slots = [
        one.health.slot if slot_age(one.health, one.clock()) <= SLOT_HOLDS else None
        for one in endpoints
    ]
    for one, behind in zip(endpoints, slots_behind(slots), strict=True):
        if behind is not None:
            one.health.slots_behind = behind


def _may_be_tried(endpoint: Endpoint) -> bool:
    health = endpoint.health
    return health.state is not State.CLOSED and health.might_admit(endpoint.clock())
