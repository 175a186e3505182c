"""The figures of a run: their names, what they must reach, and how they are kept and printed."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

TARGETS = {
    "mint.vs_copy": 0.75,
    "mint.vs_bulk_create": 5.0,
    "mint.vs_copy_at_10m": 0.75,
    "export.vs_copy": 0.8,
    "proof.leaves_per_s": 300_000.0,
    "chain.mints_vs_devchain": 0.8,
    "resolver.vs_callable": 0.7,
    "resolver.vs_asyncpg": 1.0,
    "resolver.vs_express": 1.3,
    "resolver.vs_django_orm": 5.0,
    "resolver.telemetry_vs_none": 0.55,
}
# The lower the better.
LIMITS = {
    "fairness.slowest_small_ratio": 3.0,
    "resolver.p99_minting_vs_idle": 2.5,
    "resolver.p99_minting_ms": 25.0,
    "resolver.paced_errors": 0.0,
    "resolver.p99_minting_vs_idle_at_10m": 2.5,
    "resolver.p99_minting_ms_at_10m": 25.0,
    "resolver.paced_errors_at_10m": 0.0,
}


@dataclass
class Figures:
    """What a run has found so far."""

    values: dict[str, float] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        """Keep a figure and print it beside what it must reach."""
        self.values[name] = round(value, 3)
        target = f"   target {TARGETS[name]}" if name in TARGETS else ""
        target = f"   at most {LIMITS[name]}" if name in LIMITS else target
        span = "   {:,.3f}..{:,.3f}".format(*self.ranges[name]) if name in self.ranges else ""
        print(f"{name:38} {value:>14,.3f}{target}{span}", flush=True)

    def note_rounds(self, name: str, values: Sequence[float]) -> None:
        """Keep the median of several rounds, and the lowest and the highest."""
        self.ranges[name] = round(min(values), 3), round(max(values), 3)
        self.note(name, median(values))

    def leave_out(self, name: str, reason: str) -> None:
        """Say of a figure why there is none."""
        self.not_run[name] = reason
        print(f"{name:38} {'not run':>14}   {reason}", flush=True)

    @property
    def missed(self) -> list[str]:
        """The figures that do not reach what they must."""
        low = [name for name, least in TARGETS.items() if self.values.get(name, least) < least]
        return low + [name for name, most in LIMITS.items() if self.values.get(name, most) > most]

    def write(self, target: Path, *, units: int, rounds: int) -> None:
        """Write the report of a run that ends now."""
        report: dict[str, Any] = {
            "figures": self.values,
            "ranges": self.ranges,
            "not_run": self.not_run,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "units": units,
            "rounds": rounds,
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        }
        target.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
