"""Stage: whether the rows know every transaction that our payers have signed.

A payer's history is paged from the newest back to what was read before. Of all brands at once, so
a run of one brand leaves it out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection
from solana.rpc.commitment import Finalized
from solders.pubkey import Pubkey

from minting.chain.own_thread import in_own_thread
from minting.chain.reconciliation import transactions
from minting.chain.reconciliation.at_once import asked_at_once
from minting.chain.reconciliation.comparing import Foreign, batch_named, foreign_drift
from minting.chain.reconciliation.drifts import Drift, Looked, Position, Round
from minting.chain.reconciliation.reading import foreign_in, read_signature
from minting.chain.reconciliation.witnesses import Chain
from minting.chain.rpc.line import Client
from minting.states import DriftKind, TransactionStatus

PAGE = 200
_PAYERS = """
select address from minting_chainwallet
 where network = %s and genesis_hash = %s order by first_used_at, address
"""
_KNOWN = "select signature, status from minting_chaintransaction where signature = any(%s)"
_BRANDS = "select id, brand_id from minting_mintbatch where id = any(%s)"
#: What is on its way, or has ended as the chain says it has, is looked after elsewhere.
_UNSETTLED = {TransactionStatus.SENT, TransactionStatus.EXPIRED}

KINDS = frozenset({DriftKind.ORPHAN_ANCHOR, DriftKind.UNKNOWN_SPENDING})


@dataclass(frozen=True)
class Line:
    """One line of a history: a transaction that worked, or did not."""

    signature: str
    worked: bool


async def look(chain: Chain, of: Round, position: Position) -> Looked:
    """Read a page of the first payer's history that is not read up to its end yet."""
    payers = await in_own_thread(_payers, of.network, chain.genesis)
    payer = next((one for one in payers if not position.get(one, {}).get("is_read")), None)
    if payer is None:
        return Looked([], [], _for_next_time(position), is_end=True)
    place = position.get(payer, {})
    lines = await chain.ask(_Page(payer, place))
    again = of.again if len(payers) == 1 or payer == payers[0] else ()
    examined, drifts = await _examined(chain, of, payers, [*lines, *_lines(again)])
    then = {**position, payer: _further(place, lines)}
    is_end = all(then.get(one, {}).get("is_read") for one in payers)
    return Looked(examined, drifts, _for_next_time(then) if is_end else then, is_end)


async def _examined(
    chain: Chain, of: Round, payers: Sequence[str], lines: Sequence[Line]
) -> tuple[list[str], list[Drift]]:
    signatures = list(dict.fromkeys(line.signature for line in lines if line.worked))
    known = await in_own_thread(_known, signatures)
    unsettled = [one for one in signatures if known.get(one) in _UNSETTLED]
    rows = await in_own_thread(transactions.rows_of, chain.genesis, of.network, unsettled)
    drifts = await transactions.examine(chain, rows)
    unknown = [one for one in signatures if one not in known]
    found = await asked_at_once(partial(_foreign, chain), unknown)
    foreign = [one for one in found if one is not None]
    named = [batch for one in foreign if (batch := batch_named(one.memos)) is not None]
    brands = await in_own_thread(_brands, named)
    for one in foreign:
        theirs = (foreign_drift(one, payer, brands) for payer in payers)
        drifts += [drift for drift in theirs if drift is not None][:1]
    return signatures, drifts


async def _foreign(chain: Chain, signature: str) -> Foreign | None:
    """Return what is on the chain under a signature, as all witnesses say it."""
    question = _Foreign(signature)
    if await chain.ask(question) is None:
        return None
    heard = await chain.words(question)
    return heard[0] if all(one == heard[0] for one in heard) else None


class _Foreign:
    """The question what a transaction is that no row knows."""

    def __init__(self, signature: str) -> None:
        self._signature = signature

    async def __call__(self, client: Client) -> Foreign | None:
        told = await client.get_transaction(
            read_signature(self._signature),
            encoding="base64",
            commitment=Finalized,
            max_supported_transaction_version=0,
        )
        return None if told.value is None else foreign_in(self._signature, told.value)


class _Page:
    """The question for the next page of a payer's history."""

    def __init__(self, payer: str, place: Mapping[str, Any]) -> None:
        self._payer = Pubkey.from_string(payer)
        self._place = place

    async def __call__(self, client: Client) -> list[Line]:
        before, until = self._place.get("before"), self._place.get("until")
        told = await client.get_signatures_for_address(
            self._payer,
            before=read_signature(before) if before else None,
            until=read_signature(until) if until else None,
            limit=PAGE,
            commitment=Finalized,
        )
        return [Line(str(one.signature), one.err is None) for one in told.value]


def _further(place: Mapping[str, Any], lines: Sequence[Line]) -> dict[str, Any]:
    """Return where a payer's history goes on once these lines of it are read."""
    head = place.get("head") or (lines[0].signature if lines else None)
    if len(lines) == PAGE:
        return {**place, "head": head, "before": lines[-1].signature}
    return {"until": head or place.get("until"), "is_read": True}


def _for_next_time(position: Position) -> Position:
    return {payer: {"until": place.get("until")} for payer, place in position.items()}


def _lines(signatures: Sequence[str]) -> list[Line]:
    return [Line(signature, worked=True) for signature in signatures]


def _payers(network: str, genesis: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_PAYERS, [network, genesis])
        return [address for (address,) in cursor.fetchall()]


def _known(signatures: Sequence[str]) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [list(signatures)])
        return dict(cursor.fetchall())


def _brands(batches: Sequence[UUID]) -> dict[UUID, UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_BRANDS, [list(batches)])
        return dict(cursor.fetchall())
