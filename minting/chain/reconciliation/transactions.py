"""Stage: whether what the rows say of signed transactions is what the chain says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from solana.rpc.commitment import Finalized
from solders.transaction_status import TransactionConfirmationStatus, TransactionStatus

from minting.chain.own_thread import in_own_thread
from minting.chain.reconciliation.at_once import asked_at_once
from minting.chain.reconciliation.comparing import UNKNOWN, SignedRow, Word, drift_of
from minting.chain.reconciliation.drifts import Drift, Looked, Position, Round
from minting.chain.reconciliation.reading import memos_in, read_signature
from minting.chain.reconciliation.witnesses import Chain
from minting.chain.rpc.line import Client
from minting.chain.sending.looking import worded
from minting.states import DriftKind, SubmissionKind
from minting.states import TransactionStatus as Status

#: The sender looks after what is on its way; nobody has for so long: seconds.
STALE_SECONDS = 300.0
# Whoever settles one may commit so much later than the clock says that it was settled.
_COMMIT_SECONDS = 30.0
_ROWS = f"""
select sent.brand_id, sent.batch_id, sent.signature, sent.status, sent.slot, sent.kind,
       sent.submission_id, asked.status, coalesce(asked.payload ->> 'memo', ''),
       exists (select from minting_chaintransaction as other
                where other.submission_id = sent.submission_id and other.status = 'finalized'
                  and other.id <> sent.id),
       head.root, sent.settled_at::text, sent.id::text
  from minting_chaintransaction as sent
  join minting_chainsubmission as asked on asked.id = sent.submission_id
  join minting_chainwallet as wallet on wallet.address = sent.payer
   and wallet.network = sent.network and wallet.genesis_hash = %(genesis)s
  left join minting_proofhead as head on sent.kind = 'anchor' and head.batch_id = sent.batch_id
   and asked.key = 'anchor:' || head.batch_id || ':' || head.size
 where sent.network = %(network)s and (%(brand)s::uuid is null or sent.brand_id = %(brand)s)
   and (sent.status <> 'sent'
        or coalesce(asked.next_attempt_at, asked.lease_until, sent.created_at)
           < clock_timestamp() - make_interval(secs => {STALE_SECONDS}))
"""  # noqa: S608 - constants only
_SETTLED = f"""{_ROWS}
   and (sent.settled_at, sent.id) > (%(settled_at)s::timestamptz, %(settled_id)s::uuid)
   and sent.settled_at < clock_timestamp() - make_interval(secs => {_COMMIT_SECONDS})
 order by sent.settled_at, sent.id limit %(limit)s
