"""What writing to chains has cost a brand, from its transactions as they are stored.

A transaction belongs to the day of UTC on which it was signed. What it has cost is known once it
is in a finalized block, also where it has failed there: then its fee was paid in vain. One that
has expired cost nothing. Amounts are in lamports. Every function reads the brand in scope by one
statement, from an index that holds all that is asked for (``minting_transaction_costs``).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import connection

#: As many batches are told of at most: those that cost the most.
MOST_BATCHES = 100


class GroupBy(Enum):
    """What costs may be told by."""

    DAY = "day"
    BATCH = "batch"
    MODE = "mode"
    KIND = "kind"


@dataclass(frozen=True)
class Asked:
    """Which transactions: signed from ``start`` on and before ``end``."""

    start: datetime
    end: datetime
    batch: UUID | None = None
    network: str | None = None


# What transactions are first counted by, beside their batch, and then told by.
_KEYS = {
    None: ("null::text", "null::text"),
    GroupBy.DAY: ("(sent.created_at at time zone 'UTC')::date", "counted.part"),
    GroupBy.BATCH: ("null::text", "counted.batch_id"),
    GroupBy.MODE: ("null::text", "batch.chain_mode"),
    GroupBy.KIND: ("sent.kind", "counted.part"),
}
_ASKED = """
       created_at >= %(start)s and created_at < %(end)s
   and (%(batch)s::uuid is null or sent.batch_id = %(batch)s)
   and (%(network)s::text is null or sent.network = %(network)s)
"""
# Once by batch, so that no unit of it is counted twice.
_COSTS = """
with counted as (
    select {first} as part, sent.batch_id,
           count(*) as transactions,
           count(*) filter (where status = 'finalized') as finalized,
           count(*) filter (where status = 'failed') as failed,
           count(*) filter (where status = 'expired') as expired,
           count(*) filter (where status = 'sent') as under_way,
           count(*) filter (where attempt > 1) as retries,
           sum(mint_count) filter (where status = 'finalized') as mints,
           sum(fee - priority_fee) as base_fee,
           sum(priority_fee) as priority_fee,
           sum(spent_besides) as spent_besides,
           sum(fee + spent_besides) as lamports,
           sum(fee + spent_besides) filter (where status = 'failed') as failed_lamports
      from minting_chaintransaction as sent
     where {asked}
     group by part, sent.batch_id
), told as (
    select {second} as part, sum(transactions)::bigint as transactions,
           coalesce(sum(finalized), 0)::bigint as finalized,
           coalesce(sum(failed), 0)::bigint as failed,
           coalesce(sum(expired), 0)::bigint as expired,
           coalesce(sum(under_way), 0)::bigint as under_way,
           coalesce(sum(retries), 0)::bigint as retries,
           coalesce(sum(mints), 0)::bigint as mints,
           coalesce(sum(batch.minted_quantity), 0)::bigint as units,
           coalesce(sum(base_fee), 0)::bigint as base_fee,
           coalesce(sum(priority_fee), 0)::bigint as priority_fee,
           coalesce(sum(spent_besides), 0)::bigint as spent_besides,
           coalesce(sum(lamports), 0)::bigint as lamports,
           coalesce(sum(failed_lamports), 0)::bigint as failed_lamports
      from counted
      left join minting_mintbatch as batch on batch.id = counted.batch_id
     group by {second}
)
select part, transactions, finalized, failed, expired, under_way, retries, mints, units,
       base_fee, priority_fee, spent_besides, lamports, failed_lamports,
       (lamports::numeric / nullif(units, 0))::float8
  from told
 order by {order}
"""
_FIELDS = (
    *("transactions", "finalized", "failed", "expired", "under_way", "retries"),
    *("mints", "units", "base_fee", "priority_fee", "spent_besides", "lamports"),
    *("failed_lamports", "lamports_per_unit"),
)
_NOTHING: dict[str, Any] = {**dict.fromkeys(_FIELDS, 0), "lamports_per_unit": None}
_BY_PART = "part nulls last"
_ORDERS = {GroupBy.BATCH: f"lamports desc, part limit {MOST_BATCHES}"}
_STATEMENTS = {
    key: _COSTS.format(
        first=first, second=second, asked=_ASKED, order=_ORDERS.get(key, _BY_PART) if key else "1"
    )
    for key, (first, second) in _KEYS.items()
}
# Medians cannot be added up, so both levels are counted by one statement.
_CHAINS = f"""
select blockchain, network, kind, count(*),
       count(*) filter (where status = 'finalized'),
       count(*) filter (where status = 'failed'),
       count(*) filter (where status = 'expired'),
       count(*) filter (where status = 'sent'),
       coalesce(sum(mint_count) filter (where status = 'finalized'), 0)::bigint,
       coalesce(sum(fee + spent_besides), 0)::bigint,
       percentile_cont(0.5) within group (
           order by extract(epoch from settled_at - created_at)::float8
       ) filter (where status = 'finalized')
  from minting_chaintransaction as sent
 where {_ASKED}
 group by grouping sets ((blockchain, network), (blockchain, network, kind))
 order by blockchain, network, kind nulls first
"""  # noqa: S608 - constants only
_CHAIN_FIELDS = (
    *("transactions", "finalized", "failed", "expired", "under_way", "mints", "lamports"),
    "median_seconds_to_finality",
)


def totals(asked: Asked) -> dict[str, Any]:
    """Return what all of it cost; ``lamports_per_unit`` is None where there is no unit.

    ``units`` are those of the batches that were written for, each once.
    """
    rows = _rows(_STATEMENTS[None], asked)
    return dict(zip(_FIELDS, rows[0][1:], strict=True)) if rows else dict(_NOTHING)


def grouped(asked: Asked, by: GroupBy) -> list[dict[str, Any]]:
    """Return the same for each day, batch, mode or kind that has cost or tried anything.

    ``key`` is None for what belongs to no batch: trees are shared.
    """
    rows = _rows(_STATEMENTS[by], asked)
    return [{"key": key, **dict(zip(_FIELDS, told, strict=True))} for key, *told in rows]


def by_chain(asked: Asked, *, always: str = "") -> list[dict[str, Any]]:
    """Return what was done on each network, and there by each kind of submission.

    ``always`` names the network that is told of also where nothing was done on it.
    """
    found: list[dict[str, Any]] = []
    for blockchain, network, kind, *told in _rows(_CHAINS, asked):
        figures = dict(zip(_CHAIN_FIELDS, told, strict=True))
        if kind is None:
            chain = {"blockchain": blockchain, "network": network}
            found.append({**chain, **figures, "by_kind": []})
        else:
            found[-1]["by_kind"].append({"kind": kind, **figures})
    if always and always not in {chain["network"] for chain in found}:
        none = {**dict.fromkeys(_CHAIN_FIELDS, 0), "median_seconds_to_finality": None}
        found.append({"blockchain": "solana", "network": always, **none, "by_kind": []})
    return found


def _rows(statement: str, asked: Asked) -> list[tuple[Any, ...]]:
    terms = {
        "start": asked.start,
        "end": asked.end,
        "batch": asked.batch,
        "network": asked.network,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, terms)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
