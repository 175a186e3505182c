"""What the database shows while the schema moves: who waited for a lock, and what was minted."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg

_EVERY_SECONDS = 0.05
_WAITS = """
select extract(epoch from clock_timestamp() - held.waitstart),
       held.relation::regclass::text || ': ' || left(waiting.query, 120)
  from pg_locks as held join pg_stat_activity as waiting using (pid)
 where not held.granted and held.locktype = 'relation' and held.waitstart is not null
 order by held.waitstart
 limit 1
"""
#: Each names what it finds wrong.
VERDICTS = {
    "a job that has not completed": """
        select id::text, status from minting_mintjob where status <> 'COMPLETED'""",
    "a job that met an error": """
        select id::text, last_error from minting_mintjob
         where last_error <> '' or consecutive_errors > 0 or crashes_without_progress > 0""",
    "a batch whose units are not exactly 1 to n": """
        select b.id::text, b.requested_quantity, count(u.id), min(u.ordinal), max(u.ordinal)
          from minting_mintbatch b left join minting_mintunit u on u.batch_id = b.id
         group by b.id, b.requested_quantity
        having count(u.id) <> b.requested_quantity or min(u.ordinal) <> 1
            or max(u.ordinal) <> b.requested_quantity
            or count(distinct u.ordinal) <> count(u.id)""",
    "a counter that is not the rows": """
        select b.id::text, b.minted_quantity from minting_mintbatch b
         where b.minted_quantity
               <> (select count(*) from minting_mintunit u where u.batch_id = b.id)""",
}


class LockWatch:
    """Looks twenty times a second for whoever waits for a table."""

    def __init__(self, connect: Callable[[], "psycopg.Connection[Any]"]) -> None:
        self.longest, self.waited_for = 0.0, ""
        self._connect = connect
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "LockWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        with self._connect() as database:
            while not self._stop.wait(_EVERY_SECONDS):
                row = database.execute(_WAITS).fetchone()
                if row and float(row[0]) > self.longest:
                    self.longest, self.waited_for = float(row[0]), str(row[1])


def completed(database: "psycopg.Connection[Any]") -> int:
    """Return how many jobs are done."""
    row = database.execute(
        "select count(*) from minting_mintjob where status = 'COMPLETED'"
    ).fetchone()
    return int(row[0]) if row else 0


def at_rest(database: "psycopg.Connection[Any]") -> bool:
    """Say whether every job has come to an end."""
    row = database.execute(
        "select count(*) from minting_mintjob where status in ('QUEUED', 'RESERVED', 'PROCESSING')"
    ).fetchone()
    return row == (0,)


def faults(database: "psycopg.Connection[Any]", promised: dict[str, int]) -> list[str]:
    """Return a line for everything that is not as it was promised."""
    found = [
        f"{what}: {row}"
        for what, query in VERDICTS.items()
        for row in database.execute(query).fetchall()
    ]
    rows = database.execute("select id::text, requested_quantity from minting_mintjob").fetchall()
    there = dict(rows)
    found += [
        f"an acknowledged job that is not there as asked for: {job}"
        for job, quantity in promised.items()
        if there.get(job) != quantity
    ]
    return found
