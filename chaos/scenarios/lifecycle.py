"""Cancel, pause and resume through the API, at any moment of a job's cycles."""

import json
import time
from http import HTTPStatus
from uuid import UUID

from bench.system import wait_until
from chaos.lab import CYCLE_SIZE, Lab
from chaos.record import NotRun
from chaos.scenarios.plan import Scenario

QUANTITY = 60 * CYCLE_SIZE + 3
# A paused job is made to its end each time, in turns with the jobs of the load.
PAUSED_QUANTITY = 20 * CYCLE_SIZE + 3
SIDE_BY_SIDE = 10
STILL_SECONDS = 1.5
_LATER_CYCLES = """
select count(*) from minting_mintcycle where job_id = %s and committed_at > to_timestamp(%s)
"""
_MADE = "select generated_quantity from minting_mintjob where id = %s"


def cancels(lab: Lab, count: int) -> None:
    """Cancel running jobs: at most the cycle under way is still made, and whole cycles stay."""
    for _ in range(count):
        job = _begun(lab)
        status, _ = _act(lab, job, "cancel")
        at = time.time()
        lab.wait_ended([job])
        ended = lab.status_of(job)
        if status == HTTPStatus.CONFLICT:
            lab.record.expect(ended == "COMPLETED", f"cancel was refused, the job is {ended}")
            continue
        lab.record.expect(ended == "CANCELLED", f"a cancelled job is {ended}")
        later = lab.value(_LATER_CYCLES, [job, at])
        lab.record.expect(later <= 1, f"{later} cycles were made after a cancel")
        lab.record.count("job cancelled at work")


def pauses(lab: Lab, count: int) -> None:
    """Pause running jobs, see them stand still, and resume them to their end."""
    for first in range(0, count, SIDE_BY_SIDE):
        paused = _paused(lab, min(SIDE_BY_SIDE, count - first))
        time.sleep(STILL_SECONDS)
        made = {job: lab.value(_MADE, [job]) for job in paused}
        for job, at in paused.items():
            later = lab.value(_LATER_CYCLES, [job, at])
            lab.record.expect(later <= 1, f"{later} cycles were made after a pause")
        time.sleep(STILL_SECONDS)
        for job in paused:
            lab.record.expect(lab.value(_MADE, [job]) == made[job], "a paused job went on")
            _act(lab, job, "resume")
        lab.wait_ended(list(paused))
        for job in paused:
            lab.record.expect(lab.status_of(job) == "COMPLETED", "a resumed job did not complete")
            lab.record.count("job paused at work and resumed")


def _paused(lab: Lab, count: int) -> dict[str, float]:
    """Pause one job after the other, each at a moment of its own; return them and the moments."""
    paused: dict[str, float] = {}
    while len(paused) < count:
        job = _begun(lab, PAUSED_QUANTITY)
        status, _ = _act(lab, job, "pause")
        # A job that ended before it was asked to pause is no fault, and is not counted.
        if status != HTTPStatus.CONFLICT:
            paused[job] = time.time()
    return paused


def _begun(lab: Lab, quantity: int = QUANTITY) -> str:
    """Submit a job and wait until some of its units exist."""
    job = lab.clients[0].submit(quantity)
    wanted = lab.dice.randrange(1, quantity // 2)
    wait_until(
        "the job to be at work",
        lambda: True if lab.value(_MADE, [job]) >= wanted else None,
        seconds=60,
    )
    return job


def _act(lab: Lab, job: str, act: str) -> tuple[int, bytes]:
    """Ask for a step of the job; a build that does not know the address cannot be tried."""
    path = f"/api/v1/mint-jobs/{UUID(job)}/{act}/"
    status, data = lab.clients[0].post(path, {"reason": "fault injection"})
    if status == HTTPStatus.NOT_FOUND:
        lab.wait_ended([job])
        raise NotRun(f"POST {path.replace(job, '{id}')} answers 404 in this build")
    accepted = {HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT}
    if status not in accepted:
        lab.record.problems.append(f"{act} was answered {status}: {json.dumps(str(data[:200]))}")
    return status, data


SCENARIOS = (
    Scenario(
        *("cancel", "15: a cancel stops within one cycle", cancels, 2, 10, 500),
        excused=frozenset({"I6", "I8", "I10"}),
        has_load=False,
    ),
    Scenario("pause", "15: pause and resume keep ordinals whole", pauses, 0, 4, 200),
)
