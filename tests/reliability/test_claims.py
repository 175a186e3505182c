"""Many processes claim at once: each claim is one process's alone, and each raises the fence."""

import os
import subprocess
import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from minting.models import MintJob
from tests.factories import make_product, make_world
from tests.minting.requests import request_for, submit
from tests.planes import acting_as, database_url
from tests.reliability.scale import scaled
from tieback.brands.scoping import all_brands

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("worker"),
    pytest.mark.timeout(scaled(120, 1_200)),
]
PROCESSES = scaled(8, 16)
CLAIMS = scaled(1_000, 10_000)
JOBS = scaled(20, 200)
PROJECT = Path(__file__).resolve().parents[2]


class Had(NamedTuple):
    """One claim, as the process that had it tells."""

    job: str
    fence: int
    since: int
    until: int


def claim_at_once() -> list[Had]:
    """Let all processes start together; return every claim they had."""
    share = -(-CLAIMS // PROCESSES)
    command = [sys.executable, "-m", "tests.reliability.claimer", str(share)]
    environment = {
        **os.environ,
        "TIEBACK_PLANE": "worker",
        "DATABASE_URL": database_url(),
        # Every job may be in somebody's hands at the same moment.
        "MAX_RUNNING_JOBS_PER_BRAND": "0",
        "LOG_LEVEL": "warning",
    }
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=pipe, stdout=pipe, text=True)
        for _ in range(PROCESSES)
    ]
    try:
        for process in running:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        told = [process.communicate()[0] for process in _started(running)]
        assert [process.returncode for process in running] == [0] * PROCESSES
    finally:
        for process in running:
            process.kill()
            process.wait()
    lines = [line.split() for text in told for line in text.splitlines()]
    return [Had(job, *map(int, rest)) for job, *rest in lines]


def _started(processes: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """Say go to all before anything is read from one."""
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


def test_each_claim_is_one_process_and_each_raises_the_fence(transactional_db: None) -> None:
    with acting_as("web"):
        world = make_world("nordhav")
        product = make_product(world)
        for _ in range(JOBS):
            submit(world, request_for(product, 1_000))
    claims = claim_at_once()
    assert len(claims) >= CLAIMS
    by_job = defaultdict(list)
    for claim in claims:
        by_job[claim.job].append(claim)
    assert len(by_job) >= PROCESSES / 2, "too few jobs went round for the processes to meet"
    for had in by_job.values():
        had.sort(key=lambda claim: claim.fence)
        assert [claim.fence for claim in had] == list(range(1, len(had) + 1))
        assert all(a.until <= b.since for a, b in pairwise(had)), (
            "two processes had one job at the same moment"
        )
    with all_brands():
        fences = dict(MintJob.objects.filter(fence__gt=0).values_list("pk", "fence"))
    assert {str(job): fence for job, fence in fences.items()} == {
        job: len(had) for job, had in by_job.items()
    }
