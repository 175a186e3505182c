"""The rules of comparing and of what is done then, without a chain or a database."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from minting.chain.reconciliation.comparing import (
    UNKNOWN,
    Foreign,
    SignedRow,
    Word,
    drift_of,
    foreign_drift,
)
from minting.chain.reconciliation.disposing import (
    MOST_REPAIRS,
    Disposition,
    Standing,
    disposition,
)
from minting.chain.reconciliation.drifts import NATURES, Drift
from minting.chain.reconciliation.leaves import TreeEvent, gap_in, newest
from minting.states import DriftKind, DriftStatus
from tests.docs.markdown import names_in, rows, section, text_of
from tieback.figures import DRIFTS

MEMO = '{"t":"tieback root","root":"abc"}'
ROW = SignedRow(
    brand_id=uuid4(),
    batch_id=uuid4(),
    signature="s",
    status="finalized",
    slot=7,
    kind="anchor",
    submission_id=uuid4(),
    submission_status="completed",
    memo=MEMO,
    has_other=False,
    root="abc",
)
LANDED = Word(is_known=True, is_final=True, memos=(MEMO,))


@pytest.mark.parametrize(
    ("changed", "word", "kind"),
    [
        ({}, LANDED, None),
        ({}, UNKNOWN, "transaction_missing"),
        ({}, replace(LANDED, error="InstructionError"), "transaction_in_vain"),
        ({}, replace(LANDED, memos=("else",)), "memo_differs"),
        ({"root": "def"}, LANDED, "memo_differs"),
        ({"kind": "mint", "memo": ""}, replace(LANDED, memos=()), None),
        ({"status": "expired", "submission_status": "pending"}, LANDED, "transaction_landed"),
        ({"status": "sent", "submission_status": "sent"}, LANDED, "transaction_landed"),
        ({"status": "expired"}, LANDED, "landed_twice"),
        ({"status": "expired", "submission_status": "sent", "has_other": True}, LANDED,
         "landed_twice"),
        ({"status": "expired"}, UNKNOWN, None),
        ({"status": "expired"}, replace(LANDED, is_final=False), None),
        ({"status": "failed"}, LANDED, None),
    ],
)  # fmt: skip
def test_a_row_and_the_chains_word_differ_in_one_thing(
    changed: dict[str, Any], word: Word, kind: str | None
) -> None:
    found = drift_of(replace(ROW, **changed), word)
    assert (found and found.kind) == kind


def test_what_others_have_signed_is_their_own_affair() -> None:
    batch, brand = uuid4(), uuid4()
    memo = f'{{"t":"tieback root","batch":"{batch}"}}'
    foreign = Foreign(signature="s", slot=1, signers=("us",), memos=(memo, "["), programs=("memo",))
    orphan = foreign_drift(foreign, "us", {batch: brand})
    assert orphan is not None
    assert (orphan.kind, orphan.brand_id, orphan.batch_id) == ("orphan_anchor", brand, batch)
    stranger = foreign_drift(foreign, "us", {})
    assert stranger is not None
    assert (stranger.kind, stranger.brand_id, stranger.batch_id) == ("orphan_anchor", None, None)
    spent = foreign_drift(replace(foreign, memos=()), "us", {})
    assert spent is not None
    assert spent.kind == "unknown_spending"
    assert foreign_drift(foreign, "them", {batch: brand}) is None


MISSING = Drift(kind=DriftKind.TRANSACTION_MISSING, subject_id="s", detail={"slot": 1})
UNASKED = Drift(kind=DriftKind.ANCHOR_MISSING, subject_id="s", detail={"slot": 1})
ALTERED = Drift(kind=DriftKind.DOCUMENT_DIFFERS, subject_id="s", detail={"slot": 1})


def standing(status: DriftStatus, *, wants_repair: bool = False, slot: int = 1) -> Standing:
    return Standing(uuid4(), status, {"slot": slot}, wants_repair)


@pytest.mark.parametrize(
    ("drift", "known", "read_only", "repaired", "expected"),
    [
        (MISSING, None, False, 0, "quarantine"),
        (MISSING, None, True, 0, "leave"),
        (MISSING, standing(DriftStatus.LEFT), True, 0, "keep"),
        (MISSING, standing(DriftStatus.LEFT), False, 0, "quarantine"),
        (MISSING, standing(DriftStatus.QUARANTINED), False, 0, "keep"),
        (MISSING, standing(DriftStatus.ACCEPTED), False, 0, "keep"),
        (MISSING, standing(DriftStatus.UNAUTHORISED), False, 0, "keep"),
        (MISSING, standing(DriftStatus.ACCEPTED, slot=2), False, 0, "quarantine"),
        (UNASKED, None, False, 0, "repair"),
        (UNASKED, standing(DriftStatus.LEFT), False, MOST_REPAIRS - 1, "repair"),
        (UNASKED, None, False, MOST_REPAIRS, "quarantine"),
        (UNASKED, standing(DriftStatus.QUARANTINED), False, 0, "keep"),
        (UNASKED, standing(DriftStatus.LEFT, wants_repair=True), False, MOST_REPAIRS, "repair"),
        (ALTERED, None, False, 0, "quarantine"),
        (ALTERED, standing(DriftStatus.LEFT, wants_repair=True), False, 0, "repair"),
        (MISSING, standing(DriftStatus.LEFT, wants_repair=True), False, 0, "quarantine"),
    ],
)
def test_what_is_done_follows_from_the_kind_and_what_was_decided(
    drift: Drift, known: Standing | None, read_only: bool, repaired: int, expected: str
) -> None:
    found = disposition(drift, known, read_only=read_only, times_repaired=repaired)
    assert found is Disposition(expected)


def event(sequence: int, index: int) -> TreeEvent:
    return TreeEvent("s", sequence, index, bytes([sequence]) * 32, None, is_mint=True)


def test_of_several_changes_of_a_leaf_the_last_holds() -> None:
    events = [event(9, 0), event(8, 2), event(7, 0), event(6, 1)]
    assert {index: one.sequence for index, one in newest(events, ()).items()} == {0: 9, 1: 6, 2: 8}
    assert set(newest(events, {0, 2})) == {1}
    begun = replace(event(0, 0), hash=bytes(32))
    assert newest([begun], ()) == {}


@pytest.mark.parametrize(
    ("sequences", "below", "gap"),
    [
        ([], None, None),
        ([5, 4, 3], None, None),
        ([3, 4, 5, 4], 6, None),
        ([5, 3], None, (5, 3)),
        ([4, 3], 6, (6, 4)),
    ],
)
def test_a_number_that_is_left_out_is_a_gap(
    sequences: list[int], below: int | None, gap: tuple[int, int] | None
) -> None:
    assert gap_in(sequences, below=below) == gap


def test_every_kind_is_known_to_the_rules_the_figures_and_the_handbook() -> None:
    assert list(NATURES) == list(DriftKind)
    assert list(DRIFTS) == DriftKind.values
    listed = rows(section(text_of("chain.md"), "Reconciliation"), "kind")
    assert {names_in(row[0])[0] for row in listed} == set(DriftKind.values)
