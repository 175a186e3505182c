"""Triggers that hold a column to the transitions that its states have."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import pgtrigger

State = TypeVar("State", bound=str)


def only_legal(
    transitions: Mapping[State, Iterable[State]],
    *,
    name: str = "legal_status",
    field: str = "status",
) -> pgtrigger.FSM:
    """Return the trigger that refuses every other change of ``field``."""
    pairs = [(str(start), str(end)) for start, ends in transitions.items() for end in ends]
    return pgtrigger.FSM(name=name, field=field, transitions=pairs)
