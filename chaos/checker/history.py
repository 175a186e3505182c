"""I6 to I8 and I12: what happened to a job, as its events, cycles and audit entries tell it.

Events that are written with their change, under the lock of the job's row, carry ids in the order
of the changes. A claim is told just after it, by whoever has it: such an event may be missing
where the worker died first, and come late where it slept; the fence in it says which claim it was.
"""

from chaos.checker.evidence import Evidence, check

_STEPS = """
    select event.id, event.batch_id, job.id as job_id, job.status, event.type,
           lag(event.type) over of_job as before, lead(event.type) over of_job as after
      from minting_mintevent as event
      join minting_mintjob as job on job.batch_id = event.batch_id and {jobs}
     where event.type in ('job.queued', 'job.error', 'job.failed', 'job.retried', 'job.completed',
                          'job.cancelled')
    window of_job as (partition by event.batch_id order by event.id)
"""
_LEGAL = """
    ('', 'job.queued'),
    ('job.queued', 'job.error'), ('job.queued', 'job.failed'),
    ('job.queued', 'job.completed'), ('job.queued', 'job.cancelled'),
    ('job.error', 'job.error'), ('job.error', 'job.failed'),
    ('job.error', 'job.completed'), ('job.error', 'job.cancelled'),
    ('job.failed', 'job.retried'), ('job.failed', 'job.cancelled'),
    ('job.retried', 'job.error'), ('job.retried', 'job.failed'),
    ('job.retried', 'job.completed'), ('job.retried', 'job.cancelled')
"""
_ENDS = """
    ('COMPLETED', 'job.completed', 'minted'), ('FAILED', 'job.failed', 'failed'),
    ('CANCELLED', 'job.cancelled', 'cancelled')
"""


@check
def steps_are_legal(evidence: Evidence) -> list[str]:
    """I6: a job took legal steps only, and left an end only by an audited act."""
    return (
        evidence.problems(
            "an illegal step (job, from, to)",
            f"select job_id, before, type from ({_STEPS}) as step"
            f" where (coalesce(before, ''), type) not in ({_LEGAL})",
        )
        + evidence.problems(
            "the story's end is not the state (job, status, last told)",
            f"select job_id, status, type from ({_STEPS}) as step where after is null and type"
            " <> coalesce((select told from"
            f"  (values {_ENDS}) as ends (state, told, batch) where state = status),"
            "  case when type in ('job.queued', 'job.error', 'job.retried') then type"
            "       else 'none of the live ones' end)",
        )
        + _problems_of_audit(evidence)
        + _problems_of_states(evidence)
        + evidence.problems(
            "units after the end (job, status, finished, cycle, committed)",
            "select job.id, job.status, job.finished_at, cycle.number, cycle.committed_at"
            "  from minting_mintcycle as cycle"
            "  join minting_mintjob as job on job.id = cycle.job_id and {jobs}"
            " where cycle.committed_at > job.finished_at",
        )
    )


def _problems_of_audit(evidence: Evidence) -> list[str]:
    return evidence.problems(
        "operators' acts and audit entries differ (job, act, told, audited)",
        "select job.id, act.told, act.times, coalesce(entry.times, 0)"
        "  from minting_mintjob as job"
        "  cross join lateral (select kind.told, kind.audited, count(event.id) as times"
        "    from (values ('job.retried', 'mint_job.retried'),"
        "                 ('job.cancelled', 'mint_job.cancelled')) as kind (told, audited)"
        "    left join minting_mintevent as event"
        "      on event.batch_id = job.batch_id and event.type = kind.told"
        "   group by 1, 2) as act"
        "  left join (select action, target_id, count(*) as times from brands_auditentry"
        "    where action in ('mint_job.retried', 'mint_job.cancelled') group by 1, 2) as entry"
        "    on entry.action = act.audited and entry.target_id = job.id::text"
        " where {jobs} and act.times <> coalesce(entry.times, 0)",
    )


def _problems_of_states(evidence: Evidence) -> list[str]:
    return evidence.problems(
        "job and batch disagree (job, status, batch, owner, finished)",
        "select job.id, job.status, batch.status, job.owner, job.finished_at"
        "  from minting_mintjob as job join minting_mintbatch as batch on batch.id = job.batch_id"
        f"  left join (values {_ENDS}) as ends (state, told, batch) on ends.state = job.status"
        " where {jobs} and ("
        "       (ends.state is null and batch.status <> case when job.generated_quantity > 0"
        "            then 'processing' else 'queued' end)"
        "    or (ends.state is not null and batch.status <> ends.batch)"
        "    or (ends.state is null) <> (job.finished_at is null)"
        "    or (ends.state is not null and job.owner <> '')"
        "    or (job.status = 'COMPLETED') <> (batch.minted_at is not null))",
    )


