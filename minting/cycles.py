"""One atomic cycle: up to 20,000 units in one transaction, or none of them.

Its first statement checks the fence, renews the lease and advances the job; that row stays locked
until the commit, so a cycle and a later claim can never interleave. The units follow in a single
set-based INSERT: tokens travel as one joined string, everything else is made by the server.
"""

import time
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from minting.crashpoints import reach
from minting.leases import Claim, Fenced
from minting.serials import generate_tokens
from tieback.brands.scoping import brand_scope
from tieback.metrics import CYCLE_DURATION, FENCED, MINTS_SUCCEEDED

_ADVANCE = """
update minting_mintjob
   set generated_quantity = generated_quantity + %(count)s,
       cycles = cycles + 1,
       status = 'PROCESSING',
       consecutive_errors = 0,
       next_attempt_at = null,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
 where id = %(id)s and fence = %(fence)s and generated_quantity = %(generated)s
   and status in ('RESERVED', 'PROCESSING')
returning clock_timestamp()
"""

_INSERT_UNITS = """
insert into minting_mintunit
       (brand_id, product_id, batch_id, ordinal, token, status, activated_at, created_at)
select batch.brand_id, batch.product_id, batch.id, %(generated)s + made.position, made.token,
       case batch.activation_mode when 'active_at_mint' then 1 else 0 end,
       case batch.activation_mode when 'active_at_mint' then now() end,
       now()
  from minting_mintbatch as batch,
       string_to_table(%(tokens)s, ',') with ordinality as made (token, position)
 where batch.id = %(batch)s
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


def run_cycle(claim: Claim) -> int:
    """Mint the next cycle of the claimed job and return how many units it made.

    Raises ``Fenced`` where another worker has the job; any error leaves nothing behind.
    """
    count = min(claim.left, int(settings.TIEBACK_CYCLE_SIZE))
    tokens = ",".join(generate_tokens(count))
    began = time.perf_counter()
    with transaction.atomic():
        started = _advance(claim, count)
        reach("mint.fenced")
        with brand_scope(claim.brand_id):
            _insert(claim, count, tokens)
            reach("mint.inserted")
            _record(claim, count, started)
            reach("mint.counted")
    reach("mint.committed")
    claim.generated += count
    claim.cycles += 1
    CYCLE_DURATION.observe(time.perf_counter() - began)
    MINTS_SUCCEEDED.inc(count)
    return count


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


def _insert(claim: Claim, count: int, tokens: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_UNITS,
            {"batch": claim.batch_id, "generated": claim.generated, "tokens": tokens},
        )
        if cursor.rowcount != count:
            raise RuntimeError(f"{cursor.rowcount} units were inserted instead of {count}")


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
