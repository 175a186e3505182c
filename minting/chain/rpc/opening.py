"""Opening the endpoints for one task: from the rows, and back to the rows every few seconds.

``async with open_endpoints() as rpc`` inside the one ``asyncio.run`` of a task. What is known of
an endpoint stays with the process from one task to the next; the row tells it to the others.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import structlog
from django.conf import settings
from django.db import Error, connection

from minting.chain.networks import Promise
from minting.chain.own_thread import in_own_thread
from minting.chain.rpc.breaker import State
from minting.chain.rpc.endpoint import Endpoint
from minting.chain.rpc.endpoint_rows import (
    EndpointRow,
    Note,
    Standing,
    read_endpoints,
    read_promise,
    write_notes,
)
from minting.chain.rpc.health import Health, Unsaved
from minting.chain.rpc.pool import Endpoints
from minting.chain.rpc.rates import Bucket

log = structlog.get_logger(__name__)

#: How often it is seen whether one may be tried again, and how often rows are written: seconds.
TICK, WRITE_EVERY = 1.0, 2.0
#: As many requests as the rate allows in this time may be sent at once: seconds.
_BURST_SECONDS = 0.2

#: What this process knows of each endpoint; one with another address is another endpoint.
_known: dict[tuple[int, str], tuple[Health, Bucket]] = {}


@asynccontextmanager
async def open_endpoints() -> AsyncIterator[Endpoints]:
    """Open the endpoints that are enabled; write down in the end what was found out."""
    try:
        rows = await in_own_thread(read_endpoints)
        promise = await in_own_thread(read_promise)
        rpc = Endpoints([_endpoint_of(row, promise) for row in rows])
        async with _kept(rpc):
            yield rpc
    finally:
        await in_own_thread(_leave)


@asynccontextmanager
async def _kept(rpc: Endpoints) -> AsyncIterator[None]:
    """Look after the endpoints meanwhile, and write down in the end what was found out."""
    ending = asyncio.Event()
    keeper = asyncio.create_task(_keep(rpc, ending))
    try:
        yield
    finally:
        ending.set()
        # What the task ended in is raised, and not what its keeper may have ended in.
        await asyncio.wait({keeper})
        if not keeper.cancelled() and (error := keeper.exception()):
            log.error("rpc_keeper_failed", error=type(error).__name__)
        await rpc.close()
        await _write(rpc)


async def look_at_all() -> None:
    """Ask every endpoint that may be asked for its slot, and write down what comes of it."""
    async with open_endpoints() as rpc:
        await rpc.look()


async def _keep(rpc: Endpoints, ending: asyncio.Event) -> None:
    """Look after the endpoints until the task ends."""
    written_at = time.monotonic()
    while not ending.is_set():
        rpc.look_if_due()
        with suppress(TimeoutError):
            async with asyncio.timeout(TICK):
                await ending.wait()
        if time.monotonic() - written_at >= WRITE_EVERY and not ending.is_set():
            await _write(rpc)
            written_at = time.monotonic()


async def _write(rpc: Endpoints) -> None:
    """Write down what is new. What a lost database does not take is kept for the next time."""
    told = [(one, one.health.take_unsaved()) for one in rpc if one.health.is_unsaved]
    if not told:
        return
    try:
        standings = await in_own_thread(write_notes, [_note_of(*each) for each in told])
    except Error as error:
        for one, unsaved in told:
            one.health.give_back(unsaved)
        log.warning("rpc_health_not_written", error=type(error).__name__)
        await in_own_thread(_leave)
        return
    _take_over(rpc, standings)


def _take_over(rpc: Endpoints, standings: Sequence[Standing]) -> None:
    """Learn what others have found out, and whom an operator has disabled."""
    by_id = {one.id: one for one in rpc}
    for standing in standings:
        endpoint = by_id[standing.id]
        if not standing.enabled:
            rpc.drop(endpoint)
        if standing.is_others:
            _resume(endpoint.health, standing)


def _endpoint_of(row: EndpointRow, promise: Promise | None) -> Endpoint:
    health, bucket = _known.setdefault((row.id, row.url), (Health(), Bucket(0.0)))
    bucket.per_second = row.per_second
    bucket.burst = max(1, int(row.per_second * _BURST_SECONDS))
    if not health.is_unsaved:
        _resume(health, row)
        health.failure_rate, health.last_error = row.failure_rate, row.last_error
        health.slots_behind = row.slot_lag or 0
        health.latency.resume(row.latency_ms and row.latency_ms / 1000)
    return Endpoint(
        id=row.id,
        name=row.name,
        url=row.url,
        position=row.position,
        health=health,
        bucket=bucket,
        patience=settings.SOLANA_RPC_TIMEOUT,
        promise=promise,
    )


def _resume(health: Health, row: EndpointRow | Standing) -> None:
    health.resume(State(row.status), time.monotonic(), rest=row.rest, opened_times=row.opened_times)


def _note_of(endpoint: Endpoint, unsaved: Unsaved) -> Note:
    now, health = time.monotonic(), endpoint.health

    def ago(moment: float | None) -> float | None:
        return None if moment is None else now - moment

    average = health.latency.average
    return Note(
        id=endpoint.id,
        successes=unsaved.successes,
        failures=unsaved.failures,
        seconds_ago=ago(unsaved.noted_at) or 0.0,
        success_seconds_ago=ago(unsaved.succeeded_at),
        failure_seconds_ago=ago(unsaved.failed_at),
        last_error=health.last_error,
        status=health.state.value,
        opened_times=health.breaker.opened_times,
        rest=health.rest(now),
        failure_rate=health.failure_rate,
        latency_ms=None if average is None else average * 1000,
        slot=health.slot,
        slot_lag=health.slots_behind if health.slot_at is not None else None,
    )


def _leave() -> None:
    """Close the connection of a thread that is not the process's own: nobody else would."""
    if threading.current_thread() is not threading.main_thread():
        connection.close()
