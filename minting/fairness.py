"""Who goes first, and when a worker makes room.

Waiting jobs are claimed by rank, then the brand with the fewest jobs in workers' hands, then who
has waited longest. A job's rank is its priority, and rises by one for every
``TIEBACK_AGEING_SECONDS`` it waits, so that no stream of urgent work keeps a standard job waiting
for ever. Who lets go for others waits again from then on: within a brand and priority jobs start
strictly in the order they came, and take turns once started.
"""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

# The list of states is there for the partial index, which the planner else does not see.
CLAIMABLE = """
       job.status in ('QUEUED', 'RESERVED', 'PROCESSING')
   and (job.status = 'QUEUED' or job.lease_until <= clock_timestamp())
   and (job.next_attempt_at is null or job.next_attempt_at <= clock_timestamp())
   and not exists (
       select from minting_mintpause as pause
        where pause.job_id = job.id
           or (pause.job_id is null and pause.brand_id = job.brand_id)
           or pause.priority = job.priority
   )
   and (%(most)s = 0 or coalesce(running.jobs, 0) < %(most)s)
"""

# Jobs in the hands of living workers, by brand.
RUNNING = """
running as (
    select brand_id, count(*) as jobs from minting_mintjob
     where status in ('RESERVED', 'PROCESSING')
       and owner <> '' and lease_until > clock_timestamp() and id <> %(mine)s
     group by brand_id
)
"""

RANK = """
greatest(0, job.priority
            - floor(extract(epoch from clock_timestamp() - job.turn_at) / %(ageing)s))
"""

IN_TURN = f"{RANK}, coalesce(running.jobs, 0), job.turn_at, job.id"

_MUST_YIELD = f"""
with {RUNNING}
select exists (
    select from minting_mintpause
     where job_id = %(mine)s
        or (job_id is null and brand_id = mine.brand_id)
        or priority = mine.priority
) or exists (
    select from minting_mintjob as job
      left join running on running.brand_id = job.brand_id
     where {CLAIMABLE}
       and ({RANK} < mine.priority
            or ({RANK} = mine.priority
                and coalesce(running.jobs, 0) <= coalesce(ours.jobs, 0)
                and (job.brand_id <> mine.brand_id
                     or job.requested_quantity - job.generated_quantity
                        < mine.requested_quantity - mine.generated_quantity)))
)
  from minting_mintjob as mine
  left join running as ours on ours.brand_id = mine.brand_id
 where mine.id = %(mine)s
"""  # noqa: S608 - constants only

_JOB_WAITS = f"""
with {RUNNING}
select exists (
    select from minting_mintjob as job
      left join running on running.brand_id = job.brand_id
     where {CLAIMABLE}
)
"""  # noqa: S608 - constants only

_NEXT_OF_BRAND = f"""
with {RUNNING}
select job.id from minting_mintjob as job
  left join running on running.brand_id = job.brand_id
 where job.brand_id = %(brand)s and {CLAIMABLE}
   and coalesce(running.jobs, 0) = %(most)s - 1
 order by {IN_TURN}
 limit 1
"""  # noqa: S608 - constants only

_HOLD_BRAND = "select pg_advisory_xact_lock(hashtextextended('claim:' || %(brand)s, 0))"

_RUNNING_OF_BRAND = """
select count(*) from minting_mintjob
 where brand_id = %(brand)s and status in ('RESERVED', 'PROCESSING')
   and owner <> '' and lease_until > clock_timestamp()
"""

# A job that came just now is about to be claimed; one that came before that may have to wait for
# the very worker that asks.
_SMALL_JOB_IS_WORKED = """
select exists (
    select from minting_mintjob
     where status in ('QUEUED', 'RESERVED', 'PROCESSING')
       and requested_quantity - generated_quantity <= %(units)s
       and case status when 'QUEUED' then turn_at > clock_timestamp() - interval '80 ms'
                else owner <> '' and lease_until > clock_timestamp() end
)
"""

_NO_JOB = UUID(int=0)


def queue_terms(mine: UUID = _NO_JOB) -> dict[str, Any]:
    """Return what the fragments of this module need; ``mine`` is not counted as running."""
    return {
        "mine": mine,
        "most": int(settings.MAX_RUNNING_JOBS_PER_BRAND),
        "ageing": float(settings.TIEBACK_AGEING_SECONDS),
    }


def must_yield(job_id: UUID) -> bool:
    """Say whether the worker of this job should let go: it is paused, or others come first.

    Others are a job of a higher rank, another brand's, or a smaller one. Only jobs that would
    really be claimed before this one count, so that nobody lets go for nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MUST_YIELD, queue_terms(job_id))
        row = cursor.fetchone()
    return bool(row and row[0])


def job_waits() -> bool:
    """Say whether some mint job could be claimed now: whoever does other work makes room for it."""
    with connection.cursor() as cursor:
        cursor.execute(_JOB_WAITS, queue_terms())
        row = cursor.fetchone()
    return bool(row and row[0])


def small_job_is_worked(units: int) -> bool:
    """Say whether a job with at most ``units`` left is in a living worker's hands, or just came."""
    with connection.cursor() as cursor:
        cursor.execute(_SMALL_JOB_IS_WORKED, {"units": units})
        row = cursor.fetchone()
    return bool(row and row[0])


def within_cap(brand_id: UUID) -> bool:
    """Say, in the transaction of a claim, whether its brand stays within the cap.

    One claim of a brand at a time is counted: each sees those that committed before it.
    """
    most = int(settings.MAX_RUNNING_JOBS_PER_BRAND)
    if not most:
        return True
    wanted = {"brand": str(brand_id)}
    with connection.cursor() as cursor:
        cursor.execute(_HOLD_BRAND, wanted)
        cursor.execute(_RUNNING_OF_BRAND, wanted)
        (running,) = cursor.fetchone()
    return int(running) <= most


def next_of_brand(brand_id: UUID) -> UUID | None:
    """Return the brand's next job, where the cap has made its bell ring in vain.

    Asked when a job has ended: the brand was at its cap until then.
    """
    if not int(settings.MAX_RUNNING_JOBS_PER_BRAND):
        return None
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_OF_BRAND, {**queue_terms(), "brand": brand_id})
        row = cursor.fetchone()
    return row[0] if row else None
