"""Claiming mint jobs: who works which job, until when, and with which fence.

All times are the database's. A claim takes the first claimable job in (priority, queued_at) order,
skipping rows that somebody holds, and raises the job's fence; whoever writes later must name the
fence it was given. A worker that lets go clears ``owner``. An ended lease that still has an owner
is a worker that died: that spends none of the job's errors, but dying again and again without
progress ends a job that kills its workers.
"""

import os
import socket
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction

# One id for each process and boot; a host name and pid alone come back after a restart.
_BOOT = uuid4().hex[:8]

# The list of states is there for the partial index, which the planner else does not see.
# A job whose worker died too often without progress is not claimed but ended here.
_CLAIM = """
with next as (
    select id, owner <> '' as abandoned from minting_mintjob
     where status in ('QUEUED', 'RESERVED', 'PROCESSING')
       and (status = 'QUEUED' or lease_until <= clock_timestamp())
       and (next_attempt_at is null or next_attempt_at <= clock_timestamp())
     order by priority, queued_at, id
       for update skip locked
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
"""

_LET_GO = """
update minting_mintjob
   set owner = '', lease_until = clock_timestamp()
 where id = %(id)s and fence = %(fence)s and status in ('RESERVED', 'PROCESSING')
"""

_LOOK = """
select generated_quantity, cycles from minting_mintjob
 where id = %(id)s and fence = %(fence)s and status in ('RESERVED', 'PROCESSING')
   and lease_until > clock_timestamp()
"""

_DUE = """
select id from minting_mintjob
 where status in ('QUEUED', 'RESERVED', 'PROCESSING')
   and (status = 'QUEUED' or lease_until <= clock_timestamp())
   and (next_attempt_at is null or next_attempt_at <= clock_timestamp())
 order by priority, queued_at, id
 limit %s
"""


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
    """Claim the first claimable job of any brand, or return ``None``."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _CLAIM, {"owner": owner_name(), "lease": float(settings.TIEBACK_LEASE_SECONDS)}
        )
        row = cursor.fetchone()
    return Claim(*row) if row else None


def let_go(claim: Claim) -> None:
    """End the lease so that anyone may go on with the job at once."""
    with connection.cursor() as cursor:
        cursor.execute(_LET_GO, {"id": claim.job_id, "fence": claim.fence})


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
        cursor.execute(_DUE, [limit])
        return [row[0] for row in cursor.fetchall()]
