"""What a scenario leaves in the report: faults that landed, figures, and what went wrong."""

from dataclasses import asdict, dataclass, field
from typing import Any


class NotRun(Exception):
    """This machine or this build lacks what the scenario needs; said loudly, never passed over."""


@dataclass
class Record:
    """One scenario's findings.

    ``faults`` landed while a job was being worked, ``idle`` ones while none was: they prove less.
    Where time is not judged, figures in seconds are kept and have no bound.
    """

    name: str
    promise: str
    judges_time: bool = True
    faults: dict[str, int] = field(default_factory=dict)
    idle: dict[str, int] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    invariants: dict[str, str] = field(default_factory=dict)
    not_run: str = ""
    jobs: int = 0
    seconds: float = 0.0

    def count(self, fault: str, *, working: bool = True, times: int = 1) -> None:
        """Count a fault that was seen to land."""
        book = self.faults if working else self.idle
        book[fault] = book.get(fault, 0) + times
        if times:
            idle = "" if working else "  (no job ran)"
            print(f"    {sum(self.faults.values()):4}  {fault}{idle}", flush=True)

    def figure(self, name: str, value: float, *, at_most: float = 0, at_least: float = 0) -> None:
        """Keep a figure; outside its bound it is a problem."""
        self.figures[name] = round(value, 3)
        if name.endswith("_s") and not self.judges_time:
            return
        if at_most and value > at_most:
            self.problems.append(f"{name} is {value:.3f}, allowed {at_most:g}")
        if at_least and value < at_least:
            self.problems.append(f"{name} is {value:.3f}, wanted {at_least:g}")

    def expect(self, holds: object, otherwise: str) -> None:
        """Note a problem unless something holds."""
        if not holds:
            self.problems.append(otherwise)

    @property
    def is_good(self) -> bool:
        """Whether nothing broke; a scenario that was not run is not good, but not broken either."""
        return not self.problems and set(self.invariants.values()) <= {"ok"}

    def as_json(self) -> dict[str, Any]:
        """Return it for ``chaos.json``."""
        return asdict(self)
