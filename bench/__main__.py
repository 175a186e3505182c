"""``make bench``: measure minting, exporting and the gateway, each beside its limit.

Everything runs on one embedded stack, in turns, on the same database; medians of at least three
rounds. Prints a table and writes ``$TIEBACK_HOME/bench.json``.
"""

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import exporting, fairness, gateway, memory, minting, revoking
from bench.system import System
from tieback.stack import Stack

MILLION = 1_000_000
TARGETS = {
    "mint.vs_copy": 0.75,
    "mint.vs_bulk_create": 5.0,
    "mint.vs_copy_at_10m": 0.75,
    "export.vs_copy": 0.8,
}
# The lower the better.
LIMITS = {"fairness.slowest_small_ratio": 3.0}


def measure(system: System, options: argparse.Namespace) -> dict[str, float]:
    """Run every measurement and return the figures by name."""
    units, rounds = options.units, options.rounds
    figures: dict[str, float] = {}

    def note(name: str, value: float) -> None:
        figures[name] = round(value, 3)
        target = f"   target {TARGETS[name]}" if name in TARGETS else ""
        target = f"   at most {LIMITS[name]}" if name in LIMITS else target
        print(f"{name:38} {value:>14,.3f}{target}", flush=True)

    minting.prepare_copy_table(system)
    note("memory.worker_mb_at_20000", memory.worker_peak_mb(system, units=20_000))
    minted = minting.against_copy(system, units=units, rounds=rounds)
    note("mint.units_per_s", minted.units_per_s)
    note("mint.seconds", minted.seconds)
    note("mint.vs_copy", minted.vs_copy)
    note(
        "mint.vs_bulk_create",
        minting.against_bulk_create(
            system, units=units // 10, rounds=rounds, units_per_s=minted.units_per_s
        ),
    )
    rows_per_s, vs_copy, both = exporting.against_copy(system, units=units, rounds=rounds)
    note("export.rows_per_s", rows_per_s)
    note("export.vs_copy", vs_copy)
    note("mint_and_export.seconds", both)
    note("memory.worker_mb_at_1000000", memory.worker_peak_mb(system, units=units))
    note("mint.two_jobs_units_per_s", minting.overlapping(system, units=units, jobs=2))
    note("revoke.seconds", revoking.whole_batch(system, units=units))
    for name, value in fairness.beside_a_large_job(system).items():
        note(name, value)
    for name, latency in gateway.submit_latency(system).items():
        note(f"gateway.submit_{name}_p50_ms", latency.p50)
        note(f"gateway.submit_{name}_p99_ms", latency.p99)
    if options.fill:
        minting.fill_up(system, rows=options.fill)
        late = minting.against_copy(system, units=units, rounds=rounds)
        note("mint.units_per_s_at_10m", late.units_per_s)
        note("mint.vs_copy_at_10m", late.vs_copy)
    return figures


def main() -> int:
    """Run the bench; exit 1 where a figure misses its target."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--units", type=int, default=MILLION)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--fill", type=int, default=10 * MILLION, help="rows in both tables for the late figures"
    )
    options = parser.parse_args()
    home = Path(os.environ.get("TIEBACK_HOME") or ".tieback")
    with Stack(home / "bench", free_ports=True, fresh=True) as stack:
        stack.start_services()
        stack.migrate()
        stack.start_processes(["web", "worker"])
        system = System(stack)
        system.prepare()
        figures = measure(system, options)
    report = {
        "figures": figures,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "units": options.units,
        "rounds": options.rounds,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
    }
    target = home / "bench.json"
    target.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"written to {target}")
    missed = [name for name, low in TARGETS.items() if figures.get(name, low) < low]
    missed += [name for name, high in LIMITS.items() if figures.get(name, high) > high]
    if missed:
        print(f"missed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
