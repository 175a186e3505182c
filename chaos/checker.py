"""Invariants of the database and the object store, in plain SQL: nothing of tieback is imported.

Each check returns the problems it found; an empty list is a pass. ``SNAPSHOT_CHECKS`` hold at any
moment, the others once everything has come to rest.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
SHOWN = 5


@dataclass(frozen=True)
class Evidence:
    """What the checks may look at."""

    database: Connection
    acknowledged: Mapping[str, str]
    cycle_size: int
    read_object: Callable[[str], bytes] | None = None


def _rows(database: Connection, statement: str) -> list[str]:
    return [str(row) for row in database.execute(statement).fetchmany(SHOWN)]


_PER_BATCH = """
    select batch_id, count(*) as units, count(distinct ordinal) as ordinals,
           count(distinct token) as tokens, count(distinct coalesce(serial, token)) as serials,
           min(ordinal) as first, max(ordinal) as last
      from minting_mintunit group by batch_id
"""


def no_duplicates(evidence: Evidence) -> list[str]:
    """I1: as many ordinals, tokens and serials as units."""
    return _rows(
        evidence.database,
        f"select * from ({_PER_BATCH}) b where units <> ordinals or units <> tokens"
        " or units <> serials",
    ) + _rows(
        evidence.database,
        "select token, count(*) from minting_mintunit group by token having count(*) > 1",
    )


def no_gaps(evidence: Evidence) -> list[str]:
    """I2: ordinals run from 1 to the number of units; a completed job has them all."""
    return _rows(
        evidence.database,
        f"select * from ({_PER_BATCH}) b where first <> 1 or last <> units",
    ) + _rows(
        evidence.database,
        "select job.id, job.requested_quantity, coalesce(b.units, 0) from minting_mintjob job"
        f" left join ({_PER_BATCH}) b using (batch_id)"
        " where job.status = 'COMPLETED' and coalesce(b.units, 0) <> job.requested_quantity",
    )


def cycles_are_whole(evidence: Evidence) -> list[str]:
    """I3: units of a job are the sum of its recorded cycles, and only its last cycle is short."""
    return (
        _rows(
            evidence.database,
            "select job.id, job.generated_quantity, c.made, c.cycles, job.cycles"
            "  from minting_mintjob job left join (select job_id, sum(count) as made,"
            "       count(*) as cycles, max(number) as last"
            "  from minting_mintcycle group by job_id) c"
            "    on c.job_id = job.id"
            " where coalesce(c.made, 0) <> job.generated_quantity"
            "    or coalesce(c.cycles, 0) <> job.cycles or coalesce(c.last, 0) <> job.cycles",
        )
        + _rows(
            evidence.database,
            "select job_id, number, first_ordinal, count, due from ("
            "  select job_id, number, first_ordinal, count,"
            "         1 + coalesce(sum(count) over (partition by job_id order by number"
            "             rows between unbounded preceding and 1 preceding), 0) as due"
            "    from minting_mintcycle) c"
            " where first_ordinal <> due",
        )
        + _rows(
            evidence.database,
            "select c.job_id, c.number, c.count from minting_mintcycle c"
            "  join minting_mintjob job on job.id = c.job_id"
            f" where {evidence.cycle_size} > 0 and c.count <> {evidence.cycle_size}"
            "   and c.first_ordinal + c.count - 1 <> job.requested_quantity",
        )
    )


def counters_equal_rows(evidence: Evidence) -> list[str]:
    """I4: the job's and the batch's counters are the number of units."""
    return _rows(
        evidence.database,
        "select job.id, job.generated_quantity, batch.minted_quantity, coalesce(b.units, 0)"
        "  from minting_mintjob job join minting_mintbatch batch on batch.id = job.batch_id"
        f" left join ({_PER_BATCH}) b on b.batch_id = batch.id"
        " where job.generated_quantity <> coalesce(b.units, 0)"
        "    or batch.minted_quantity <> coalesce(b.units, 0)",
    )


def acknowledged_is_durable(evidence: Evidence) -> list[str]:
    """I5: every acknowledged submission is one job, and every job was acknowledged or unknown."""
    stored = dict(
        evidence.database.execute(
            "select idempotency_key, id::text from minting_mintjob"
        ).fetchall()
    )
    lost = [
        f"acknowledged {job} under {key}, stored {stored.get(key)}"
        for key, job in evidence.acknowledged.items()
        if stored.get(key) != job
    ]
    unasked = set(stored) - set(evidence.acknowledged)
    return [*lost, *(f"nobody was promised the job under {key}" for key in unasked)][:SHOWN]


def states_agree(evidence: Evidence) -> list[str]:
    """I6: at rest every job is COMPLETED, its batch minted, nothing is held."""
    return _rows(
        evidence.database,
        "select job.id, job.status, batch.status, job.owner, job.last_error"
        "  from minting_mintjob job join minting_mintbatch batch on batch.id = job.batch_id"
        " where job.status <> 'COMPLETED' or batch.status <> 'minted' or job.owner <> ''"
        "    or job.finished_at is null or batch.minted_at is null",
    )


def fences_rise(evidence: Evidence) -> list[str]:
    """I7: along a job's cycles the fence never falls, and none is above the job's own."""
    return _rows(
        evidence.database,
        "select c.job_id, c.number, c.fence, c.before, job.fence"
        "  from (select job_id, number, fence,"
        "         lag(fence) over (partition by job_id order by number) as before"
        "    from minting_mintcycle) c join minting_mintjob job on job.id = c.job_id"
        " where c.fence < c.before or c.fence > job.fence",
    )


def story_is_told(evidence: Evidence) -> list[str]:
    """I8: each job was queued once and completed once in its events."""
    return _rows(
        evidence.database,
        "select batch.id, count(*) filter (where e.type = 'job.queued'),"
        "       count(*) filter (where e.type = 'job.completed')"
        "  from minting_mintbatch batch left join minting_mintevent e on e.batch_id = batch.id"
        " group by batch.id having count(*) filter (where e.type = 'job.queued') <> 1"
        "     or count(*) filter (where e.type = 'job.completed') <> 1",
    )


def exports_equal_the_database(evidence: Evidence) -> list[str]:
    """I10: packs cover each batch exactly, and the stored bytes are the units, hash by hash."""
    found = _rows(
        evidence.database,
        "select batch.id, build.status, p.rows, batch.minted_quantity from minting_mintbatch batch"
        "  left join exports_packbuild build on build.batch_id = batch.id"
        "  left join (select batch_id, sum(row_count) as rows from exports_payloadpack"
        "              where status = 'completed' group by batch_id) p on p.batch_id = batch.id"
        " where build.status is distinct from 'completed'"
        "    or p.rows is distinct from batch.minted_quantity",
    ) + _rows(
        evidence.database,
        "select build_id, number, first_ordinal, due from (select build_id, number, first_ordinal,"
        "         1 + coalesce(sum(row_count) over (partition by build_id order by number"
        "             rows between unbounded preceding and 1 preceding), 0) as due"
        "    from exports_payloadpack) p where first_ordinal <> due",
    )
    if found or evidence.read_object is None:
        return found
    packs = evidence.database.execute(
        "select storage_key, sha256, byte_size, row_count, batch_id, first_ordinal"
        "  from exports_payloadpack order by batch_id, number"
    ).fetchall()
    for pack in packs:
        found += _problems_of_pack(evidence.database, evidence.read_object, pack)
    manifests = evidence.database.execute(
        "select manifest_key, manifest_sha256 from exports_packbuild"
    ).fetchall()
    for key, sha256 in manifests:
        body = evidence.read_object(key)
        listed = [
            (pack["first_ordinal"], pack["rows"], pack["sha256"])
            for pack in json.loads(body)["packs"]
        ]
        recorded = evidence.database.execute(
            "select pack.first_ordinal, pack.row_count, pack.sha256"
            "  from exports_payloadpack pack join exports_packbuild build on build.id = build_id"
            " where build.manifest_key = %s order by pack.number",
            [key],
        ).fetchall()
        if hashlib.sha256(body).hexdigest() != sha256 or listed != recorded:
            found.append(f"{key}: not the manifest that was recorded")
    return found[:SHOWN]


def _problems_of_pack(
    database: Connection,
    read: Callable[[str], bytes],
    pack: tuple[str, str, int, int, Any, int],
) -> Iterable[str]:
    key, sha256, size, rows, batch_id, first = pack
    body = read(key)
    if hashlib.sha256(body).hexdigest() != sha256 or len(body) != size:
        return [f"{key}: stored bytes are not those recorded"]
    lines = list(csv.DictReader(io.StringIO(body.decode("utf-8"), newline="")))
    printed = [(int(line["ordinal"]), line["token"]) for line in lines]
    stored = database.execute(
        "select ordinal, token from minting_mintunit"
        " where batch_id = %s and ordinal between %s and %s order by ordinal",
        [batch_id, first, first + rows - 1],
    ).fetchall()
    return [] if printed == stored else [f"{key}: rows are not those of the database"]


def children_have_their_parents_brand(evidence: Evidence) -> list[str]:
    """I11: job, units, cycles, events and packs carry the brand of their batch."""
    found = []
    for table in (
        "minting_mintjob",
        "minting_mintunit",
        "minting_mintevent",
        "exports_packbuild",
        "exports_payloadpack",
    ):
        found += _rows(
            evidence.database,
            f"select child.id from {table} child join minting_mintbatch batch"
            "    on batch.id = child.batch_id where child.brand_id <> batch.brand_id",
        )
    return found + _rows(
        evidence.database,
        "select child.id from minting_mintcycle child join minting_mintjob job"
        "    on job.id = child.job_id where child.brand_id <> job.brand_id",
    )


def no_error_is_spent(evidence: Evidence) -> list[str]:
    """I12: kills, pauses and restarts were nobody's error; no job ended FAILED."""
    return (
        _rows(
            evidence.database,
            "select id, status, consecutive_errors, last_error from minting_mintjob"
            " where consecutive_errors > 0 or last_error <> '' or status = 'FAILED'",
        )
        + _rows(
            evidence.database,
            "select id, status, consecutive_errors, last_error from exports_packbuild"
            " where consecutive_errors > 0 or last_error <> '' or status = 'failed'",
        )
        + _rows(
            evidence.database,
            "select batch_id, type, data from minting_mintevent"
            " where type in ('job.error', 'job.failed', 'packs.failed')",
        )
    )


SNAPSHOT_CHECKS: dict[str, Callable[[Evidence], list[str]]] = {
    "I3": cycles_are_whole,
    "I4": counters_equal_rows,
}
CHECKS: dict[str, Callable[[Evidence], list[str]]] = {
    "I1": no_duplicates,
    "I2": no_gaps,
    "I3": cycles_are_whole,
    "I4": counters_equal_rows,
    "I5": acknowledged_is_durable,
    "I6": states_agree,
    "I7": fences_rise,
    "I8": story_is_told,
    "I10": exports_equal_the_database,
    "I11": children_have_their_parents_brand,
    "I12": no_error_is_spent,
}
