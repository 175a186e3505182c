"""Claiming runs: who works on one, until when, and with which fence. Times are the database's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from minting.interruptions import LONGEST_ERROR
from tieback.metrics import RECONCILIATIONS

#: How long what cannot be reached is left alone, in seconds, and how often in a row.
OUTAGE_SECONDS, OUTAGE_ATTEMPTS = 30.0, 120

_IS_DUE = """
       status = 'pending'
   and (lease_until is null or lease_until <= clock_timestamp())
   and (next_attempt_at is null or next_attempt_at <= clock_timestamp())
"""
# What is scheduled is short, and is not to wait for what somebody asked for.
_CLAIM = f"""
with due as (
    select id from minting_reconciliationrun
     where {_IS_DUE}
     order by type = 'full', created_at, id
       for no key update skip locked
     limit 1
)
update minting_reconciliationrun as run
   set fence = fence + 1,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
  from due
 where run.id = due.id
returning run.id, brand_id, type, scope, read_only, network, fence, cursor
"""  # noqa: S608 - constants only
_OLDEST = f"select id from minting_reconciliationrun where {_IS_DUE} limit 1"  # noqa: S608
_LET_GO = """
update minting_reconciliationrun set lease_until = null
 where id = %(id)s and fence = %(fence)s and status = 'pending'
"""
_FINISH = """
update minting_reconciliationrun
   set status = 'completed', finished_at = clock_timestamp(), lease_until = null,
       consecutive_errors = 0, last_error = '', next_attempt_at = null
 where id = %(id)s and fence = %(fence)s and status = 'pending'
"""
_RECORD_ERROR = """
update minting_reconciliationrun
   set consecutive_errors = consecutive_errors + 1, last_error = %(error)s, lease_until = null,
       status = case when consecutive_errors + 1 >= %(allowed)s then 'failed' else status end,
       finished_at = case when consecutive_errors + 1 >= %(allowed)s then clock_timestamp() end,
       next_attempt_at = case when consecutive_errors + 1 < %(allowed)s
           then clock_timestamp() + make_interval(secs => %(wait)s) end
 where id = %(id)s and fence = %(fence)s and status = 'pending'
returning status
"""


@dataclass(frozen=True)
class Claim:
    """A run in this worker's hands. ``cursor`` says at which stage it is, and how far in it."""

    id: UUID
    brand_id: UUID | None
    type: str
    scope: str
    read_only: bool
    network: str
    fence: int
    cursor: Mapping[str, Any]

    @property
    def is_full(self) -> bool:
        """Whether it looks at everything."""
        return self.type == "full"


class LostError(Exception):
    """Somebody else has taken the run over."""


def claim_run() -> Claim | None:
    """Claim the first run of anybody that is due."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"lease": float(settings.TIEBACK_LEASE_SECONDS)})
        row = cursor.fetchone()
    if row is None:
        return None
    # Django has psycopg leave JSON as text.
    return replace(Claim(*row), cursor=json.loads(row[-1]))


def oldest_due() -> UUID | None:
    """Return a run that waits for somebody."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        row = cursor.fetchone()
    return row[0] if row else None


def let_go(claim: Claim) -> None:
    """Let anyone go on with a run."""
    _run(_LET_GO, claim)


def finish(claim: Claim) -> None:
    """Close the report of a run."""
    if _run(_FINISH, claim):
        RECONCILIATIONS.labels("completed").inc()


def record_error(claim: Claim, error: str, *, is_outage: bool) -> None:
    """Count one error in a row.

    A scheduled run ends with it, since the next comes soon. Any other waits out an outage.
    """
    patience = OUTAGE_ATTEMPTS if is_outage else int(settings.MAX_RETRIES)
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD_ERROR,
            {
                "id": claim.id,
                "fence": claim.fence,
                "error": error[:LONGEST_ERROR],
                "allowed": patience if claim.is_full else 1,
                "wait": OUTAGE_SECONDS,
            },
        )
        row = cursor.fetchone()
    if row and row[0] == "failed":
        RECONCILIATIONS.labels("failed").inc()


def _run(statement: str, claim: Claim) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"id": claim.id, "fence": claim.fence})
        return bool(cursor.rowcount)
