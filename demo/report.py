"""What the demo prints: its steps, one line a check, and the figures at the end."""

import resource
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TextIO

MOST_FAULTS_SHOWN = 3


class DemoFailed(Exception):
    """What cannot be gone on without; the text says what happened and what to look at."""


@dataclass
class Checks:
    """Prints checks as they are made and remembers whether all held."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    held: int = 0
    failed: int = 0

    def step(self, title: str) -> None:
        """Begin a step."""
        self._print(f"\n{title}")

    def note(self, text: str) -> None:
        """Show something that is no check."""
        self._print(f"          {text}")

    def check(self, what: str, faults: Iterable[str] = ()) -> bool:
        """Print one check: ok, or FAILED and why."""
        found = list(faults)
        if not found:
            self.held += 1
            self._print(f"  ok      {what}")
            return True
        self.failed += 1
        self._print(f"  FAILED  {what}: {summed_up(found)}")
        return False

    def equal(self, what: str, found: object, expected: object) -> bool:
        """Check that something is as expected."""
        faults = [] if found == expected else [f"{found!r} instead of {expected!r}"]
        return self.check(what, faults)

    def stop(self, failure: str) -> None:
        """Print why the demo cannot go on."""
        self.failed += 1
        self._print(f"  FAILED  {failure}")

    @property
    def all_held(self) -> bool:
        """Say whether there were checks and none failed."""
        return self.held > 0 and not self.failed

    def _print(self, line: str) -> None:
        self.out.write(f"{line}\n")
        self.out.flush()


def summed_up(faults: Sequence[str]) -> str:
    """Return the first faults, and how many more there are."""
    more = len(faults) - MOST_FAULTS_SHOWN
    shown = "; ".join(faults[:MOST_FAULTS_SHOWN])
    return f"{shown}; and {more:,} more" if more > 0 else shown


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Return two aligned columns."""
    lines = list(rows)
    width = max((len(name) for name, _ in lines), default=0)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in lines)


def rate(count: int, seconds: float, unit: str) -> str:
    """Return how fast, or nothing where it was too short to tell."""
    return f"{count / seconds:,.0f} {unit}/s" if seconds > 0 else ""


def megabytes(count: int) -> str:
    """Return a size in MB."""
    return f"{count / 1_000_000:,.1f} MB"


def peak_memory() -> int:
    """Return the most memory this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
