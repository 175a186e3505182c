"""What a run does about a drift: leave it, put it right, or have a person decide. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from minting.chain.reconciliation.drifts import Drift
from minting.states import OPEN_DRIFTS, DriftStatus

#: What was put right so often, and is there again, is put right by nobody but a person.
MOST_REPAIRS = 3


class Disposition(Enum):
    """What is to be done."""

    LEAVE = "leave"
    KEEP = "keep"
    REPAIR = "repair"
    QUARANTINE = "quarantine"


@dataclass(frozen=True)
class Standing:
    """A drift that was found before and has not gone."""

    id: UUID
    status: str
    detail: Mapping[str, Any]
    wants_repair: bool


def disposition(
    drift: Drift, standing: Standing | None, *, read_only: bool, times_repaired: int
) -> Disposition:
    """Return what is to be done about a drift that was found now.

    ``times_repaired``: how often it was put right lately.
    """
    if read_only:
        return Disposition.LEAVE if standing is None else Disposition.KEEP
    nature = drift.nature
    if standing is not None and standing.wants_repair:
        may = nature.is_repaired or nature.may_be_repaired
        return Disposition.REPAIR if may else Disposition.QUARANTINE
    if standing is not None and standing.status == DriftStatus.QUARANTINED:
        return Disposition.KEEP
    if standing is not None and standing.status not in OPEN_DRIFTS:
        is_what_was_decided = dict(standing.detail) == dict(drift.detail)
        return Disposition.KEEP if is_what_was_decided else Disposition.QUARANTINE
    if nature.is_repaired and times_repaired < MOST_REPAIRS:
        return Disposition.REPAIR
    return Disposition.QUARANTINE
