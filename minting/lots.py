"""Lots of a mint request: the rules they must pass, and the ordinals they take. Pure.

A lot is a run of units that share AI 10 of their code. Lots take their ordinals in the order they
are given, one after the other, so that a unit's lot follows from its ordinal. Two codes that
differ in case alone are two lots, as GS1 has it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from minting.blocking import BlockingReason
from minting.serial_rules import PROBLEMS, problem_of

MOST_LOTS = 100
# A code is read up to the key of the serial, so a lot that seems to hold that key is misread.
_SERIAL_KEY = "/21/"


@dataclass(frozen=True)
class Lot:
    """A lot and how many units it takes."""

    lot_code: str
    qty: int


@dataclass(frozen=True)
class PlacedLot:
    """A lot and the ordinals of its units."""

    lot_code: str
    first_ordinal: int
    last_ordinal: int

    @property
    def quantity(self) -> int:
        """How many units the lot takes."""
        return self.last_ordinal - self.first_ordinal + 1


def placed(lots: Sequence[Lot]) -> Iterator[PlacedLot]:
    """Give each lot the ordinals that follow those of the lot before it."""
    following = 1
    for lot in lots:
        yield PlacedLot(lot.lot_code, following, following + lot.qty - 1)
        following += lot.qty


def lot_reasons(lots: Sequence[Lot], *, wanted: bool, quantity: int) -> Iterator[BlockingReason]:
    """Yield why these lots are refused; ``wanted`` tells whether the mode takes lots at all."""
    if not wanted:
        if lots:
            yield BlockingReason(
                "LOTS_NOT_ALLOWED", "Lots belong to batch mode; leave them out here.", "lots"
            )
        return
    if not 1 <= len(lots) <= MOST_LOTS:
        yield BlockingReason(
            "LOTS_INVALID",
            f"Batch mode takes 1 to {MOST_LOTS} lots; {len(lots)} were given.",
            "lots",
            {"minimum": 1, "maximum": MOST_LOTS, "given": len(lots)},
        )
        return
    faults = list(_faults(lots))
    if faults:
        yield BlockingReason(
            "LOTS_INVALID",
            f"{len(faults)} faults in the lots.",
            "lots",
            {"count": len(faults), "faults": faults},
        )
    total = sum(lot.qty for lot in lots)
    if total != quantity:
        yield BlockingReason(
            "LOT_QUANTITY_MISMATCH",
            f"The lots take {total:,} units together, and {quantity:,} were asked for.",
            "lots",
            {"lots": total, "quantity": quantity},
        )


def _faults(lots: Sequence[Lot]) -> Iterator[dict[str, Any]]:
    seen: dict[str, int] = {}
    for index, lot in enumerate(lots):
        first = seen.setdefault(lot.lot_code, index)
        if problem := _problem(lot.lot_code):
            yield _fault(index, "lot_code", problem)
        elif first != index:
            yield _fault(index, "lot_code", "DUPLICATE") | {"first_index": first}
        if lot.qty < 1:
            yield _fault(index, "qty", "QUANTITY")


def _problem(code: str) -> str | None:
    problem = problem_of(code)
    if problem is None and f"{code}/21/".find(_SERIAL_KEY) < len(code):
        return "SERIAL_KEY"
    return problem


def _fault(index: int, field: str, problem: str) -> dict[str, Any]:
    return {"index": index, "field": field, "problem": problem, "message": _MESSAGES[problem]}


_MESSAGES = PROBLEMS | {
    "DUPLICATE": "This lot code is given twice; make one lot of them.",
    "QUANTITY": "A lot takes at least one unit.",
    "SERIAL_KEY": "Holds or ends in /21, which a code would read as the beginning of the serial.",
}
