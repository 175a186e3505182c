"""How a job ends: completed in full, or failed with its units kept."""

from django.conf import settings
from django.db import connection, transaction

from minting import pipeline
from minting.crashpoints import reach
from minting.events import tell
from minting.interruptions import LONGEST_ERROR, first_wait
from minting.leases import Claim, Fenced
from minting.models import MintBatch
from minting.states import BatchStatus
from tieback.brands.scoping import brand_scope
from tieback.metrics import FENCED, MINT_DURATION, MINT_RETRIES, MINTS_FAILED

_COMPLETE = """
update minting_mintjob
   set status = 'COMPLETED', owner = '', lease_until = null, next_attempt_at = null,
       consecutive_errors = 0, crashes_without_progress = 0, finished_at = clock_timestamp()
 where id = %(id)s and fence = %(fence)s and generated_quantity = requested_quantity
   and status in ('RESERVED', 'PROCESSING')
returning finished_at, extract(epoch from finished_at - created_at)::float8
"""

# The count and the verdict are one statement: FAILED on the last allowed error in a row.
_RECORD_ERROR = """
update minting_mintjob
   set consecutive_errors = consecutive_errors + 1,
       last_error = %(error)s,
       owner = '',
       lease_until = case when %(final)s or consecutive_errors + 1 >= %(allowed)s
                          then null else clock_timestamp() end,
       status = case when %(final)s or consecutive_errors + 1 >= %(allowed)s
                     then 'FAILED' else status end,
       finished_at = case when %(final)s or consecutive_errors + 1 >= %(allowed)s
                          then clock_timestamp() end,
       next_attempt_at = case when %(final)s or consecutive_errors + 1 >= %(allowed)s
                              then null else clock_timestamp() + least(
                                  make_interval(secs => %(base)s * power(2, consecutive_errors)),
                                  interval '5 minutes') end
 where id = %(id)s and fence = %(fence)s and status in ('RESERVED', 'PROCESSING')
returning status, consecutive_errors,
          extract(epoch from next_attempt_at - clock_timestamp())::float8
"""


def complete_job(claim: Claim) -> None:
    """End a job whose every unit exists; the next step's due row commits with it.

    Raises ``Fenced`` where another worker has the job.
    """
    reach("mint.before_finalize")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_COMPLETE, {"id": claim.job_id, "fence": claim.fence})
            row = cursor.fetchone()
        if row is None:
            FENCED.inc()
            raise Fenced
        finished_at, seconds = row
        with brand_scope(claim.brand_id):
            MintBatch.objects.filter(id=claim.batch_id).update(
                status=BatchStatus.MINTED, minted_at=finished_at
            )
            tell(
                "job.completed",
                brand_id=claim.brand_id,
                batch_id=claim.batch_id,
                data={"minted_quantity": claim.requested, "seconds": round(seconds, 3)},
            )
            pipeline.complete(
                brand_id=claim.brand_id, batch_id=claim.batch_id, quantity=claim.requested
            )
    reach("mint.finalized")
    MINT_DURATION.observe(seconds)


def record_error(claim: Claim, error: str, *, final: bool = False) -> float | None:
    """Count one error in a row, and end the job on the last allowed one, or at once if ``final``.

    Returns the seconds until the next attempt, ``None`` where there is none. The wait doubles
    from ``RETRY_BASE_DELAY``, with jitter, so that jobs which failed together part.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                _RECORD_ERROR,
                {
                    "id": claim.job_id,
                    "fence": claim.fence,
                    "error": error[:LONGEST_ERROR],
                    "final": final,
                    "allowed": int(settings.MAX_RETRIES),
                    "base": first_wait(),
                },
            )
            row = cursor.fetchone()
        if row is None:
            FENCED.inc()
            raise Fenced
        status, errors, wait = row
        failed = status == "FAILED"
        with brand_scope(claim.brand_id):
            if failed:
                MintBatch.objects.filter(id=claim.batch_id).update(status=BatchStatus.FAILED)
            tell(
                "job.failed" if failed else "job.error",
                brand_id=claim.brand_id,
                batch_id=claim.batch_id,
                data={
                    "error": error[:LONGEST_ERROR],
                    "consecutive_errors": errors,
                    "allowed_errors": int(settings.MAX_RETRIES),
                    "poison": final,
                    "generated_quantity": claim.generated,
                },
            )
    (MINTS_FAILED if failed else MINT_RETRIES).inc()
    return None if failed else float(wait)
