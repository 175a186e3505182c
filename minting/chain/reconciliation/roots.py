"""Stage: whether every root that is to be anchored is asked for, and what is completed has landed.

Asks the database alone.
"""

from typing import Any
from uuid import UUID

from django.db import connection

from minting.chain.own_thread import in_own_thread
from minting.chain.reconciliation.drifts import Drift, Looked, Position, Round
from minting.chain.reconciliation.witnesses import Chain
from minting.states import DriftKind

_OF_BRAND = "(%(brand)s::uuid is null or {table}.brand_id = %(brand)s)"
_HEADS = f"""
select head.id, head.brand_id, head.batch_id, head.number, head.size, head.root, asked.id is null
  from minting_proofhead as head
  join minting_mintbatch as batch on batch.id = head.batch_id
   and batch.chain_mode <> 'none' and batch.chain_network = %(network)s
  left join minting_chainsubmission as asked on asked.brand_id = head.brand_id
   and asked.blockchain = 'solana' and asked.network = batch.chain_network
   and asked.key = 'anchor:' || head.batch_id || ':' || head.size
 where {_OF_BRAND.format(table="head")}
"""  # noqa: S608 - constants only
_IN_TURN = f"{_HEADS} and head.id > %(head)s order by head.id limit %(limit)s"
_NEWEST = f"{_HEADS} order by head.id desc limit %(limit)s"
_COMPLETED = f"""
select asked.id, asked.brand_id, asked.batch_id, asked.kind,
       not exists (select from minting_chaintransaction as sent
                    where sent.submission_id = asked.id and sent.status = 'finalized')
  from minting_chainsubmission as asked
 where asked.network = %(network)s and asked.status = 'completed'
   and asked.id > %(submission)s::uuid and {_OF_BRAND.format(table="asked")}
 order by asked.id limit %(limit)s
"""  # noqa: S608 - constants only
_BEFORE_ALL = str(UUID(int=0))

KINDS = frozenset({DriftKind.ANCHOR_MISSING, DriftKind.SUBMISSION_UNFOUNDED})


async def look(chain: Chain, of: Round, position: Position) -> Looked:
    """Look at some roots and submissions in turn, and at the newest roots."""
    return await in_own_thread(_looked, of, position)


def root_id(batch_id: object, number: int) -> str:
    """Return what the root of a cycle is called as the subject of a drift."""
    return f"{batch_id}:{number}"


def _looked(of: Round, position: Position) -> Looked:
    asked = {
        "network": of.network,
        "brand": of.brand_id,
        "limit": of.at_most,
        "head": position.get("head", 0),
        "submission": position.get("submission", _BEFORE_ALL),
    }
    heads = _read(_IN_TURN, asked)
    newest = [] if of.is_full else _read(_NEWEST, asked)
    completed = _read(_COMPLETED, asked)
    is_end = max(len(heads), len(completed)) < of.at_most
    then: Position = {} if is_end else _after(heads, completed, asked)
    unique = {row[0]: row for row in (*heads, *newest)}.values()
    examined = [root_id(row[2], row[3]) for row in unique] + [str(row[0]) for row in completed]
    return Looked(
        examined,
        [
            *(_missing(row) for row in unique if row[-1]),
            *map(_unfounded, filter(_is_it, completed)),
        ],
        then,
        is_end,
    )


def _after(heads: list[Any], completed: list[Any], asked: dict[str, Any]) -> Position:
    return {
        "head": heads[-1][0] if heads else asked["head"],
        "submission": str(completed[-1][0]) if completed else asked["submission"],
    }


def _missing(row: Any) -> Drift:
    _, brand_id, batch_id, number, size, root, _ = row
    return Drift(
        kind=DriftKind.ANCHOR_MISSING,
        subject_id=root_id(batch_id, number),
        brand_id=brand_id,
        batch_id=batch_id,
        detail={"number": number, "size": size, "root": root},
    )


def _unfounded(row: Any) -> Drift:
    submission_id, brand_id, batch_id, kind, _ = row
    return Drift(
        kind=DriftKind.SUBMISSION_UNFOUNDED,
        subject_id=str(submission_id),
        brand_id=brand_id,
        batch_id=batch_id,
        detail={"kind": kind},
    )


def _is_it(row: Any) -> bool:
    return bool(row[-1])


def _read(statement: str, asked: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
