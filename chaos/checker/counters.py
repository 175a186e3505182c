"""I4 and I5: counters are the rows they count, and an answer given is a job kept."""

from chaos.checker.evidence import SHOWN, Evidence, check

_COUNTED = """
    select job.id, job.generated_quantity, batch.minted_quantity, batch.activated_quantity,
           batch.revoked_quantity, coalesce(made.units, 0) as units,
           coalesce(made.activated, 0) as activated, coalesce(made.revoked, 0) as revoked,
           (select count(*) from resolver_activation as scan where scan.batch_id = batch.id)
               as not_counted_yet
      from minting_mintjob as job
      join minting_mintbatch as batch on batch.id = job.batch_id
      left join lateral (
           select count(*) as units, count(activated_at) as activated,
                  count(*) filter (where status = 2) as revoked
             from minting_mintunit as unit where unit.batch_id = job.batch_id) as made on true
     where {jobs}
"""


@check
def counters_equal_rows(evidence: Evidence) -> list[str]:
    """I4: generated, minted, activated and revoked are the numbers of such units, act by act."""
    found = evidence.problems(
        "counted, and there (job, generated, minted, units, activated, to be counted, units,"
        " revoked, units)",
        "select id, generated_quantity, minted_quantity, units, activated_quantity,"
        "       not_counted_yet, activated, revoked_quantity, revoked"
        f" from ({_COUNTED}) as job"
        " where generated_quantity <> units or minted_quantity <> units"
        "    or activated_quantity + not_counted_yet <> activated"
        "    or revoked_quantity <> revoked",
    ) + evidence.problems(
        "a unit's state and its moments disagree (unit, status, activated, revoked)",
        "select unit.id, unit.status, unit.activated_at, unit.revoked_at"
        "  from minting_mintunit as unit"
        "  join minting_mintjob as job on job.batch_id = unit.batch_id and {jobs}"
        " where (unit.status = 1 and unit.activated_at is null)"
        "    or (unit.status = 0 and unit.activated_at is not null)"
        "    or (unit.status = 2) <> (unit.revoked_at is not null)"
        "    or (unit.status = 2) <> (unit.revocation_id is not null)",
    )
    return found + _problems_of_acts(evidence)


def _problems_of_acts(evidence: Evidence) -> list[str]:
    """An act of revocation has revoked what it counted, and come as far as it says."""
    if not evidence.rows("select from minting_mintrevocation limit 1"):
        return []
    # Acts on units of several batches belong to no batch: they are looked at with all the others.
    of_jobs = "act.batch_id in (select batch_id from minting_mintjob as job where {jobs})"
    meant = of_jobs if evidence.is_narrowed else "true"
    found = evidence.problems(
        "revoked by an act, and counted in it (act, counted, units)",
        "select act.id, act.revoked_quantity, coalesce(made.units, 0)"
        "  from minting_mintrevocation as act"
        "  left join (select revocation_id, count(*) as units from minting_mintunit as unit"
        "               join minting_mintjob as job on job.batch_id = unit.batch_id and {jobs}"
        "              where revocation_id is not null group by 1) as made"
        "    on made.revocation_id = act.id"
        f" where {meant}"
        "   and act.revoked_quantity <> coalesce(made.units, 0)",
    )
    return found + evidence.problems(
        "a completed act that left units out (act, requested, revoked, revoked before)",
        "select act.id, act.requested_quantity, act.revoked_quantity, act.already_revoked_quantity"
        f" from minting_mintrevocation as act where {meant} and act.status = 'completed' and ("
        "       act.requested_quantity <> act.revoked_quantity + act.already_revoked_quantity"
        "    or exists (select from minting_mintunit as unit where unit.batch_id = act.batch_id"
        "                  and unit.ordinal between act.first_ordinal and act.last_ordinal"
        "                  and unit.status <> 2))",
    )


@check
def acknowledged_is_durable(evidence: Evidence) -> list[str]:
    """I5: every acknowledged submission is one job, and every job answers a submission."""
    found = evidence.problems(
        "one key, several jobs (brand, key, jobs)",
        "select job.brand_id, job.idempotency_key, count(*) from minting_mintjob as job"
        " where {jobs} group by 1, 2 having count(*) > 1",
    ) + evidence.problems(
        "one batch, several jobs (batch, jobs)",
        "select job.batch_id, count(*) from minting_mintjob as job"
        " where {jobs} group by 1 having count(*) > 1",
    )
    if not evidence.is_narrowed:
        found += evidence.problems(
            "a batch that no job mints (batch)",
            "select batch.id from minting_mintbatch as batch where not exists ("
            " select from minting_mintjob as job where job.batch_id = batch.id)",
        )
    return found if evidence.acknowledged is None else found + _against_the_log(evidence)


def _against_the_log(evidence: Evidence) -> list[str]:
    stored: dict[str, str] = dict(
        evidence.rows(
            "select job.id::text, job.idempotency_key from minting_mintjob as job where {jobs}"
        )
    )
    lost = [
        f"acknowledged {job} under {key}, stored {stored.get(job, 'no such job')}"
        for key, job in evidence.answers
        if stored.get(job) != key and not (evidence.is_narrowed and job not in stored)
    ]
    promised = {job for _, job in evidence.answers}
    unasked = [
        f"nobody was promised the job under {key}"
        for job, key in stored.items()
        if job not in promised and key not in evidence.unanswered
    ]
    return lost[:SHOWN] + unasked[:SHOWN]
