"""How long a submission takes: idle, while a job is minted, and while the broker is dead."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.minting import finished, settle
from bench.system import System

SAMPLES = 200


@dataclass(frozen=True)
class Latency:
    """Milliseconds: half of the requests are below ``p50``, 99 of 100 below ``p99``."""

    p50: float
    p99: float


def _sample(call: Callable[[], object], *, samples: int) -> Latency:
    taken = []
    for _ in range(samples):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    return Latency(taken[len(taken) // 2], taken[int(len(taken) * 0.99)])


def submit_latency(system: System, *, samples: int = SAMPLES) -> dict[str, Latency]:
    """Return the latency of a one-unit submission in each of the three situations."""
    found = {}
    with system.superuser() as superuser:
        settle(superuser)
        system.submit(1)
        system.stack.stop("worker")
        found["idle"] = _sample(lambda: system.submit(1), samples=samples)
        found["million"] = _sample(lambda: system.submit(1_000_000), samples=20)
        superuser.execute(
            "update minting_mintjob set status = 'CANCELLED', finished_at = now()"
            " where status = 'QUEUED'"
        )
        system.stack.stop("valkey")
        found["redis_dead"] = _sample(lambda: system.submit(1), samples=samples // 2)
        superuser.execute(
            "update minting_mintjob set status = 'CANCELLED', finished_at = now()"
            " where status = 'QUEUED'"
        )
        system.stack.start("valkey")
        system.stack.start("worker")
        settle(superuser)
        job_id = system.submit(1_000_000)["mint_job_id"]
        found["minting"] = _sample(lambda: system.submit(1), samples=samples // 4)
        finished(superuser, job_id)
        settle(superuser)
    return found
