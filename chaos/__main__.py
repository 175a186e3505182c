"""``make chaos``: break everything around the jobs while they are minted, then check everything.

Scenarios run one after the other on one stack; after each the checker judges what is left. Prints
the seed, each confirmed fault and each verdict, and writes ``$TIEBACK_HOME/chaos.json``, anew after
each scenario. Exit 0 only where every invariant held, and every bound that is judged.
"""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from chaos.judging import Watcher, judge
from chaos.lab import BenchFailed, Lab, quick_chain
from chaos.record import NotRun, Record
from chaos.report import print_record, print_summary, summary, write
from chaos.scenarios import DEFAULT, FULL, SCENARIOS, SMALL, Scenario
from tieback.stack import Stack, StackError


def run_scenario(lab: Lab, scenario: Scenario, count: int, *, judges_time: bool) -> Record:
    """Run one scenario to its rest and judge it; a failure of its own is a problem it has."""
    record = lab.record = Record(scenario.name, scenario.promise, judges_time)
    print(f"{scenario.name} ({scenario.promise}), {count} faults", flush=True)
    began = time.monotonic()
    lab.configure(scenario.settings, odd=scenario.odd)
    watcher = Watcher(lambda: lab.stack.postgres.connect("tieback"))
    try:
        if scenario.has_load:
            lab.start_load()
        scenario.run(lab, count)
    except NotRun as why:
        record.not_run = str(why)
    except (BenchFailed, StackError) as error:
        record.problems.append(f"{type(error).__name__}: {error}")
    finally:
        lab.stop_load()
        lab.disarm()
    try:
        # Clocks go right again, and whoever a failed scenario left dead is started.
        lab.configure(lab.settings, odd=scenario.odd)
        lab.wait_rest()
    except (BenchFailed, StackError) as error:
        record.problems.append(f"never at rest: {error}")
    watcher.stop()
    if not record.not_run:
        judge(lab, scenario, watcher)
        record.expect(record.faults, "no fault landed while a job ran")
    lab.forget()
    record.seconds = round(time.monotonic() - began, 1)
    print_record(record)
    return record


def chosen(names: Sequence[str], size: str, count: int) -> list[tuple[Scenario, int]]:
    """Return which scenarios run, and how many faults each injects."""
    wanted = [scenario for scenario in SCENARIOS if not names or scenario.name in names]
    counts = [(scenario, count or scenario.count(size)) for scenario in wanted]
    if names:
        return [(scenario, number or max(1, scenario.default)) for scenario, number in counts]
    return [(scenario, number) for scenario, number in counts if number]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--small", dest="size", action="store_const", const=SMALL)
    size.add_argument("--full", dest="size", action="store_const", const=FULL)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--only", default="", help="names of scenarios, by comma")
    parser.add_argument("--count", type=int, default=0, help="faults of each scenario")
    parser.add_argument("--list", action="store_true", help="print the scenarios and end")
    options = parser.parse_args()
    options.size = options.size or (FULL if os.environ.get("FULL") == "1" else DEFAULT)
    options.names = [name for name in options.only.split(",") if name]
    if unknown := set(options.names) - {scenario.name for scenario in SCENARIOS}:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}; see --list")
    return options


def main() -> int:
    """Run the scenarios; exit 1 where an invariant or a bound broke."""
    options = _options()
    if options.list:
        for scenario in SCENARIOS:
            sizes = (scenario.small, scenario.default, scenario.full)
            print(f"{scenario.name:18} {scenario.promise:60} {' / '.join(map(str, sizes))}")
        return 0
    print(f"seed {options.seed}, size {options.size}", flush=True)
    home = Path(os.environ.get("TIEBACK_HOME") or ".tieback")
    home.mkdir(parents=True, exist_ok=True)
    target = home / "chaos.json"
    target.unlink(missing_ok=True)
    began = time.monotonic()
    with (
        Stack(home / "chaos", free_ports=True, fresh=True, environ=quick_chain()) as stack,
        Lab(stack, seed=options.seed) as lab,
    ):
        records: list[Record] = []
        planned = chosen(options.names, options.size, options.count)
        for scenario, count in planned:
            # The small size is part of the check, and a check that measures a busy machine is none.
            judged = options.size != SMALL
            records.append(run_scenario(lab, scenario, count, judges_time=judged))
            # Hours of a run that is broken off are not lost.
            seconds = time.monotonic() - began
            report = summary(records, seed=options.seed, size=options.size, seconds=seconds)
            report["complete"] = len(records) == len(planned)
            write(report, target)
    print_summary(report)
    print(f"{report['seconds']:.0f} s; written to {target}")
    return 0 if all(record.is_good for record in records) else 1


if __name__ == "__main__":
    sys.exit(main())
