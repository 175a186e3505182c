"""Claiming mint jobs: who works which job, until when, and with which fence.

All times are the database's. A claim takes the first claimable job in the order of
``minting.fairness``, skipping rows that somebody holds, and raises the job's fence; whoever writes
later must name the fence it was given. A worker that lets go clears ``owner``. An ended lease that
still has an owner is a worker that died: that spends none of the job's errors, but dying again and
again without progress ends a job that kills its workers.
"""

import os
import socket
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction

from minting.events import tell
from minting.fairness import CLAIMABLE, IN_TURN, RUNNING, queue_terms, within_cap
from tieback.brands.scoping import brand_scope

# One id for each process and boot; a host name and pid alone come back after a restart.
_BOOT = uuid4().hex[:8]

_CLAIM = f"""
with {RUNNING}, next as (
    select job.id, job.owner <> '' as abandoned
      from minting_mintjob as job
      left join running on running.brand_id = job.brand_id
     where {CLAIMABLE}
     order by {IN_TURN}
       for update of job skip locked
     limit 1
)
update minting_mintjob as job
   set status = 'RESERVED',
       owner = %(owner)s,
       fence = job.fence + 1,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
       crashes_without_progress = case
           when not next.abandoned then job.crashes_without_progress
           when job.generated_quantity > job.generated_at_claim then 0
           else job.crashes_without_progress + 1
       end,
       generated_at_claim = job.generated_quantity,
       started_at = coalesce(job.started_at, clock_timestamp())
  from next
 where job.id = next.id
returning job.id, job.brand_id, job.batch_id, job.fence, job.requested_quantity,
          job.generated_quantity, job.cycles, job.crashes_without_progress, next.abandoned
"""  # noqa: S608 - constants only

_LET_GO = """
update minting_mintjob
   set owner = '', lease_until = clock_timestamp(),
       turn_at = case when %(for_others)s then clock_timestamp() else turn_at end
 where id = %(id)s and fence = %(fence)s and status in ('RESERVED', 'PROCESSING')
"""

_LOOK = """
select generated_quantity, cycles from minting_mintjob
 where id = %(id)s and fence = %(fence)s and status in ('RESERVED', 'PROCESSING')
   and lease_until > clock_timestamp()
"""

_DUE = f"""
with {RUNNING}
select job.id from minting_mintjob as job
  left join running on running.brand_id = job.brand_id
 where {CLAIMABLE}
 order by {IN_TURN}
 limit %(limit)s
"""  # noqa: S608 - constants only


class Fenced(Exception):
    """Another worker holds the job now; nothing may be written."""


@dataclass
class Claim:
    """A job in this worker's hands, and how far it has come."""

    job_id: UUID
    brand_id: UUID
    batch_id: UUID
    fence: int
    requested: int
    generated: int
    cycles: int
    crashes: int
    was_abandoned: bool

    @property
    def left(self) -> int:
        """Units still to make."""
        return self.requested - self.generated

    @property
    def is_poison(self) -> bool:
        """Whether the job has killed too many workers to try again."""
        return self.crashes >= int(settings.MAX_CRASHES_WITHOUT_PROGRESS)


def owner_name() -> str:
    """Return a name for this process that no other process ever has."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{_BOOT}"


def claim_next() -> Claim | None:
    """Claim the next job of any brand, or return ``None``.

    Where two claims at once would take a brand over its cap, the later one is undone and looks
    again.
    """
    terms = {
        **queue_terms(),
        "owner": owner_name(),
        "lease": float(settings.TIEBACK_LEASE_SECONDS),
    }
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_CLAIM, terms)
                row = cursor.fetchone()
            claim = Claim(*row) if row else None
            if claim is None:
                return None
            if within_cap(claim.brand_id):
                _tell(claim)
                return claim
            transaction.set_rollback(True)


def _tell(claim: Claim) -> None:
    """Tell of the claim in its own transaction: no claim is untold, and none told too late."""
    with brand_scope(claim.brand_id):
        tell(
            "job.reclaimed" if claim.was_abandoned else "job.reserved",
            brand_id=claim.brand_id,
            batch_id=claim.batch_id,
            data={"fence": claim.fence, "generated_quantity": claim.generated},
        )
        if claim.fence == 1:
            tell("job.processing", brand_id=claim.brand_id, batch_id=claim.batch_id)


def let_go(claim: Claim, *, for_others: bool = False) -> bool:
    """End the lease so that anyone may go on with the job at once; False if it was lost before.

    ``for_others`` puts the job behind those that wait already; else it keeps its place.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _LET_GO, {"id": claim.job_id, "fence": claim.fence, "for_others": for_others}
        )
        return bool(cursor.rowcount)


def look_again(claim: Claim) -> bool:
    """Read how far the job has come; return whether it is still this worker's.

    Needed after a lost connection: whether the last commit took effect is then unknown.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, {"id": claim.job_id, "fence": claim.fence})
        row = cursor.fetchone()
    if row is None:
        return False
    claim.generated, claim.cycles = row
    return True


def due_jobs(limit: int) -> list[UUID]:
    """Return jobs that wait for a worker: queued, let go, or left behind by a dead one."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {**queue_terms(), "limit": limit})
        return [row[0] for row in cursor.fetchall()]
