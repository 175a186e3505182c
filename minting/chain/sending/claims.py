"""Claiming submissions: who sends which, until when, and with which fence.

As with mint jobs, all times are the database's and an ended lease is free to anyone. The lease
only keeps workers out of each other's way: that nothing is done twice rests on the transactions
(``storing``), which the database lets one at a time be alive.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

# Due whether nothing is signed yet or something is on its way: both are somebody's to look after.
_IS_DUE = """
       network = %(network)s and status in ('pending', 'sent')
   and (lease_until is null or lease_until <= clock_timestamp())
   and (next_attempt_at is null or next_attempt_at <= clock_timestamp())
"""
_CLAIM = f"""
with due as (
    select id from minting_chainsubmission
     where {_IS_DUE}
     order by priority, created_at, id
       for no key update skip locked
     limit %(limit)s
)
update minting_chainsubmission as submission
   set fence = fence + 1,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
  from due
 where submission.id = due.id
returning submission.id, brand_id, batch_id, kind, payload, priority, fence, consecutive_errors
"""  # noqa: S608 - constants only
_ALIVE = """
select submission_id, id, signature, signed_bytes, last_valid_block_height,
       confirmed_at is not null
  from minting_chaintransaction
 where submission_id = any(%s) and status = 'sent'
"""
_LET_GO = """
update minting_chainsubmission as submission
   set lease_until = null,
       next_attempt_at = clock_timestamp() + make_interval(secs => %(wait)s)
  from unnest(%(ids)s::uuid[], %(fences)s::bigint[]) as held(id, fence)
 where submission.id = held.id and submission.fence = held.fence
   and submission.status in ('pending', 'sent')
"""
_OLDEST = f"select id from minting_chainsubmission where {_IS_DUE} limit 1"  # noqa: S608


@dataclass
class Signed:
    """A transaction that may still land. ``is_confirmed``: it has, but could yet be undone."""

    id: UUID
    signature: str
    raw: bytes
    last_valid_block_height: int
    is_confirmed: bool = False


@dataclass
class Flight:
    """A submission in this worker's hands, and its transaction that may still land, if any.

    ``present`` is what its next transaction is made of beside its payload: how things stand now.
    """

    id: UUID
    brand_id: UUID
    batch_id: UUID | None
    kind: str
    payload: dict[str, Any]
    priority: int
    fence: int
    consecutive_errors: int
    signed: Signed | None = None
    present: Mapping[str, Any] = field(default_factory=dict)


def claim(limit: int) -> list[Flight]:
    """Claim the first submissions of any brand that are due on this network."""
    terms: dict[str, Any] = {
        "network": settings.SOLANA_NETWORK,
        "lease": float(settings.TIEBACK_LEASE_SECONDS),
        "limit": limit,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, terms)
        flights = [_flight(row) for row in cursor.fetchall()]
        # A statement of its own: the one before may not see what was signed while it waited.
        by_id = {flight.id: flight for flight in flights}
        cursor.execute(_ALIVE, [list(by_id)])
        for submission_id, *signed in cursor.fetchall():
            by_id[submission_id].signed = Signed(*signed)
    flights.sort(key=lambda flight: flight.priority)
    for flight in flights:
        if flight.signed is not None:
            flight.signed.raw = bytes(flight.signed.raw)
    return flights


def _flight(row: Sequence[Any]) -> Flight:
    flight = Flight(*row)
    # Django has psycopg leave JSON as text.
    flight.payload = json.loads(row[4])
    return flight


def let_go(flights: Sequence[Flight], *, wait: float = 0.0) -> None:
    """Let anyone look after these once so many seconds have passed."""
    if not flights:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _LET_GO,
            {
                "ids": [flight.id for flight in flights],
                "fences": [flight.fence for flight in flights],
                "wait": wait,
            },
        )


def oldest_due() -> UUID | None:
    """Return a submission that waits for somebody, of any brand."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST, {"network": settings.SOLANA_NETWORK})
        row = cursor.fetchone()
    return row[0] if row else None
