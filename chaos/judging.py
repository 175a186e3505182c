"""The checker at work: on snapshots while faults are injected, and on everything at rest."""

import threading
import time
from collections.abc import Callable
from typing import Any

import boto3
import psycopg
from botocore.config import Config

from chaos import checker
from chaos.lab import LEASE_SECONDS, SWEEP_SECONDS, Lab
from chaos.load import percentile
from chaos.scenarios import Scenario
from tieback.stack import Stack

SHOWN = 5
# Row 2: how soon a dead worker's job has its next unit, sweep and a start included.
RECOVERY_SECONDS = LEASE_SECONDS + SWEEP_SECONDS + 5.0
_RECOVERED = """
select extract(epoch from least(
    (select min(committed_at) from minting_mintcycle
      where job_id = %(job)s and committed_at > to_timestamp(%(at)s)),
    (select finished_at from minting_mintjob
      where id = %(job)s and finished_at > to_timestamp(%(at)s)))) - %(at)s
"""


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
        self._thread.join(60)

    def _run(self) -> None:
        pause = 1.0
        while not self._stop.wait(pause):
            began = time.monotonic()
            try:
                with self._connect() as database:
                    database.autocommit = True
                    self._look(checker.Evidence(database, {}, 0))
            except psycopg.OperationalError:
                continue
            except Exception as error:  # noqa: BLE001 - a thread's error would be seen by nobody
                self.problems.setdefault("I4", [f"the watcher failed: {error}"])
                return
            # The machine is there for the system on trial.
            pause = max(1.0, 5 * (time.monotonic() - began))

    def _look(self, evidence: Any) -> None:
        for name, check in checker.SNAPSHOT_CHECKS.items():
            found = check(evidence)
            if found:
                self.problems.setdefault(name, found)
        self.looks += 1


def judge(lab: Lab, scenario: Scenario, watcher: Watcher) -> None:
    """Run every check on what the scenario left at rest, and measure the recoveries."""
    read = object_reader(lab.stack)
    with lab.stack.postgres.connect("tieback") as database:
        database.autocommit = True
        evidence = checker.Evidence(
            database, lab.acknowledged, scenario.cycle_size, read, chain=lab.chain
        )
        for name, checks in _checks(scenario).items():
            found = [line for check in checks for line in check(evidence)][:SHOWN]
            found += [f"while running: {line}" for line in watcher.problems.get(name, [])]
            lab.record.invariants[name] = "; ".join(found) or "ok"
    lab.record.jobs = len(lab.acknowledged)
    lab.record.expect(lab.record.jobs, "no job was submitted")
    lab.record.figures["snapshots"] = watcher.looks
    lab.record.figures["requests_repeated"] = sum(client.refused for client in lab.clients)
    _measure_recovery(lab)


def _checks(scenario: Scenario) -> dict[str, list[Callable[[Any], list[str]]]]:
    """Return the checks of each invariant; what it is excused from is not demanded."""
    chosen: dict[str, list[Callable[[Any], list[str]]]] = {
        name: [check] for name, check in checker.CHECKS.items()
    }
    # Further demands on a run in which no error was injected.
    for name, check in checker.EXPECTED_AT_REST.items():
        if name not in scenario.excused:
            chosen[name].append(check)
    return chosen


def _measure_recovery(lab: Lab) -> None:
    """From the death of a worker to the next commit of the job that it held.

    Where the next worker was killed over the same job before it committed, its death counts.
    """
    seconds = []
    for job, at in lab.victims:
        found = lab.value(_RECOVERED, {"job": job, "at": at})
        if found is None:
            continue
        recovered = at + float(found)
        if not any(job == other and at < died < recovered for other, died in lab.victims):
            seconds.append(recovered - at)
    if not seconds:
        return
    lab.record.figure("recoveries", len(seconds))
    lab.record.figure("recovery_p50_s", percentile(seconds, 0.5))
    lab.record.figure("recovery_p95_s", percentile(seconds, 0.95), at_most=RECOVERY_SECONDS)
    lab.record.figure("recovery_max_s", max(seconds))


def object_reader(stack: Stack) -> Callable[[str], bytes]:
    """Return a function that reads an object of the store, past every proxy."""
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
