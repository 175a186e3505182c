"""``make bench``: measure minting, exporting, the gateway and the resolver, beside their limits.

Each part runs on an embedded stack of its own, what is compared in turns, on the same database;
medians of at least three rounds. Prints a table and writes ``$TIEBACK_HOME/bench.json``, or
``bench-PART.json`` for one part alone.
"""

import argparse
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import geometric_mean

from bench import (
    anchoring,
    assets,
    chain_costs,
    exporting,
    fairness,
    gateway,
    memory,
    minting,
    proving,
    resolving,
    revoking,
)
from bench.figures import Figures
from bench.peers.places import Places
from bench.system import System
from tieback.stack import Stack

MILLION = 1_000_000


def measure_minting(system: System, options: argparse.Namespace, figures: Figures) -> None:
    """Measure minting, exporting, revoking, and the gateway."""
    units, rounds, note = options.units, options.rounds, figures.note
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
    leaves_per_s, vs_sha256 = _proven(system, units)
    note("proof.leaves_per_s", leaves_per_s)
    note("proof.vs_sha256", vs_sha256)
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


def _proven(system: System, units: int) -> tuple[float, float]:
    with system.superuser() as superuser:
        minting.settle(superuser)
        _, batch_id = minting.finished(superuser, system.submit(units)["mint_job_id"])
        minting.settle(superuser)
    return proving.leaves_per_s(system, batch_id=batch_id, units=units)


def measure_resolver(system: System, options: argparse.Namespace, figures: Figures) -> None:
    """Measure scans, beside whatever `make bench-peers` has installed."""
    places = Places(_home() / "peers")
    units, rounds, fill = options.units, options.rounds, options.fill
    resolving.measure(system, figures, places, units=units, rounds=rounds, fill=fill)


def measure_chain(system: System, options: argparse.Namespace, figures: Figures) -> None:
    """Measure the sending of transactions, on the dev chain."""
    system.stack.start("worker", env={"TIEBACK_CYCLE_SIZE": str(anchoring.CYCLE)})
    sent, alone = [], []
    for _ in range(options.rounds):
        per_s, lamports, memos = anchoring.anchors_per_s(system)
        sent.append(per_s)
        alone.append(anchoring.limit_per_s(system, memos))
    figures.note_rounds("chain.anchors_per_s", sent)
    figures.note_rounds("chain.devchain_memos_per_s", alone)
    figures.note_rounds(
        "chain.anchors_vs_devchain", [one / other for one, other in zip(sent, alone, strict=True)]
    )
    figures.note("chain.lamports_per_root", lamports)
    if os.environ.get("DEVCHAIN_PROGRAMS_DIR"):
        _measure_mints(system, options, figures)
    else:
        print("not run: compressed NFTs (DEVCHAIN_PROGRAMS_DIR names no folder of programs)")
    system.stack.stop("worker")
    system.stack.start("worker", env={})
    for mode in chain_costs.MODES:
        found = chain_costs.lamports_per_unit(system, mode, units=options.units)
        least = chain_costs.floor(mode, units=options.units)
        figures.note(f"chain.lamports_per_unit_{mode}", found)
        figures.note(f"chain.lamports_per_unit_{mode}_floor", least)


def _measure_mints(system: System, options: argparse.Namespace, figures: Figures) -> None:
    """Measure the limit before and after each round: the machine's speed drifts meanwhile."""
    assets.make_tree(system)
    *_, payloads = assets.mints_per_s(system)
    alone = [assets.limit_per_s(system, payloads)]
    minted = []
    for _ in range(options.rounds):
        per_s, in_one, lamports, payloads = assets.mints_per_s(system)
        minted.append(per_s)
        alone.append(assets.limit_per_s(system, payloads))
    figures.note_rounds("chain.mints_per_s", minted)
    figures.note_rounds("chain.devchain_mints_per_s", alone)
    around = map(geometric_mean, pairwise(alone))
    figures.note_rounds(
        "chain.mints_vs_devchain", [one / other for one, other in zip(minted, around, strict=True)]
    )
    figures.note("chain.mints_per_transaction", in_one)
    figures.note("chain.lamports_per_mint", lamports)


PARTS: dict[str, Callable[[System, argparse.Namespace, Figures], None]] = {
    "minting": measure_minting,
    "resolver": measure_resolver,
    "chain": measure_chain,
}
#: Without a chain nothing is anchored, so that each part measures one thing.
_WITH_CHAIN = {"chain"}


def main() -> int:
    """Run the bench; exit 1 where a figure misses its target."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--units", type=int, default=MILLION)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--fill", type=int, default=10 * MILLION, help="rows in the tables for the late figures"
    )
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    options = parser.parse_args()
    figures = Figures()
    for name in [options.only] if options.only else PARTS:
        with Stack(_home() / "bench", free_ports=True, fresh=True) as stack:
            has_chain = name in _WITH_CHAIN
            stack.start_services(devchain=has_chain)
            stack.migrate()
            stack.start_processes(["web"] if has_chain else ["web", "worker"])
            system = System(stack)
            system.prepare()
            PARTS[name](system, options, figures)
    target = _home() / (f"bench-{options.only}.json" if options.only else "bench.json")
    figures.write(target, units=options.units, rounds=options.rounds)
    print(f"written to {target}")
    if figures.missed:
        print(f"missed: {', '.join(figures.missed)}")
    return 1 if figures.missed else 0


def _home() -> Path:
    return Path(os.environ.get("TIEBACK_HOME") or ".tieback").resolve()


if __name__ == "__main__":
    sys.exit(main())
