"""SIGSTOP past the lease, then SIGCONT: the stale worker must find itself fenced."""

import re
import time

from bench.system import wait_until
from chaos.faults import freeze, thaw
from chaos.lab import WORKERS, Lab
from chaos.scenarios.plan import Scenario

_LEFT = "mint_job_left"
_LOST = "lost to another worker"


def run(lab: Lab, count: int) -> None:
    """Put workers to sleep one after the other, each while it holds a job."""
    for number in range(count):
        lab.check_load()
        _pause_past_the_lease(lab, WORKERS[number % len(WORKERS)])
    lab.record.figure("fenced_per_pause", _fenced_lines(lab) / count, at_least=1.0)


def _pause_past_the_lease(lab: Lab, alias: str) -> None:
    """Stop a whole worker, wait until the other has taken its jobs over, and let it wake."""
    held: list[tuple[str, int, str]] = []
    while not held:
        lab.check_load()
        main, children = lab.pids(alias)
        if not freeze([main, *children]):
            continue
        held = [
            job for job in lab.held_by(children) if job[2] == "mint" and _has_far_to_go(lab, job)
        ]
        if not held:
            thaw([*children, main])
            time.sleep(0.05)
    at, before = time.time(), _fenced_lines(lab)
    for job, fence, _ in held:
        lab.wait_for(
            "another worker to take over",
            "select fence > %s from minting_mintjob where id = %s",
            [fence, job],
        )
        lab.victims.append((job, at))
    # The children first: their parent's clock says that they are overdue, and it would kill them.
    thaw(children)
    wait_until(
        "the stale worker to find itself fenced",
        lambda: True if _fenced_lines(lab) >= before + len(held) else None,
        seconds=20,
    )
    thaw([main])
    lab.record.count("paused past the lease, taken over, fenced", times=1)


def _has_far_to_go(lab: Lab, job: tuple[str, int, str]) -> bool:
    left = lab.value(
        "select requested_quantity - generated_quantity from minting_mintjob where id = %s",
        [job[0]],
    )
    return bool(left and left > 1_000)


def _fenced_lines(lab: Lab) -> int:
    """Count the times a worker has said that it lost its job to another one."""
    return sum(len(re.findall(rf"{_LEFT}.*{_LOST}", lab.log_of(alias))) for alias in WORKERS)


SCENARIOS = (Scenario("pauses", "3: a zombie cannot write", run, 1, 20, 100),)
