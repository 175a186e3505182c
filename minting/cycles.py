"""One atomic cycle: up to 20,000 units in one transaction, or none of them.

Its first statement checks the fence, renews the lease and advances the job; that row stays locked
until the commit, so a cycle and a later claim can never interleave. The units follow in set-based
INSERTs, one for each slice of 5,000: tokens travel as one joined string, everything else, lots and
serials included, is made by the server. A statement keeps a processor to itself while it lasts, so
a large job stands aside for a moment before each while a job that ends soon is worked.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction

from minting.crashpoints import reach
from minting.fairness import small_job_is_worked
from minting.leases import Claim, Fenced
from minting.serials import generate_tokens
from minting.unit_inserts import insert_units
from tieback.brands.scoping import brand_scope
from tieback.metrics import CYCLE_DURATION, FENCED, MINTS_SUCCEEDED

_ADVANCE = """
update minting_mintjob
   set generated_quantity = generated_quantity + %(count)s,
       cycles = cycles + 1,
       status = 'PROCESSING',
       consecutive_errors = 0,
       crashes_without_progress = 0,
       next_attempt_at = null,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
 where id = %(id)s and fence = %(fence)s and generated_quantity = %(generated)s
   and status in ('RESERVED', 'PROCESSING')
returning clock_timestamp()
"""

_IDENTITIES = """
select identity_mode = 'batch',
       case when serial_prefix is not null then 'sequential'
            when serial_list_id is not null then 'own' else 'generated' end
  from minting_mintbatch where id = %(batch)s
"""

_COUNT_INTO_BATCH = """
update minting_mintbatch
   set minted_quantity = minted_quantity + %(count)s,
       activated_quantity = activated_quantity
           + case activation_mode when 'active_at_mint' then %(count)s else 0 end,
       status = 'processing'
 where id = %(batch)s
"""

_RECORD_CYCLE = """
insert into minting_mintcycle
       (brand_id, job_id, number, first_ordinal, count, fence, started_at, committed_at)
values (%(brand)s, %(id)s, %(number)s, %(generated)s + 1, %(count)s, %(fence)s, %(started)s,
        clock_timestamp())
"""


# Units of one statement, which takes some 30 ms.
SLICE = 5_000
# A job of a thousand units is claimed, minted and completed in less than this.
STANDS_ASIDE_SECONDS = 0.08
_LOOKS_AGAIN_SECONDS = 0.01


def cycle_of(left: int) -> int:
    """Return how many of the units that are left belong to the next cycle."""
    return min(left, int(settings.TIEBACK_CYCLE_SIZE))


def sliced_tokens(count: int) -> list[list[str]]:
    """Return the tokens of a cycle as they travel: slice by slice."""
    tokens = generate_tokens(count)
    return [tokens[at : at + SLICE] for at in range(0, count, SLICE)]


def run_cycles(claim: Claim, *, stop: Callable[[], bool]) -> None:
    """Run cycles until the job has all its units or ``stop`` says so, at least one.

    The tokens of the next cycle are made while the server inserts those of this one.
    """
    tokens = sliced_tokens(cycle_of(claim.left))
    with ThreadPoolExecutor(1, thread_name_prefix="tokens") as maker:
        while claim.left:
            after = claim.left - cycle_of(claim.left)
            make_next = partial(maker.submit, sliced_tokens, cycle_of(after))
            coming = run_cycle(claim, tokens, meanwhile=make_next)
            if stop():
                return
            tokens = coming.result()


def run_cycle(
    claim: Claim,
    tokens: list[list[str]] | None = None,
    *,
    meanwhile: Callable[[], Any] = lambda: None,
) -> Any:
    """Mint the next cycle of the claimed job; return what ``meanwhile`` returned.

    ``meanwhile`` is called just before the long statement, to start what can be done beside it.
    Raises ``Fenced`` where another worker has the job; any error leaves nothing behind.
    """
    structlog.contextvars.bind_contextvars(cycle=claim.cycles + 1)
    count = cycle_of(claim.left)
    tokens = tokens or sliced_tokens(count)
    began = time.perf_counter()
    with transaction.atomic():
        started = _advance(claim, count)
        reach("mint.fenced")
        with brand_scope(claim.brand_id):
            statement = _statement_for(claim)
            started_beside = meanwhile()
            _insert(claim, statement, tokens)
            reach("mint.inserted")
            _record(claim, count, started)
            reach("mint.counted")
    reach("mint.committed")
    claim.generated += count
    claim.cycles += 1
    CYCLE_DURATION.observe(time.perf_counter() - began)
    MINTS_SUCCEEDED.inc(count)
    return started_beside


def _advance(claim: Claim, count: int) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(
            _ADVANCE,
            {
                "id": claim.job_id,
                "fence": claim.fence,
                "generated": claim.generated,
                "count": count,
                "lease": float(settings.TIEBACK_LEASE_SECONDS),
            },
        )
        row = cursor.fetchone()
    if row is None:
        FENCED.inc()
        raise Fenced
    started: datetime = row[0]
    return started


def _statement_for(claim: Claim) -> str:
    """Return what inserts units of the claim's batch, as its identities need it."""
    with connection.cursor() as cursor:
        cursor.execute(_IDENTITIES, {"batch": claim.batch_id})
        has_lots, source = cursor.fetchone()
    return insert_units(has_lots=has_lots, source=source)


def _insert(claim: Claim, statement: str, tokens: list[list[str]]) -> None:
    first = claim.generated
    for tokens_of_slice in tokens:
        _stand_aside(claim)
        count = len(tokens_of_slice)
        names: dict[str, Any] = {
            "batch": claim.batch_id,
            "generated": first,
            "count": count,
            "tokens": ",".join(tokens_of_slice),
        }
        with connection.cursor() as cursor:
            cursor.execute(statement, names)
            if cursor.rowcount != count:
                raise RuntimeError(f"{cursor.rowcount} units were inserted instead of {count}")
        first += count


def _stand_aside(claim: Claim) -> None:
    """Let jobs that end with their next cycle have the processor, for a moment at most."""
    ends_soon = int(settings.TIEBACK_CYCLE_SIZE)
    if claim.left <= ends_soon:
        return
    until = time.monotonic() + STANDS_ASIDE_SECONDS
    while small_job_is_worked(ends_soon) and time.monotonic() < until:
        time.sleep(_LOOKS_AGAIN_SECONDS)


def _record(claim: Claim, count: int, started: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_INTO_BATCH, {"batch": claim.batch_id, "count": count})
        cursor.execute(
            _RECORD_CYCLE,
            {
                "brand": claim.brand_id,
                "id": claim.job_id,
                "number": claim.cycles + 1,
                "generated": claim.generated,
                "count": count,
                "fence": claim.fence,
                "started": started,
            },
        )
