"""``make chaos``: kill, pause, restart and flush while jobs are minted, then check everything.

Prints the seed, each confirmed fault and the verdict on each invariant, and writes
``$TIEBACK_HOME/chaos.json``. Exit 0 only where every invariant held.
"""

import argparse
import json
import os
import random
import secrets
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import psycopg
from botocore.config import Config

from bench.system import BenchFailed, System, wait_until
from chaos.checker import (
    CHECKS,
    EXPECTED_AT_REST,
    NOT_APPLICABLE,
    SNAPSHOT_CHECKS,
    Evidence,
    says,
)
from chaos.faults import Faults, plan
from chaos.load import Client
from tieback.stack import Stack

# Short times, in the order the system check asks for, so that recovery is seen and not waited for.
LEASE_SECONDS = 5.0
CYCLE_SIZE = 500
SETTINGS = {
    "TIEBACK_CYCLE_SIZE": str(CYCLE_SIZE),
    "TIEBACK_PACK_SIZE": "2000",
    "TIEBACK_WINDOW_SECONDS": "2",
    "TASK_SOFT_TIME_LIMIT": "3",
    "TASK_TIME_LIMIT": "4",
    "TIEBACK_LEASE_SECONDS": str(LEASE_SECONDS),
    "BROKER_VISIBILITY_TIMEOUT": "20",
    "TIEBACK_SWEEP_SECONDS": "1",
    # A crash point may be met by the same job again and again; the poison rule is not on trial.
    "MAX_CRASHES_WITHOUT_PROGRESS": "1000",
}
REST_SECONDS = 300.0


class Watcher:
    """Looks at a snapshot again and again while faults are injected."""

    def __init__(self, connect: Callable[[], "psycopg.Connection[Any]"]) -> None:
        self.problems: dict[str, list[str]] = {}
        self.looks = 0
        self._connect = connect
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.wait(1.0):
            try:
                with self._connect() as database:
                    evidence = Evidence(database)
                    for name, check in SNAPSHOT_CHECKS.items():
                        found = check(evidence)
                        if found:
                            self.problems.setdefault(name, found)
                    self.looks += 1
            except psycopg.OperationalError:
                continue
            except Exception as error:  # noqa: BLE001 - a thread's error would be seen by nobody
                self.problems.setdefault("I4", [f"the watcher failed: {error}"])
                return


def object_reader(stack: Stack) -> Callable[[str], bytes]:
    """Return a function that reads an object of the store."""
    environment = stack.environment()
    store = boto3.client(
        "s3",
        endpoint_url=environment["S3_ENDPOINT_URL"],
        aws_access_key_id=environment["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["S3_SECRET_ACCESS_KEY"],
        region_name=environment["S3_REGION"],
        config=Config(s3={"addressing_style": "path"}),
    )

    def read(key: str) -> bytes:
        body: bytes = store.get_object(Bucket=environment["S3_BUCKET"], Key=key)["Body"].read()
        return body

    return read


def at_rest(database: "psycopg.Connection[Any]") -> bool | None:
    """Return true once every job and build has ended, else ``None``."""
    row = database.execute(
        "select (select count(*) from minting_mintjob where status in"
        "        ('QUEUED', 'RESERVED', 'PROCESSING'))"
        "     + (select count(*) from exports_packbuild where status in ('pending', 'generating'))"
        "     + (select count(*) from minting_mintjob j where status = 'COMPLETED' and not exists"
        "        (select from exports_packbuild b where b.batch_id = j.batch_id))"
    ).fetchone()
    return True if row == (0,) else None


def run(stack: Stack, *, seed: int, share: float) -> tuple[Faults, Client, dict[str, list[str]]]:
    """Inject a shuffled plan of faults under load; return what was found wrong."""
    system = System(stack)
    stack.start_services()
    stack.migrate()
    with system.superuser() as database:
        # Else a worker that is paused inside a transaction holds its row for half a minute.
        database.execute("alter role tieback_worker set idle_in_transaction_session_timeout = '2s'")
    stack.start_processes(["web"])
    stack.start("beat", env=SETTINGS)
    system.prepare()
    faults = Faults(system, SETTINGS, LEASE_SECONDS)
    faults.start_worker()
    client = Client(system, seed)
    client.start()
    watcher = Watcher(system.superuser)
    dice = random.Random(seed)
    faults_to_come = plan(faults)
    dice.shuffle(faults_to_come)
    for fault in faults_to_come[: max(1, round(len(faults_to_come) * share))]:
        if not client.is_running:
            raise BenchFailed(f"the load has ended: {client.failed or 'its thread died'}")
        fault()
        time.sleep(dice.uniform(0.2, 1.0))
    client.stop()
    with system.superuser() as database:
        wait_until("everything to come to rest", lambda: at_rest(database), seconds=REST_SECONDS)
        watcher.stop()
        evidence = Evidence(database, client.acknowledged, CYCLE_SIZE, object_reader(stack))
        found = {name: check(evidence) for name, check in CHECKS.items()}
        for name, check in EXPECTED_AT_REST.items():
            found[name] += check(evidence)
    if not watcher.looks or len(client.acknowledged) < len(faults.confirmed):
        raise BenchFailed("too little happened for the verdict to mean anything")
    for name, problems in watcher.problems.items():
        found[name] = [*found[name], *(f"while running: {line}" for line in problems)]
    print(f"  {watcher.looks} snapshots taken, {len(client.acknowledged)} jobs acknowledged,")
    print(f"  {client.refused} requests refused or cut and repeated")
    return faults, client, found


def main() -> int:
    """Run the faults; exit 1 where an invariant broke."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--share", type=float, default=1.0, help="part of the plan to run")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    home = Path(os.environ.get("TIEBACK_HOME") or ".tieback")
    environ = {**os.environ, **SETTINGS}
    with Stack(home / "chaos", free_ports=True, fresh=True, environ=environ) as stack:
        faults, client, found = run(stack, seed=options.seed, share=options.share)
    report = {
        "seed": options.seed,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "faults": faults.confirmed,
        "jobs": len(client.acknowledged),
        "invariants": {name: "; ".join(lines) or "ok" for name, lines in found.items()}
        | NOT_APPLICABLE,
    }
    target = home / "chaos.json"
    target.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for name, lines in found.items():
        print(f"{name:4} {says(name):90} {'; '.join(lines) or 'ok'}")
    for name, why in NOT_APPLICABLE.items():
        print(f"{name:4} {why}")
    print(f"{sum(faults.confirmed.values())} faults confirmed; written to {target}")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
