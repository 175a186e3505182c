"""Whether a job of a million keeps others waiting: 49 brands mint 1,000 units each beside it.

Each small job is submitted when the one before it is done: first with nothing else going on, then
while the large job is minted, then while another large one is minted beside the packs of the first.
A small job's time is from its submission to its completion. A brand's time is the median of three,
alone as beside a large job, since one sample of fifty milliseconds says little; the worst single
jobs of both are told as well.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import psycopg

from bench.minting import finished, settle
from bench.system import PROJECT, System
from tests.passports import ready_passport

SMALL_BRANDS = 49
SMALL_UNITS = 1_000
ROUNDS = 3
LARGE_UNITS = 1_000_000
_IS_DONE = "select status = 'COMPLETED' from minting_mintjob where id = %s"
_HAS_PACKS = "select status = 'completed' from exports_packbuild where batch_id = %s"


def beside_a_large_job(system: System) -> dict[str, float]:
    """Return how many times longer small jobs take beside a large one, and Jain's index.

    Jain's index is 1 where all brands are slowed down alike, 1/49 where one alone is served.
    """
    brands = _small_brands(system)
    with system.superuser() as superuser:
        settle(superuser)
        for brand in brands[:3]:
            _mint(superuser, brand)
        rounds = [[_mint(superuser, brand) for brand in brands] for _ in range(ROUNDS)]
        alone = [median(seconds) for seconds in zip(*rounds, strict=True)]
        beside_rounds = _beside_minting(system, superuser, brands)
        beside = [median(seconds) for seconds in zip(*beside_rounds, strict=True)]
        slowed = [late / early for late, early in zip(beside, alone, strict=True)]
        beside_packs = _beside_packs(system, superuser, brands, alone)
    return {
        "fairness.small_alone_ms": 1000 * median(alone),
        "fairness.small_beside_ms": 1000 * median(beside),
        "fairness.slowest_small_ratio": max(slowed),
        "fairness.slowest_single_ratio": _slowest(beside_rounds, alone),
        "fairness.slowest_single_alone_ratio": _slowest(rounds, alone),
        "fairness.median_small_ratio": median(slowed),
        "fairness.jain_index": sum(slowed) ** 2 / (len(slowed) * sum(x * x for x in slowed)),
        "fairness.slowest_beside_packs_ratio": max(beside_packs),
        "fairness.median_beside_packs_ratio": median(beside_packs),
    }


def _beside_minting(
    system: System, superuser: "psycopg.Connection[Any]", brands: Sequence[System]
) -> list[list[float]]:
    """Return each brand's seconds while a large job is minted, packs of earlier jobs being done."""
    large = system.submit(LARGE_UNITS)["mint_job_id"]
    rounds = []
    for _ in range(ROUNDS):
        seconds = []
        for brand in brands:
            if _holds(superuser, _IS_DONE, large):
                settle(superuser)
                large = system.submit(LARGE_UNITS)["mint_job_id"]
            seconds.append(_mint(superuser, brand))
        rounds.append(seconds)
    finished(superuser, large)
    return rounds


def _slowest(rounds: Sequence[Sequence[float]], alone: Sequence[float]) -> float:
    """Return the worst of all jobs, beside its brand's time alone."""
    return max(
        late / early for seconds in rounds for late, early in zip(seconds, alone, strict=True)
    )


def _beside_packs(
    system: System,
    superuser: "psycopg.Connection[Any]",
    brands: Sequence[System],
    alone: Sequence[float],
) -> list[float]:
    """Return the ratios of small jobs while one large job is minted and another's packs are made.

    Each brand submits at most once: the packs are made before all have.
    """
    settle(superuser)
    _, batch = finished(superuser, system.submit(LARGE_UNITS)["mint_job_id"])
    large = system.submit(LARGE_UNITS)["mint_job_id"]
    slowed = []
    for brand, early in zip(brands, alone, strict=True):
        late = _mint(superuser, brand)
        if _holds(superuser, _HAS_PACKS, batch) or _holds(superuser, _IS_DONE, large):
            break
        slowed.append(late / early)
    finished(superuser, large)
    return slowed


def _mint(superuser: "psycopg.Connection[Any]", brand: System) -> float:
    seconds, _ = finished(superuser, brand.submit(SMALL_UNITS)["mint_job_id"])
    return seconds


def _holds(superuser: "psycopg.Connection[Any]", query: str, *parameters: object) -> bool:
    row = superuser.execute(query, parameters).fetchone()
    return bool(row and row[0])


def _small_brands(system: System) -> list[System]:
    made = subprocess.run(
        [sys.executable, "-m", "bench.brands", str(SMALL_BRANDS)],
        cwd=PROJECT,
        env=system.stack.environment("console"),
        capture_output=True,
        text=True,
        check=True,
    )
    brands = []
    for line in made.stdout.strip().splitlines():
        brand = replace(system, **json.loads(line), product_id="")
        product = {
            "sku": "SMALL-1",
            "name": "Small product",
            "category": "generic",
            "commercial_status": "active",
            "dpp": ready_passport("generic"),
        }
        brand.product_id = brand.call("POST", "/api/v1/products/", product)["id"]
        brands.append(brand)
    return brands
