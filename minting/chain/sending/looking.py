"""Asking the chain: what has become of signatures, and whether one can still land.

The rule of an unknown outcome (Solana's guide to retrying transactions): an error or a missing
answer to a send says nothing. A signature is looked for, and it is dead only where a finalized
block has passed the last height at which its blockhash may be named, that height having been read
before the signature was looked for. One endpoint may be behind, or have lost its history; so two
have to say so, where there are two.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from solana.rpc.commitment import Finalized
from solders.signature import Signature
from solders.transaction_status import (
    EncodedConfirmedTransactionWithStatusMeta,
    TransactionConfirmationStatus,
    TransactionStatus,
)

from minting.chain.prices import LAMPORTS_PER_SIGNATURE
from minting.chain.rpc.endpoint import Call
from minting.chain.rpc.line import Client
from minting.chain.rpc.pool import Endpoints
from minting.chain.sending.claims import Flight, Signed
from minting.chain.sending.kinds import KINDS, NotTold
from minting.chain.sending.storing import Landed

log = structlog.get_logger(__name__)

_Answer = tuple[int, list[TransactionStatus | None]]

#: As many signatures may be asked for at once (Solana's RPC documentation).
MOST_STATUSES = 256
ENDPOINTS_THAT_MUST_AGREE = 2
_PROCESSED, _CONFIRMED, _FINALIZED = 1, 2, 3


@dataclass(frozen=True)
class Standing:
    """What was found out about some transactions."""

    finalized: tuple[Signed, ...]
    confirmed: tuple[Signed, ...]
    unknown: tuple[Signed, ...]
    #: Of the unknown, those that can never land if all who were asked are right.
    dead: tuple[Signed, ...]


async def look(rpc: Endpoints, signed: Sequence[Signed]) -> Standing:
    """Ask one endpoint for at most ``MOST_STATUSES`` transactions; of what it takes for dead, two.

    So what is ``dead`` is proven, and what one endpoint has forgotten another may still know.
    """
    found = _standing(signed, [await rpc.ask(_question(signed), requests=2)])
    if not found.dead:
        return found
    heard = await rpc.ask_each(
        _question(found.dead), at_least=ENDPOINTS_THAT_MUST_AGREE, requests=2
    )
    second = _standing(found.dead, [answer for _, answer in heard])
    known = {one.id for one in (*second.finalized, *second.confirmed)}
    return Standing(
        finalized=found.finalized + second.finalized,
        confirmed=found.confirmed + second.confirmed,
        unknown=tuple(one for one in found.unknown if one.id not in known),
        dead=second.dead,
    )


async def landed(rpc: Endpoints, flight: Flight, one: Signed) -> Landed | None:
    """Return what a finalized transaction did, None where its details are not to be had yet."""

    async def call(client: Client) -> EncodedConfirmedTransactionWithStatusMeta | None:
        told = await client.get_transaction(
            Signature.from_string(one.signature),
            encoding="base64",
            commitment=Finalized,
            max_supported_transaction_version=0,
        )
        return told.value

    told = _details(flight, one, await rpc.ask(call))
    if told is None:
        heard = await rpc.ask_each(call, at_least=ENDPOINTS_THAT_MUST_AGREE)
        details = (_details(flight, one, answer) for _, answer in heard)
        told = next((found for found in details if found is not None), None)
    return told


def _standing(signed: Sequence[Signed], answers: Sequence[_Answer]) -> Standing:
    """Sort transactions by the most that anyone knows of them."""
    statuses = [
        max((told[at] for _, told in answers), key=_rank, default=None) for at in range(len(signed))
    ]
    known = list(zip(signed, statuses, strict=True))
    lowest = min(height for height, _ in answers)
    unknown = tuple(one for one, status in known if status is None)
    return Standing(
        finalized=tuple(one for one, status in known if _rank(status) == _FINALIZED),
        confirmed=tuple(one for one, status in known if _rank(status) == _CONFIRMED),
        unknown=unknown,
        dead=tuple(one for one in unknown if lowest > one.last_valid_block_height),
    )


def _question(signed: Sequence[Signed]) -> Call[_Answer]:
    """Return the call that asks for the height first, then for the signatures."""
    wanted = [Signature.from_string(one.signature) for one in signed]

    async def call(client: Client) -> _Answer:
        height = (await client.get_block_height(Finalized)).value
        told = await client.get_signature_statuses(wanted, search_transaction_history=True)
        return height, list(told.value)

    return call


def _rank(status: TransactionStatus | None) -> int:
    """Return how sure it is that a transaction stays: 0 for one that is not known."""
    if status is None:
        return 0
    if status.confirmation_status == TransactionConfirmationStatus.Finalized:
        return _FINALIZED
    is_confirmed = status.confirmation_status == TransactionConfirmationStatus.Confirmed
    return _CONFIRMED if is_confirmed else _PROCESSED


def _details(
    flight: Flight, one: Signed, found: EncodedConfirmedTransactionWithStatusMeta | None
) -> Landed | None:
    """Return what an answer says of a transaction, None where it does not say enough."""
    meta = None if found is None else found.transaction.meta
    if found is None or meta is None:
        return None
    try:
        learnt = None if meta.err else KINDS[flight.kind].learn(flight.payload, found)
    except NotTold as error:
        log.warning("transaction_not_told", signature=one.signature, error=str(error))
        return None
    # A transaction begins with how many signatures it has.
    base_fee = LAMPORTS_PER_SIGNATURE * one.raw[0]
    return Landed(
        transaction_id=one.id,
        slot=found.slot,
        fee=meta.fee,
        priority_fee=max(0, meta.fee - base_fee),
        spent_besides=meta.pre_balances[0] - meta.post_balances[0] - meta.fee,
        compute_units=meta.compute_units_consumed or 0,
        error="" if meta.err is None else worded(meta.err),
        learnt=learnt,
    )


def worded(error: object) -> str:
    """Return an error of a transaction in one line: its kind, and what it says."""
    return f"{type(error).__name__.removeprefix('TransactionError')}: {error}"
