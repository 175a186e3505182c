"""``chaos.json`` and the table: which promise, which fault, how many, what was found."""

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos import checker
from chaos.record import Record

PROJECT = Path(__file__).resolve().parents[1]
_LINE = 100


def summary(records: Sequence[Record], *, seed: int, size: str, seconds: float) -> dict[str, Any]:
    """Return the report: totals first, then each scenario."""
    faults: Counter[str] = Counter()
    idle: Counter[str] = Counter()
    for record in records:
        faults.update(record.faults)
        idle.update(record.idle)
    return {
        "seed": seed,
        "size": size,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "seconds": round(seconds, 1),
        "jobs": sum(record.jobs for record in records),
        "faults": dict(sorted(faults.items())),
        "faults_while_idle": dict(sorted(idle.items())),
        "crash_points": {
            name.rpartition(" ")[2]: sum(
                count for other, count in faults.items() if other.endswith(name)
            )
            for name in sorted(
                {f" at {name.rpartition(' ')[2]}" for name in faults if " at " in name}
            )
        },
        "invariants": invariants(records),
        "not_run": {record.name: record.not_run for record in records if record.not_run},
        "scenarios": {record.name: record.as_json() for record in records},
    }


def invariants(records: Sequence[Record]) -> dict[str, str]:
    """Return one verdict each over all scenarios: ok, or where and how it broke."""
    verdicts: dict[str, str] = {}
    for record in records:
        for name, verdict in record.invariants.items():
            broken = "" if verdict == "ok" else f"{record.name}: {verdict}"
            verdicts[name] = "; ".join(filter(None, (verdicts.get(name, ""), broken)))
    found = {name: verdict or "ok" for name, verdict in verdicts.items()}
    return {**found, **checker.NOT_APPLICABLE}


def print_record(record: Record) -> None:
    """Print one scenario's verdict as it ends."""
    verdict = "ok" if record.is_good else "BROKEN"
    if record.not_run:
        verdict = f"NOT RUN: {record.not_run}"
    figures = ", ".join(f"{name} {value:g}" for name, value in record.figures.items())
    print(f"  {record.name}: {verdict}; {record.jobs} jobs, {record.seconds:.0f} s; {figures}")
    for problem in record.problems:
        print(f"    PROBLEM {problem}")
    for name, found in record.invariants.items():
        if found != "ok":
            print(f"    {name} BROKEN {found}")


def print_summary(report: dict[str, Any]) -> None:
    """Print what a run came to."""
    print()
    for name, found in report["invariants"].items():
        says = (getattr(checker.CHECKS.get(name), "__doc__", "") or "").partition(": ")[2]
        print(f"{name:4} {says:90} {found}")
    for name, why in report["not_run"].items():
        print("!" * _LINE + f"\n!! NOT RUN  {name}: {why}\n" + "!" * _LINE)
    faults, idle = (sum(report[name].values()) for name in ("faults", "faults_while_idle"))
    print(f"{faults} faults confirmed while jobs ran, {idle} while none did; {report['jobs']} jobs")


def write(report: dict[str, Any], target: Path) -> None:
    """Write the report where ``make chaos`` promises it."""
    target.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _commit() -> str:
    """Return the commit that was tried, marked where files differ from it."""
    asked = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(asked, cwd=PROJECT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
