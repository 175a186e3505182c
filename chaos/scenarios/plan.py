"""What a scenario is, and in which sizes it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chaos.lab import CYCLE_SIZE, Lab

SMALL, DEFAULT, FULL = "small", "default", "full"


@dataclass(frozen=True)
class Scenario:
    """A promise, and what is done to break it.

    ``excused`` are the invariants that do not hold here by intent: where errors are injected, I12
    (no error is spent) has nothing to say. ``has_load`` asks for both clients to submit meanwhile.
    ``odd`` are settings of single workers.
    """

    name: str
    promise: str
    run: Callable[[Lab, int], None]
    small: int
    default: int
    full: int
    settings: Mapping[str, str] = field(default_factory=dict)
    odd: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    excused: frozenset[str] = frozenset()
    has_load: bool = True
    cycle_size: int = CYCLE_SIZE

    def count(self, size: str) -> int:
        """Return how many faults a run of this size injects; 0 leaves the scenario out."""
        return {SMALL: self.small, DEFAULT: self.default, FULL: self.full}[size]
