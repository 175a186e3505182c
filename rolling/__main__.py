"""``make test-rolling``: a deploy under load, from the last release's code to this one.

Old web and two old workers mint; this code's migrations are applied while they do; the old ones
go on alone on the new schema; then two new workers and a new web join, and the old ones are
stopped. No request may fail, no job meet an error, nobody wait for a table longer than two
seconds. Prints what happened and writes ``$TIEBACK_HOME/rolling.json``. Exit 0 only if all held.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from rolling.checkout import NoEarlierCode, earlier_commit, lay_out
from rolling.load import Load
from rolling.watching import LockWatch, at_rest, completed, faults
from tests.passports import ready_passport
from tieback.stack import Stack

PATIENCE_SECONDS = 300.0
LONGEST_WAIT_SECONDS = 2.0
#: Jobs that each part of the deploy must see done, or it has shown nothing.
ENOUGH = 5
OLD, NEW = ("worker", "worker-old-2"), ("worker-new-1", "worker-new-2")


class NothingHappened(Exception):
    """A part of the deploy saw too little done for the verdict to mean anything."""


class Deploy:
    """One deploy, step by step."""

    def __init__(self, stack: Stack, old: Path, seed: int) -> None:
        self.stack, self.old, self.seed = stack, old, seed
        self.report: dict[str, Any] = {}

    def run(self) -> list[str]:
        """Take every step under load; return what went wrong."""
        self._start_old()
        load = self._load()
        load.start()
        with self._superuser() as database, LockWatch(self._superuser) as watch:
            self._see_done("old code, old schema", database)
            began = time.monotonic()
            self.stack.migrate()
            self.report["migrate_seconds"] = round(time.monotonic() - began, 1)
            self._see_done("old code, new schema", database)
            self._start_new(load)
            self._see_done("old and new code", database)
            self._stop_old(load)
            load.has_modes = True
            self._see_done("new code alone", database)
            load.stop()
            _until("every job to come to its end", lambda: at_rest(database))
            found = faults(database, load.jobs)
        self.report |= {
            "jobs": len(load.jobs),
            "units": sum(load.jobs.values()),
            "reads": load.reads,
            "longest_wait_for_a_table": round(watch.longest, 2),
            "waited_for": watch.waited_for,
        }
        if watch.longest > LONGEST_WAIT_SECONDS:
            found.append(f"somebody waited {watch.longest:.1f} s for {watch.waited_for}")
        return [*load.errors, *found]

    def _start_old(self) -> None:
        self.stack.start_services()
        self.stack.migrate(code=self.old)
        self.stack.start("web", code=self.old)
        for name in OLD:
            self.stack.start("worker", alias=name, code=self.old)
        self.stack.start("beat", code=self.old)

    def _start_new(self, load: Load) -> None:
        for name in NEW:
            self.stack.start("worker", alias=name)
        self.stack.start("web", alias="web-new")
        load.webs.append(self.stack.url("web-new"))

    def _stop_old(self, load: Load) -> None:
        """Send no more requests to the old web, let it answer those it has, and stop it."""
        load.webs.remove(self.stack.url("web"))
        time.sleep(1)
        self.stack.stop("web", "beat", *OLD)
        self.stack.start("beat", alias="beat-new")

    def _load(self) -> Load:
        made = subprocess.run(
            [
                *(sys.executable, "manage.py", "create_brand", "--slug", "rolling"),
                *("--name", "Rolling", "--resolver-host", "rolling.example"),
                *("--owner-email", "owner@rolling.example", "--json"),
            ],
            cwd=self.old,
            env={**self.stack.environment("console"), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )
        header = json.loads(made.stdout)["credential"]["header"]
        load = Load(header, "", [self.stack.url("web")], self.seed)
        product = {
            "sku": "ROLLING-1",
            "name": "Rolling product",
            "category": "generic",
            "commercial_status": "active",
            "dpp": ready_passport("generic"),
        }
        load.product_id = load.call(random.Random(0), "POST", "/api/v1/products/", product)["id"]
        return load

    def _see_done(self, part: str, database: "psycopg.Connection[Any]") -> None:
        """Stay in this part of the deploy until enough jobs were done in it."""
        before, began = completed(database), time.monotonic()
        _until(f"{ENOUGH} jobs of {part}", lambda: completed(database) >= before + ENOUGH)
        done = completed(database) - before
        print(f"  {part}: {done} jobs done in {time.monotonic() - began:.1f} s", flush=True)
        self.report[part] = done

    def _superuser(self) -> "psycopg.Connection[Any]":
        connection = self.stack.postgres.connect("tieback")
        connection.autocommit = True
        return connection


def _until(what: str, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise NothingHappened(f"gave up waiting for {what}")
        time.sleep(0.1)


def main(argv: list[str]) -> int:
    """Deploy; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m rolling", description=__doc__)
    parser.add_argument("--old", help="commit to come from; default: the last release")
    parser.add_argument("--seed", type=int, default=20_260)
    options = parser.parse_args(argv)
    root = Path(os.environ.get("TIEBACK_HOME") or ".tieback").resolve()
    try:
        commit = options.old or earlier_commit()
    except NoEarlierCode as error:
        sys.stderr.write(f"tieback: {error}\n")
        return 1
    print(f"from {commit}, seed {options.seed}", flush=True)
    with Stack(root / "rolling", free_ports=True, fresh=True) as stack:
        old = lay_out(commit, stack.home / "old-code")
        deploy = Deploy(stack, old, options.seed)
        found = deploy.run()
    told = {
        "from": commit,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **deploy.report,
        "faults": found,
    }
    (root / "rolling.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(deploy.report, indent=2))
    print("\n".join(found[:20]) or "no request failed, no job met an error, nobody waited long")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
