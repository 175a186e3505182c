"""Rolling deploys: workers and web processes are stopped and started one by one under load."""

import time

from chaos.lab import WORKERS, Lab
from chaos.scenarios.plan import Scenario

PATIENCE_SECONDS = 10.0
SECOND_WEB = "web-2"
_RECLAIMED = "select count(*) from minting_mintevent where type = 'job.reclaimed'"


def run(lab: Lab, count: int) -> None:
    """SIGTERM, ten seconds, SIGKILL, and a new process, in turns; nothing is lost meanwhile."""
    lab.start_web(SECOND_WEB)
    order = (*WORKERS, "web", SECOND_WEB)
    before, late = lab.value(_RECLAIMED), 0
    slowest = 0.0
    for number in range(count):
        lab.check_load()
        alias = order[number % len(order)]
        pid = lab.stack.pid(alias)
        began = time.monotonic()
        lab.stack.supervisor.stop(alias, seconds=PATIENCE_SECONDS)
        seconds = time.monotonic() - began
        slowest, late = max(slowest, seconds), late + (seconds >= PATIENCE_SECONDS)
        (lab.start_worker if alias in WORKERS else lab.start_web)(alias)
        lab.record.expect(lab.stack.pid(alias) != pid, f"{alias} was not replaced")
        lab.record.count(f"deploy of {'a worker' if alias in WORKERS else 'a web process'}")
    redone = lab.value(_RECLAIMED) - before
    lab.record.figure("slowest_stop_s", slowest)
    lab.record.figure("killed_after_10_s", late)
    # A job that was not let go is taken over at its last commit: at most one cycle is made again.
    lab.record.figure("jobs_not_let_go", redone, at_most=max(late * 2, 0.5))
    lab.stop_load()
    lab.webs.remove(SECOND_WEB)
    lab.stack.stop(SECOND_WEB)


SCENARIOS = (Scenario("deploys", "11, 18: deploys are invisible", run, 0, 8, 100),)
