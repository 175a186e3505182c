"""What minting does to a scan: latency at 300 scans a second, idle and beside a job of a million.

Idle and minting take turns. The pacer runs from the moment the job is under way until it is done.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable

from bench.figures import Figures
from bench.load import Scans
from bench.minting import finished, settle
from bench.paced import RATE_PER_S, Paced
from bench.servers import OURS
from bench.system import PROJECT, BenchFailed, System, wait_until

IDLE_SECONDS = 10.0
# A turn's p99 is made by some twenty scans, so it takes more turns than a rate does.
TURNS_A_ROUND = 2
# A resolver that was idle opens its connections to the database anew.
WARM_UP_SECONDS = 2.0
_UNDER_WAY = "select status in ('PROCESSING', 'COMPLETED') from minting_mintjob where id = %s"


def measure(
    system: System, figures: Figures, scans: Scans, *, rounds: int, units: int, suffix: str = ""
) -> None:
    """Note the latencies, as medians of the turns, and the errors of all of them."""
    idle: list[Paced] = []
    minting: list[Paced] = []
    for number in range(rounds * TURNS_A_ROUND):
        if number % 2 == 0:
            idle.append(_beside_nothing(system, scans))
        minting.append(_beside_a_job(system, scans, units))
        if number % 2:
            idle.append(_beside_nothing(system, scans))
    for name, found in (("idle", idle), ("minting", minting)):
        figures.note_rounds(f"resolver.p50_{name}_ms{suffix}", [one.p50_ms for one in found])
        figures.note_rounds(f"resolver.p99_{name}_ms{suffix}", [one.p99_ms for one in found])
    figures.note_rounds(
        f"resolver.p99_minting_vs_idle{suffix}",
        [beside.p99_ms / alone.p99_ms for beside, alone in zip(minting, idle, strict=True)],
    )
    errors = sum(one.errors for one in (*idle, *minting))
    figures.note(f"resolver.paced_errors{suffix}", errors)


def _beside_nothing(system: System, scans: Scans) -> Paced:
    with system.superuser() as superuser:
        settle(superuser)
    return _run(system, scans, lambda: time.sleep(IDLE_SECONDS))


def _beside_a_job(system: System, scans: Scans, units: int) -> Paced:
    with system.superuser() as superuser:
        settle(superuser)
        job_id = ""

        def begin() -> None:
            nonlocal job_id
            job_id = system.submit(units)["mint_job_id"]
            wait_until(
                "the job to start",
                lambda: superuser.execute(_UNDER_WAY, [job_id]).fetchone() == (True,) or None,
            )

        return _run(system, scans, lambda: finished(superuser, job_id), begin)


def _run(
    system: System,
    scans: Scans,
    meanwhile: Callable[[], object],
    begin: Callable[[], object] = lambda: None,
) -> Paced:
    """Pace scans while ``meanwhile`` runs, once they are under way and ``begin`` is done."""
    port = system.stack.ports[OURS]
    command = [sys.executable, "-m", "bench.paced", str(port), str(scans.file), scans.host]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as pacer:
        try:
            if pacer.stdin is None or pacer.stdout is None:
                raise BenchFailed("the pacer has no pipes")
            if pacer.stdout.readline() != "ready\n":
                raise BenchFailed("the pacer did not connect")
            time.sleep(WARM_UP_SECONDS)
            begin()
            pacer.stdin.write("go\n")
            pacer.stdin.flush()
            meanwhile()
            output, _ = pacer.communicate(timeout=60)
        finally:
            pacer.kill()
    found = Paced(**json.loads(output))
    if not found.answered:
        raise BenchFailed(f"no scan was answered at {RATE_PER_S} a second: {found}")
    return found