"""
_ROUND = f"{_ROWS} and sent.id > %(after)s::uuid order by sent.id limit %(limit)s"
_NAMED = f"{_ROWS} and sent.signature = any(%(named)s)"
_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"
_LONG_AGO = "1970-01-01 00:00:00+00"

KINDS = frozenset(
    {
        DriftKind.TRANSACTION_MISSING,
        DriftKind.TRANSACTION_IN_VAIN,
        DriftKind.TRANSACTION_LANDED,
        DriftKind.LANDED_TWICE,
        DriftKind.MEMO_DIFFERS,
    }
)


async def look(chain: Chain, of: Round, position: Position) -> Looked:
    """Look at the transactions that were settled last, at some of all in turn, and at open ones."""
    plan = await in_own_thread(_planned, chain.genesis, of, position)
    drifts = await examine(chain, [*plan.read, *plan.glanced_at])
    unwell = {drift.subject_id for drift in drifts}
    spoken = [row for row in plan.read if _says_something(row) and row.signature not in unwell]
    return Looked(
        [row.signature for row in plan.read],
        [*drifts, *await _of_memos(chain, spoken)],
        *plan.then,
        besides=sum(row.signature not in unwell for row in plan.glanced_at),
    )


async def examine(chain: Chain, rows: Sequence[SignedRow]) -> list[Drift]:
    """Return those of which the chain says another outcome, as two endpoints do."""
    if not rows:
        return []
    words = await chain.ask(_Statuses(rows))
    return await _confirmed(chain, [row for row in rows if drift_of(row, words[row.signature])])


def rows_of(genesis: str, network: str, signatures: Sequence[str]) -> list[SignedRow]:
    """Return the rows of these signatures that nobody is about to settle."""
    asked = {"genesis": genesis, "network": network, "brand": None, "named": list(signatures)}
    return [row for row, _, _ in _read(_NAMED, asked)]


async def _confirmed(chain: Chain, doubted: Sequence[SignedRow]) -> list[Drift]:
    """Return those drifts of what is doubted in which all witnesses agree."""
    if not doubted:
        return []
    far = max(row.slot or 0 for row in doubted)
    heard = await chain.words(_Statuses(doubted), at_slot=far)
    found = [[drift_of(row, words[row.signature]) for words in heard] for row in doubted]
    return [drifts for each in found if (drifts := _unanimous(each)) is not None]


async def _of_memos(chain: Chain, spoken: Sequence[SignedRow]) -> list[Drift]:
    """Return the drifts of anchors that say something else than they were to say."""

    async def one(row: SignedRow) -> Drift | None:
        if drift_of(row, await chain.ask(_Memos(row.signature))) is None:
            return None
        heard = await chain.words(_Memos(row.signature), at_slot=row.slot or 0)
        return _unanimous([drift_of(row, word) for word in heard])

    return [drift for drift in await asked_at_once(one, spoken) if drift is not None]


def _unanimous(drifts: Sequence[Drift | None]) -> Drift | None:
    """Return the drift that all have found."""
    first = drifts[0]
    same = first is not None and all(one is not None and one.key == first.key for one in drifts)
    return first if same else None


def _says_something(row: SignedRow) -> bool:
    return row.kind == SubmissionKind.ANCHOR and row.status == Status.FINALIZED


class _Statuses:
    """The question what has become of these signatures."""

    def __init__(self, rows: Sequence[SignedRow]) -> None:
        self._signatures = [row.signature for row in rows]

    async def __call__(self, client: Client) -> Mapping[str, Word]:
        wanted = [read_signature(one) for one in self._signatures]
        told = await client.get_signature_statuses(wanted, search_transaction_history=True)
        return {
            signature: UNKNOWN if status is None else _word(status)
            for signature, status in zip(self._signatures, told.value, strict=True)
        }


class _Memos:
    """The question what a transaction says; one that is not shown tells nothing of its row."""

    def __init__(self, signature: str) -> None:
        self._signature = read_signature(signature)

    async def __call__(self, client: Client) -> Word:
        told = await client.get_transaction(
            self._signature,
            encoding="base64",
            commitment=Finalized,
            max_supported_transaction_version=0,
        )
        memos = None if told.value is None else memos_in(told.value)
        return Word(is_known=True, is_final=True, memos=memos)


def _word(status: TransactionStatus) -> Word:
    is_final = status.confirmation_status == TransactionConfirmationStatus.Finalized
    error = "" if status.err is None else worded(status.err)
    return Word(is_known=True, is_final=is_final, error=error)


@dataclass(frozen=True)
class _Plan:
    """What a step looks at: rows whose transactions are read, and rows of which only the outcome
    is asked. ``then``: where the next step goes on, and whether all have had a turn.
    """

    read: Sequence[SignedRow]
    glanced_at: Sequence[SignedRow]
    then: tuple[Position, bool]


def _planned(genesis: str, of: Round, position: Position) -> _Plan:
    """Have a scheduled run read what was settled since the last, and what was not well.

    What a transaction says does not change: of the others it asks only what became of them, many
    in one request.
    """
    asked: dict[str, Any] = {
        "genesis": genesis,
        "network": of.network,
        "brand": of.brand_id,
        "limit": of.at_most,
        "after": position.get("after", _BEFORE_ALL),
        "settled_at": position.get("settled_at", _LONG_AGO),
        "settled_id": position.get("settled_id", _BEFORE_ALL),
        "named": list(of.again),
    }
    in_turn = _read(_ROUND, asked)
    settled = [] if of.is_full else _read(_SETTLED, asked)
    named = _read(_NAMED, asked) if of.again else []
    is_end = len(in_turn) < of.at_most
    then = {**position, "after": _BEFORE_ALL if is_end else in_turn[-1][2]}
    if settled:
        then |= {"settled_at": settled[-1][1], "settled_id": settled[-1][2]}
    read = {row.signature: row for row, _, _ in (*settled, *named)}
    others = {row.signature: row for row, _, _ in in_turn if row.signature not in read}
    if of.is_full:
        read, others = read | others, {}
    return _Plan(list(read.values()), list(others.values()), (then, is_end))


def _read(statement: str, asked: Mapping[str, Any]) -> list[tuple[SignedRow, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return [(_row(*told[:11]), told[11], told[12]) for told in cursor.fetchall()]


def _row(*told: Any) -> SignedRow:
    names = ("brand_id", "batch_id", "signature", "status", "slot", "kind", "submission_id")
    row = SignedRow(
        **dict(zip(names, told, strict=False)),
        submission_status=told[7],
        memo=told[8],
        has_other=told[9],
        root=told[10],
    )
    return replace(row, root=row.root or "")
