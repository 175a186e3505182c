"""Minting through the real Celery worker, side by side with COPY and with ``bulk_create``."""

import subprocess
import sys
from dataclasses import dataclass
from statistics import median
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from bench.copying import copy_rows, make_table
from bench.system import PROJECT, BenchFailed, System, wait_until

_JOB = """
select job.status, job.last_error, extract(epoch from job.finished_at - job.created_at)::float8,
       job.batch_id
  from minting_mintjob as job where id = %s
"""
_IDLE = """
select not exists (select from minting_mintjob where status in ('QUEUED', 'RESERVED', 'PROCESSING'))
   and not exists (select from exports_packbuild where status in ('pending', 'generating'))
   and not exists (select from minting_batchproof where status = 'pending')
"""


@dataclass
class Minting:
    """The figures of minting, medians of alternated rounds."""

    units_per_s: float
    vs_copy: float
    seconds: float


def settle(superuser: "psycopg.Connection[Any]") -> None:
    """Wait until no job, pack build or proof is under way, then write the database out."""
    wait_until(
        "the queues to empty",
        lambda: True if superuser.execute(_IDLE).fetchone() == (True,) else None,
    )
    superuser.execute("checkpoint")


def finished(superuser: "psycopg.Connection[Any]", job_id: str) -> tuple[float, UUID]:
    """Wait for a job; return the seconds from submission to completion, and its batch."""

    def look() -> tuple[float, UUID] | None:
        row = superuser.execute(_JOB, [job_id]).fetchone()
        if row is None or row[0] in {"FAILED", "CANCELLED"}:
            raise BenchFailed(f"job {job_id}: {row}")
        return (row[2], row[3]) if row[0] == "COMPLETED" else None

    return wait_until(f"job {job_id}", look)


def against_copy(system: System, *, units: int, rounds: int) -> Minting:
    """Mint and COPY in turn, ``rounds`` times each."""
    with system.superuser() as superuser, _as_owner(system) as owner:
        minted, copied = [], []
        ids: tuple[UUID, UUID, UUID] | None = None
        first = 1
        for _ in range(rounds):
            settle(superuser)
            seconds, batch_id = finished(superuser, system.submit(units)["mint_job_id"])
            minted.append(seconds)
            settle(superuser)
            if ids is None:
                ids = UUID(system.brand_id), UUID(system.product_id), batch_id
                row = superuser.execute("select coalesce(max(ordinal), 0) from bench_copy")
                first = int((row.fetchone() or (0,))[0]) + 1
            copied.append(copy_rows(owner, units, ids, first))
            first += units
    seconds = median(minted)
    return Minting(units / seconds, median(copied) / seconds, seconds)


def prepare_copy_table(system: System) -> None:
    """Make the table that COPY fills."""
    with system.superuser() as superuser:
        make_table(superuser)


def against_bulk_create(system: System, *, units: int, rounds: int, units_per_s: float) -> float:
    """Return how much faster a job is than Django's ``bulk_create`` of model objects."""
    rates = []
    with system.superuser() as superuser:
        for _ in range(rounds):
            settle(superuser)
            made = subprocess.run(
                [sys.executable, "-m", "bench.bulk_create", str(units), system.brand_id],
                cwd=PROJECT,
                env=system.stack.environment("worker"),
                capture_output=True,
                text=True,
                check=True,
            )
            rates.append(units / float(made.stdout.strip().splitlines()[-1]))
    return units_per_s / median(rates)


def overlapping(system: System, *, units: int, jobs: int) -> float:
    """Submit several jobs at once; return units per second over all of them."""
    with system.superuser() as superuser:
        settle(superuser)
        ids = [system.submit(units)["mint_job_id"] for _ in range(jobs)]
        for job_id in ids:
            finished(superuser, job_id)
        row = superuser.execute(
            "select extract(epoch from max(finished_at) - min(created_at))::float8"
            " from minting_mintjob where id = any(%s::uuid[])",
            [ids],
        ).fetchone()
    return units * jobs / float((row or (0,))[0])


def fill_up(system: System, *, rows: int) -> None:
    """Bring both tables to ``rows`` rows, or to as many as the larger one has.

    COPY fills one, the server copies from it to the other.
    """
    with system.superuser() as superuser, _as_owner(system) as owner:
        settle(superuser)
        row = superuser.execute("select id from minting_mintbatch limit 1").fetchone()
        if row is None:
            raise BenchFailed("nothing was minted yet")
        ids = UUID(system.brand_id), UUID(system.product_id), row[0]
        last = _number(
            superuser,
            "select greatest((select max(ordinal) from bench_copy),"
            " (select max(ordinal) from minting_mintunit))",
        )
        copied = _number(superuser, "select count(*) from bench_copy")
        minted = _number(superuser, "select count(*) from minting_mintunit")
        rows = max(rows, copied, minted)
        copy_rows(owner, rows - copied, ids, last + 1)
        superuser.execute(
            "insert into minting_mintunit (brand_id, product_id, batch_id, ordinal, token, status,"
            " created_at) select brand_id, product_id, batch_id, ordinal, token, status, created_at"
            " from bench_copy where ordinal > %s order by ordinal limit %s",
            [last, rows - minted],
        )
        superuser.execute("vacuum analyze minting_mintunit")
        superuser.execute("vacuum analyze bench_copy")


def _number(superuser: "psycopg.Connection[Any]", query: LiteralString) -> int:
    row = superuser.execute(query).fetchone()
    return int(row[0] or 0) if row else 0


def _as_owner(system: System) -> "psycopg.Connection[Any]":
    ports, secrets = system.stack.ports, system.stack.secrets
    return psycopg.connect(
        host="127.0.0.1",
        port=ports["postgres"],
        dbname="tieback",
        user="tieback_owner",
        password=secrets["TIEBACK_OWNER_PASSWORD"],
    )