@check
def fences_rise(evidence: Evidence) -> list[str]:
    """I7: a cycle carries the fence the job had then, and each claim raised it."""
    claims = """
        select job.id as job_id, (event.data ->> 'fence')::bigint as fence,
               (event.data ->> 'generated_quantity')::bigint as generated
          from minting_mintevent as event
          join minting_mintjob as job on job.batch_id = event.batch_id and {jobs}
         where event.type in ('job.reserved', 'job.reclaimed')
    """
    return (
        evidence.problems(
            "a cycle's fence falls, or is above the job's (job, number, fence, before, job's)",
            "select job_id, number, fence, before, of_job from ("
            "  select cycle.job_id, cycle.number, cycle.fence, job.fence as of_job,"
            "         lag(cycle.fence) over (partition by job_id order by number) as before"
            "    from minting_mintcycle as cycle"
            "    join minting_mintjob as job on job.id = cycle.job_id and {jobs}) as cycle"
            " where fence < before or fence > of_job or fence < 1",
        )
        + evidence.problems(
            "a cycle was written with another claim's fence (job, number, fence, claim's)",
            "select cycle.job_id, cycle.number, cycle.fence, claim.fence"
            f" from ({claims}) as claim"
            "  join minting_mintcycle as cycle on cycle.job_id = claim.job_id"
            " where (cycle.first_ordinal > claim.generated) <> (cycle.fence >= claim.fence)",
        )
        + evidence.problems(
            "one fence, two claims (job, fence, claims)",
            f"select job_id, fence, count(*) from ({claims}) as claim"
            " group by 1, 2 having count(*) > 1",
        )
        + evidence.problems(
            "a claim's fence is above the job's, or its progress falls (job, fence, generated)",
            "select claim.job_id, claim.fence, claim.generated from ("
            "  select *, lag(generated) over (partition by job_id order by fence) as before"
            f"   from ({claims}) as told) as claim"
            "  join minting_mintjob as job on job.id = claim.job_id"
            " where claim.fence > job.fence or claim.generated < claim.before"
            "    or claim.generated > job.generated_quantity",
        )
    )


@check
def story_is_told(evidence: Evidence) -> list[str]:
    """I8: each change of state is told once, and a completed job's next step is due."""
    return (
        evidence.problems(
            "told too often or not at all (job, status, queued, completed, cancelled, failed,"
            " retried)",
            "select id, status, queued, completed, cancelled, failed, retried from ("
            "  select job.id, job.status, count(*) filter (where type = 'job.queued') as queued,"
            "         count(*) filter (where type = 'job.completed') as completed,"
            "         count(*) filter (where type = 'job.cancelled') as cancelled,"
            "         count(*) filter (where type = 'job.failed') as failed,"
            "         count(*) filter (where type = 'job.retried') as retried,"
            "         count(*) filter (where type = 'job.processing') as begun"
            "    from minting_mintjob as job"
            "    left join minting_mintevent as event on event.batch_id = job.batch_id"
            "   where {jobs} group by 1, 2) as told"
            " where queued <> 1 or begun > 1"
            "    or completed <> (status = 'COMPLETED')::int"
            "    or cancelled <> (status = 'CANCELLED')::int"
            "    or failed not between retried + (status = 'FAILED')::int"
            "           and retried + (status in ('FAILED', 'CANCELLED'))::int",
        )
        + evidence.problems(
            "completed, and nothing asks for the packs (job)",
            "select job.id from minting_mintjob as job where {jobs} and job.status = 'COMPLETED'"
            "   and not exists (select from exports_packbuild as build"
            "                    where build.batch_id = job.batch_id)",
        )
        + evidence.problems(
            "completed builds and their events differ (job, builds, told)",
            "select job.id, built.builds, told.events from minting_mintjob as job"
            "  cross join lateral (select count(*) as builds from exports_packbuild as build"
            "    where build.batch_id = job.batch_id and build.status = 'completed') as built"
            "  cross join lateral (select count(*) as events from minting_mintevent as event"
            "    where event.batch_id = job.batch_id and type = 'packs.completed') as told"
            " where {jobs} and built.builds <> told.events",
        )
    )


# A run of errors ends where a cycle is committed, or a person sends the job back.
_ERRORS = """
    select job_id, type, (data ->> 'consecutive_errors')::int as counted,
           coalesce((data ->> 'allowed_errors')::int, %(errors)s) as allowed,
           coalesce((data ->> 'poison')::boolean, false) as poison,
           (data ->> 'generated_quantity')::bigint as generated, retries,
           row_number() over (partition by job_id, retries, data ->> 'generated_quantity'
               order by id) as place
      from (select event.id, event.type, event.data, job.id as job_id,
                   count(*) filter (where event.type = 'job.retried')
                       over (partition by event.batch_id order by event.id) as retries
              from minting_mintevent as event
              join minting_mintjob as job on job.batch_id = event.batch_id and {jobs}) as event
     where type in ('job.error', 'job.failed')
"""


@check
def errors_are_counted_right(evidence: Evidence) -> list[str]:
    """I12: FAILED is what the last allowed error in a row makes of a job, or its poison."""
    limits = {"errors": evidence.allowed_errors, "crashes": evidence.allowed_crashes}
    return (
        evidence.problems(
            "errors in a row are counted wrong (job, event, counted, in a row)",
            f"select job_id, type, counted, place from ({_ERRORS}) as error where counted <> place",
            **limits,
        )
        + evidence.problems(
            "ended, or went on, after so many errors (job, event, in a row, allowed)",
            f"select job_id, type, place, allowed from ({_ERRORS}) as error"
            " where not poison and (type = 'job.failed') <> (place >= allowed)",
            **limits,
        )
        + evidence.problems(
            "the job counts other errors than were told (job, status, counts, told)",
            "select job.id, job.status, job.consecutive_errors, count(error.job_id)"
            "  from minting_mintjob as job"
            f" left join ({_ERRORS}) as error on error.job_id = job.id"
            "   and error.generated = job.generated_quantity and job.status <> 'COMPLETED'"
            "   and error.retries = (select count(*) from minting_mintevent as event"
            "         where event.batch_id = job.batch_id and event.type = 'job.retried')"
            " where {jobs} group by job.id having job.consecutive_errors <> count(error.job_id)",
            **limits,
        )
        + evidence.problems(
            "ended as poison without the deaths (job, deaths)",
            "select job.id, job.crashes_without_progress from minting_mintjob as job"
            f"  join ({_ERRORS}) as error on error.job_id = job.id and error.poison"
            " where job.status = 'FAILED' and job.crashes_without_progress < %(crashes)s",
            **limits,
        )
    )
