"""Errors and deaths that a job brings on itself: three in a row fail it, five deaths too."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.lab import CYCLE_SIZE, WORKERS, Lab
from chaos.record import Record
from chaos.scenarios.plan import Scenario
from minting.crash_orders import Order

MAX_RETRIES = 3
MAX_CRASHES = 5
CYCLES = 6
QUANTITY = (CYCLES - 1) * CYCLE_SIZE + 7
# The cycle before which errors are met, and how many in a row; twice two is a success between.
PLANS: tuple[tuple[tuple[int, int], ...], ...] = (
    ((2, 2),),
    ((CYCLES, 3),),
    ((1, 3),),
    ((2, 2), (3, 2)),
    *(((cycle, times),) for cycle in (1, 3, CYCLES) for times in (1, 2)),
    ((2, 1),),
    ((2, 3),),
    ((3, 3),),
)
_JOB = "select status, generated_quantity, consecutive_errors from minting_mintjob where id = %s"


@dataclass(frozen=True)
class _Trial:
    job: str
    plan: tuple[tuple[int, int], ...]

    @property
    def fails_in(self) -> int:
        """The cycle that ends the job, 0 where none does."""
        return next((cycle for cycle, times in self.plan if times >= MAX_RETRIES), 0)


def run(lab: Lab, count: int) -> None:
    """Inject errors by the plans; FAILED exactly after three in a row, and a retry goes on."""
    lab.stop_workers()
    client = lab.clients[0]
    plans = [PLANS[number % len(PLANS)] for number in range(count)]
    trials = [_Trial(client.submit(QUANTITY), plan) for plan in plans]
    witnesses = [
        (lab.give(Order("mint.inserted", "error", times=times, job=trial.job, cycle=cycle)), times)
        for trial in trials
        for cycle, times in trial.plan
    ]
    for alias in WORKERS:
        lab.start_worker(alias)
    lab.wait_ended([trial.job for trial in trials], seconds=60 + 2 * count)
    for witness, times in witnesses:
        lab.take_back(witness)
        signed = len(list(lab.marks.glob(f"{witness.name}*")))
        lab.record.expect(signed == times, f"{signed} errors were met instead of {times}")
    for trial in trials:
        _judge(lab, trial)
    retry(lab, [trial.job for trial in trials if trial.fails_in])
    for trial in trials:
        status, generated, _ = lab.rows(_JOB, [trial.job])[0]
        lab.record.expect(
            (status, generated) == ("COMPLETED", QUANTITY),
            f"{trial.job} is {status} with {generated} units in the end",
        )


def _judge(lab: Lab, trial: _Trial) -> None:
    """Compare how the job ended with how it should have."""
    expected = ("COMPLETED", QUANTITY, 0)
    if trial.fails_in:
        expected = ("FAILED", (trial.fails_in - 1) * CYCLE_SIZE, MAX_RETRIES)
    found = lab.rows(_JOB, [trial.job])[0]
    lab.record.expect(found == expected, f"after errors {trial.plan}: {found}, not {expected}")
    for cycle, times in trial.plan:
        lab.record.count(f"error x{times} in cycle {'last' if cycle == CYCLES else cycle}")


def retry(lab: Lab, jobs: Sequence[str]) -> None:
    """Send failed jobs back by the API and wait until they are done."""
    for job in jobs:
        status, data = lab.owner_of(job).post(
            f"/api/v1/mint-jobs/{job}/retry/", {"reason": "the cause is gone"}
        )
        lab.record.expect(status == 202, f"retry was answered {status}: {data[:200]!r}")
    lab.wait_ended(jobs)


def poison(lab: Lab, count: int) -> None:
    """Jobs that kill their worker in cycle 3 end FAILED; the other brand's jobs go on."""
    ours, theirs = lab.clients
    theirs.waiting_at_most = 8
    theirs.start((2_000,), pause=0.0)
    try:
        solo = _throughput(lab, theirs.system.brand_id, 6.0)
        # Nobody mints before the orders are given: a job may be past its third cycle in no time.
        lab.stop_workers()
        jobs = [ours.submit(QUANTITY) for _ in range(count)]
        orders = {job: lab.give(Order("mint.inserted", times=0, job=job, cycle=3)) for job in jobs}
        for alias in WORKERS:
            lab.start_worker(alias)
        began = time.time()
        lab.wait_ended(jobs, seconds=120 + 60 * count)
        beside = _made(lab, theirs.system.brand_id, began) / (time.time() - began)
    finally:
        theirs.stop()
        theirs.waiting_at_most = 4
    lab.record.figure("other_brand_units_vs_solo", beside / solo)
    for job, witness in orders.items():
        lab.take_back(witness)
        _judge_poison(lab.record, lab, job, len(list(lab.marks.glob(f"{witness.name}*"))))
    retry(lab, jobs)


def _judge_poison(record: Record, lab: Lab, job: str, deaths: int) -> None:
    """Exactly five deaths without progress: one more where the first claim had made units."""
    status, generated, crashes, error, first = lab.rows(
        "select status, generated_quantity, crashes_without_progress, last_error,"
        "       (select max(fence) from minting_mintcycle where job_id = job.id)"
        "  from minting_mintjob job where id = %s",
        [job],
    )[0]
    spared = lab.value(
        "select count(*) from minting_mintevent e join minting_mintjob j using (batch_id)"
        " where j.id = %s and e.type = 'job.reclaimed' and (e.data->>'fence')::int <= %s + 1",
        [job, first],
    )
    record.expect(
        (status, generated, crashes) == ("FAILED", 2 * CYCLE_SIZE, MAX_CRASHES),
        f"a poison job is {status} with {generated} units after {crashes} crashes: {error}",
    )
    record.expect(
        deaths == MAX_CRASHES + spared, f"{deaths} deaths, {spared} of them after progress"
    )
    record.count("worker killed by a poison job", times=deaths)


def _throughput(lab: Lab, brand: str, seconds: float) -> float:
    """Return the units a second that a brand gets now."""
    time.sleep(1.0)
    began = time.time()
    time.sleep(seconds)
    return float(_made(lab, brand, began) / (time.time() - began))


def _made(lab: Lab, brand: str, since: float) -> int:
    return int(
        lab.value(
            "select coalesce(sum(count), 0) from minting_mintcycle"
            " where brand_id = %s and committed_at > to_timestamp(%s)",
            [brand, since],
        )
    )


SCENARIOS = (
    Scenario(
        *("errors", "9: three errors in a row fail a job, and its units stay", run, 2, 14, 280),
        settings={"RETRY_BASE_DELAY": "100"},
        excused=frozenset({"I12"}),
        has_load=False,
    ),
    Scenario(
        *("poison", "10: a job that kills its workers is stopped", poison, 0, 2, 20),
        settings={"MAX_CRASHES_WITHOUT_PROGRESS": str(MAX_CRASHES)},
        excused=frozenset({"I12"}),
        has_load=False,
    ),
)
