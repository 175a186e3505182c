"""What the checks may look at, and how they look: one snapshot, a scope, a few rows of each fault.

A check is a function from ``Evidence`` to the problems it found; an empty list is a pass. Its
docstring names the invariant and says it in one sentence.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

Connection = psycopg.Connection[Any]
SHOWN = 5

_BEGIN = "begin isolation level repeatable read read only"
# A cycle's tokens are in order already, so that a million of them sort faster than they hash.
# Both settings end with the transaction.
_SETTINGS = "set local work_mem = '64MB'; set local enable_hashagg = off"


@dataclass(frozen=True)
class Evidence:
    """A database, what a client was told, the object store, and which jobs are meant.

    ``acknowledged`` pairs each idempotency key with the job that was promised under it, once for
    every answer; ``None`` where there is no such log. ``unanswered`` are keys of requests whose
    outcome the client never learned. ``cycle_size`` is 0 where it is not known, or has changed.
    ``allowed_errors`` and ``allowed_crashes`` stand in where an event does not say them itself.
    """

    database: Connection
    acknowledged: Mapping[str, str] | Sequence[tuple[str, str]] | None = None
    cycle_size: int = 0
    read_object: Callable[[str], bytes] | None = None
    job: str | None = None
    brand: str | None = None
    unanswered: frozenset[str] = frozenset()
    #: Calls a method of the chain's JSON-RPC and returns its result; None where none is asked.
    chain: Callable[[str, list[Any]], Any] | None = None
    allowed_errors: int = 3
    allowed_crashes: int = 1

    @property
    def answers(self) -> list[tuple[str, str]]:
        """Each answer of the client's log: key and job."""
        if self.acknowledged is None:
            return []
        if isinstance(self.acknowledged, Mapping):
            return list(self.acknowledged.items())
        return list(self.acknowledged)

    @property
    def is_narrowed(self) -> bool:
        """Whether only some jobs are looked at."""
        return self.job is not None or self.brand is not None

    def jobs(self, alias: str = "job") -> str:
        """Return SQL that tells whether the job named ``alias`` is meant."""
        conditions = []
        if self.job is not None:
            conditions.append(f"{alias}.id = %(job)s")
        if self.brand is not None:
            conditions.append(f"{alias}.brand_id = %(brand)s")
        return " and ".join(conditions) or "true"

    def rows(self, statement: str, **names: Any) -> list[tuple[Any, ...]]:
        """Run a query; ``{jobs}`` in it becomes the condition on the job named ``job``."""
        text = statement.replace("{jobs}", self.jobs())
        given = {"job": self.job, "brand": self.brand, **names}
        return self.database.execute(text, given).fetchall()

    def problems(self, what: str, statement: str, **names: Any) -> list[str]:
        """Return one line for each of the first rows that a query for faults finds."""
        # Materialized: for a limit the planner would walk all units of all brands in order.
        text = f"with fault as materialized ({statement}) select * from fault limit {SHOWN}"
        found = self.rows(text, **names)
        return [f"{what}: {_told(row)}" for row in found]


Check = Callable[[Evidence], list[str]]


def _told(row: tuple[Any, ...]) -> str:
    return ", ".join(str(value) for value in row)


@contextmanager
def snapshot(database: Connection) -> Iterator[None]:
    """Look at one moment of the database while work goes on; inside another, do nothing."""
    if database.info.transaction_status != TransactionStatus.IDLE:
        yield
        return
    database.execute(_BEGIN)
    try:
        database.execute(_SETTINGS)
        yield
    finally:
        if not database.closed:
            database.rollback()


def check(function: Check) -> Check:
    """Make a check look at one snapshot, its own unless one is in force."""

    @functools.wraps(function)
    def checked(evidence: Evidence) -> list[str]:
        with snapshot(evidence.database):
            return function(evidence)

    return checked
