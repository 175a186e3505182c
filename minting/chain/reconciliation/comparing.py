"""What a row and the chain's word on it come to. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from minting.chain.reconciliation.drifts import Drift
from minting.states import DriftKind, SubmissionKind, SubmissionStatus, TransactionStatus

#: What the memo of a root says of itself (minting/chain/anchoring.py).
ROOT_MEMO = "tieback root"


@dataclass(frozen=True, kw_only=True)
class SignedRow:
    """A transaction as the database has it, with its submission.

    ``has_other``: another transaction of the submission is finalized. ``root``: the root that an
    anchor is to name, as the proof has it now.
    """

    brand_id: UUID
    batch_id: UUID | None
    signature: str
    status: str
    slot: int | None
    kind: str
    submission_id: UUID
    submission_status: str
    memo: str
    has_other: bool
    root: str = ""


@dataclass(frozen=True)
class Word:
    """What the chain says of a signature.

    ``is_final``: it is in a finalized block. ``error`` is empty where it worked. ``memos`` is None
    where nobody looked into it.
    """

    is_known: bool
    is_final: bool = False
    error: str = ""
    memos: tuple[str, ...] | None = None


UNKNOWN = Word(is_known=False)


def drift_of(row: SignedRow, word: Word) -> Drift | None:
    """Return in what a transaction's row and the chain differ, None where they do not."""
    found = _difference(row, word)
    if found is None:
        return None
    kind, detail = found
    return Drift(
        kind=kind,
        subject_id=row.signature,
        brand_id=row.brand_id,
        batch_id=row.batch_id,
        detail={"submission_id": str(row.submission_id), "status": row.status, **detail},
    )


def _difference(row: SignedRow, word: Word) -> tuple[DriftKind, dict[str, Any]] | None:
    if row.status == TransactionStatus.FINALIZED:
        return _of_settled(row, word)
    has_landed = word.is_final and not word.error
    if not has_landed or row.status == TransactionStatus.FAILED:
        return None
    if row.has_other or row.submission_status == SubmissionStatus.COMPLETED:
        return DriftKind.LANDED_TWICE, {}
    return DriftKind.TRANSACTION_LANDED, {}


def _of_settled(row: SignedRow, word: Word) -> tuple[DriftKind, dict[str, Any]] | None:
    if not word.is_known:
        return DriftKind.TRANSACTION_MISSING, {"slot": row.slot}
    if word.error:
        return DriftKind.TRANSACTION_IN_VAIN, {"error": word.error}
    if row.kind == SubmissionKind.ANCHOR and word.memos is not None:
        said_it = row.memo in word.memos and row.root in row.memo
        if not said_it:
            detail = {"expected": row.memo, "root": row.root, "found": list(word.memos)}
            return DriftKind.MEMO_DIFFERS, detail
    return None


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """A transaction on the chain that no row knows: who signed it, and what it says."""

    signature: str
    slot: int
    signers: tuple[str, ...]
    memos: tuple[str, ...]
    programs: tuple[str, ...]


def batch_named(memos: Sequence[str]) -> UUID | None:
    """Return the batch that the memo of a root names, None where there is no such memo."""
    told = _root_memo(memos)
    try:
        return UUID(str(told["batch"])) if told else None
    except (KeyError, ValueError):
        return None


def foreign_drift(found: Foreign, payer: str, brands: Mapping[UUID, UUID]) -> Drift | None:
    """Return what a transaction is that our payer signed and no row knows.

    Whatever others have signed is their own affair. ``brands``: whose a known batch is.
    """
    if payer not in found.signers:
        return None
    detail: dict[str, Any] = {"slot": found.slot, "payer": payer, "programs": list(found.programs)}
    if _root_memo(found.memos) is None:
        return Drift(kind=DriftKind.UNKNOWN_SPENDING, subject_id=found.signature, detail=detail)
    batch_id = batch_named(found.memos)
    brand_id = brands.get(batch_id) if batch_id else None
    return Drift(
        kind=DriftKind.ORPHAN_ANCHOR,
        subject_id=found.signature,
        brand_id=brand_id,
        batch_id=batch_id if brand_id else None,
        detail={**detail, "memos": list(found.memos)},
    )


def _root_memo(memos: Sequence[str]) -> Mapping[str, Any] | None:
    for memo in memos:
        try:
            told = json.loads(memo)
        except (ValueError, RecursionError):
            continue
        if isinstance(told, dict) and told.get("t") == ROOT_MEMO:
            return told
    return None
