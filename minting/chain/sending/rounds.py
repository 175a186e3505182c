"""Rounds of sending: claim, sign, send, look, settle, for as long as something is to be done.

One event loop a task. What uses the database runs in the task's own thread, between what waits for
endpoints. A round does not wait for what it has sent: while that lands the next ones are signed,
and it is looked for beside them. A transaction that is confirmed is let go until it is finalized,
some seconds later: nobody's process waits for that.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import structlog
from django.conf import settings

from minting.chain.networks import WrongNetworkError
from minting.chain.own_thread import in_own_thread
from minting.chain.rpc.errors import NoEndpointError, RefusedError
from minting.chain.rpc.opening import open_endpoints
from minting.chain.rpc.pool import Endpoints
from minting.chain.sending.claims import Flight, Signed, claim, let_go
from minting.chain.sending.looking import MOST_STATUSES, landed, look
from minting.chain.sending.preparing import Preparer
from minting.chain.sending.storing import Landed, expire, note_confirmed, put_off, settle
from minting.chain.wallets.payer import chain_is_on
from minting.crashpoints import reach
from tieback.errors import PermanentError, TransientError

log = structlog.get_logger(__name__)

#: How long what cannot go on is left alone, at least and at most, in seconds.
_REST_AT_LEAST, _REST_AT_MOST = 1.0, 30.0
#: How many looks lie between two sendings of the same bytes, and before a look at what is
#: confirmed.
_LOOKS_A_RESEND = 5
#: How many submissions a task has in hand, some of which are only waited for.
_MOST_IN_HAND = 4 * MOST_STATUSES


async def work_submissions(*, until: float, stop: Callable[[], bool]) -> float | None:
    """Send what is due until ``until`` (monotonic) or ``stop``.

    Returns after how many seconds somebody should go on with what this left; None where nobody
    has to.
    """
    if not chain_is_on():
        return None
    async with open_endpoints() as rpc:
        return await _Rounds(rpc, stop).run(until)


class _Rounds:
    """The submissions in this task's hands."""

    def __init__(self, rpc: Endpoints, stop: Callable[[], bool]) -> None:
        self._rpc = rpc
        self._stop = stop
        self._preparer = Preparer(rpc)
        self._flights: dict[UUID, Flight] = {}
        self._sent_at: dict[UUID, float] = {}
        self._at_once = asyncio.Semaphore(int(settings.QUEUE_CONCURRENCY))
        self._look_seconds = float(settings.TIEBACK_CHAIN_LOOK_SECONDS)
        self._left_to_others: float | None = None

    async def run(self, until: float) -> float | None:
        try:
            while True:
                taken = await self._take_more()
                if not self._flights:
                    return self._left_to_others
                # Once at least, so that no stream of jobs keeps the chain waiting for ever.
                await self._round()
                if time.monotonic() >= until or await in_own_thread(self._stop):
                    break
                if self._flights and not taken:
                    await asyncio.sleep(self._look_seconds)
        except (NoEndpointError, RefusedError, TransientError) as error:
            log.warning("chain_not_reached", error=str(error))
            wait = max(_REST_AT_LEAST, getattr(error, "seconds", 0.0))
            await self._stand_still(error, wait=min(wait, _REST_AT_MOST))
            return None
        except (WrongNetworkError, PermanentError) as error:
            log.exception("chain_not_usable")
            await self._stand_still(error, wait=_REST_AT_MOST)
            return None
        left = bool(self._flights)
        await self._leave(list(self._flights.values()))
        return 0.0 if left else self._left_to_others

    async def _stand_still(self, why: Exception, *, wait: float) -> None:
        """Leave everything for later; what has nothing on its way says what it waits for."""
        flights = list(self._flights.values())
        await self._leave([one for one in flights if one.signed is not None], wait=wait)
        await in_own_thread(put_off, list(self._flights.values()), str(why), wait=wait)
        self._flights.clear()

    async def _take_more(self) -> int:
        """Claim what there is room for; return how many."""
        room = min(MOST_STATUSES, _MOST_IN_HAND - len(self._flights))
        taken = await in_own_thread(claim, room) if room else []
        self._flights |= {flight.id: flight for flight in taken}
        return len(taken)

    async def _round(self) -> None:
        await self._preparer.bound_signer()
        flights = list(self._flights.values())
        unsigned = [flight for flight in flights if flight.signed is None]
        if unsigned:
            await self._preparer.sign(unsigned)
            for flight in unsigned:
                if flight.signed is None:
                    # Put off, refused, or somebody else's.
                    del self._flights[flight.id]
        signed = [one.signed for one in self._flights.values() if one.signed is not None]
        if not signed:
            return
        # What is new goes out now and is looked for next time: nobody waits for it here.
        new = {one.signed.id for one in unsigned if one.signed is not None}
        sent_before = [one for one in signed if one.id not in new]
        await self._send(signed)
        for at in range(0, len(sent_before), MOST_STATUSES):
            await self._settle(sent_before[at : at + MOST_STATUSES])

    async def _send(self, signed: Sequence[Signed]) -> None:
        """Send what was not sent for a while; the same bytes land once, however often they go."""
        now, pause = time.monotonic(), _LOOKS_A_RESEND * self._look_seconds
        due = [
            one
            for one in signed
            if not one.is_confirmed and now - self._sent_at.get(one.id, -pause) >= pause
        ]
        if due:
            reach("chain.before_send")
            await asyncio.gather(*map(self._send_one, due))
            reach("chain.sent")

    async def _send_one(self, one: Signed) -> None:
        async with self._at_once:
            self._sent_at[one.id] = time.monotonic()
            # What is answered shows nothing: only what a look finds does.
            await self._rpc.send(one.raw)

    async def _settle(self, signed: Sequence[Signed]) -> None:
        found = await look(self._rpc, signed)
        reach("chain.looked")
        newly = [one for one in found.confirmed if not one.is_confirmed]
        undone = [one for one in found.unknown if one.is_confirmed]
        for one, is_confirmed in [*((o, True) for o in newly), *((o, False) for o in undone)]:
            one.is_confirmed = is_confirmed
        if newly or undone:
            await in_own_thread(note_confirmed, [o.id for o in newly], [o.id for o in undone])
        await self._settle_landed(found.finalized)
        await self._bury(found.dead)
        await self._leave_confirmed(found.confirmed)

    async def _settle_landed(self, finalized: Sequence[Signed]) -> None:
        if not finalized:
            return
        by_transaction = self._by_transaction()
        details = await asyncio.gather(
            *(self._landed_one(by_transaction[one.id], one) for one in finalized)
        )
        known = [one for one in details if one is not None]
        if known:
            await in_own_thread(settle, list(self._flights.values()), known)
            reach("chain.settled")
        self._forget({one.transaction_id for one in known})

    async def _landed_one(self, flight: Flight, one: Signed) -> Landed | None:
        async with self._at_once:
            return await landed(self._rpc, flight, one)

    async def _bury(self, dead: Sequence[Signed]) -> None:
        """Let what is proven dead be signed anew, by whoever claims it next."""
        if dead:
            await in_own_thread(expire, [one.id for one in dead])
            reach("chain.expired")
            by_transaction = self._by_transaction()
            await self._leave([by_transaction[one.id] for one in dead])

    async def _leave_confirmed(self, confirmed: Sequence[Signed]) -> None:
        if confirmed:
            by_transaction = self._by_transaction()
            wait = _LOOKS_A_RESEND * self._look_seconds
            await self._leave([by_transaction[one.id] for one in confirmed], wait=wait)
            self._left_to_others = wait

    async def _leave(self, flights: Sequence[Flight], *, wait: float = 0.0) -> None:
        await in_own_thread(let_go, flights, wait=wait)
        for flight in flights:
            del self._flights[flight.id]

    def _forget(self, transactions: set[UUID]) -> None:
        by_transaction = self._by_transaction()
        for id_ in transactions:
            del self._flights[by_transaction[id_].id]

    def _by_transaction(self) -> dict[UUID, Flight]:
        return {one.signed.id: one for one in self._flights.values() if one.signed is not None}
