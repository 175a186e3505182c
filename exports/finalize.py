"""How a build ends: complete with its manifest, or failed with its finished packs kept."""

from django.conf import settings
from django.db import connection, transaction

from exports.leases import BuildClaim, fenced
from exports.models import PackStatus
from minting.events import tell
from minting.interruptions import LONGEST_ERROR, first_wait
from minting.models import MintBatch
from minting.states import PhysicalStatus
from tieback.brands.scoping import brand_scope

_COMPLETE = """
update exports_packbuild
   set status = 'completed', owner = '', lease_until = null, next_attempt_at = null,
       consecutive_errors = 0, crashes_without_progress = 0, manifest_key = %(key)s,
       manifest_sha256 = %(sha256)s, finished_at = clock_timestamp()
 where id = %(id)s and fence = %(fence)s and status = 'generating' and packs_done = pack_count
"""

# The count and the verdict are one statement: failed on the last allowed error in a row.
_RECORD_ERROR = """
with counted as (
    select id, consecutive_errors + 1 as errors,
           %(final)s or consecutive_errors + 1 >= %(allowed)s as failed
      from exports_packbuild
     where id = %(id)s and fence = %(fence)s and status = 'generating'
       for update
)
update exports_packbuild as build
   set consecutive_errors = counted.errors,
       last_error = %(error)s,
       owner = '',
       lease_until = null,
       status = case when counted.failed then 'failed' else 'pending' end,
       finished_at = case when counted.failed then clock_timestamp() end,
       next_attempt_at = case when not counted.failed then clock_timestamp() + least(
           make_interval(secs => %(base)s * power(2, least(counted.errors - 1, 20))),
           interval '5 minutes') end
  from counted
 where build.id = counted.id
returning build.status, build.consecutive_errors, build.packs_done,
          extract(epoch from build.next_attempt_at - clock_timestamp())::float8
"""

_SETTLE_PACKS = """
update exports_payloadpack set status = %(status)s
 where build_id = %(id)s and status = 'generating'
"""


def complete_build(claim: BuildClaim, key: str, sha256: str) -> None:
    """End a build whose packs and manifest are stored; its batch has left the system as files.

    Raises ``Fenced`` where another worker has the build.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_COMPLETE, {**claim.proof, "key": key, "sha256": sha256})
            if cursor.rowcount != 1:
                raise fenced()
        with brand_scope(claim.brand_id):
            MintBatch.objects.filter(
                id=claim.batch_id, physical_status=PhysicalStatus.MINTED
            ).update(physical_status=PhysicalStatus.EXPORTED)
            tell(
                "packs.completed",
                brand_id=claim.brand_id,
                batch_id=claim.batch_id,
                data={"packs": claim.pack_count, "manifest_sha256": sha256},
            )


def record_error(
    claim: BuildClaim, error: str, *, final: bool = False, attempts: int | None = None
) -> float | None:
    """Count one error in a row, and end the build on the last allowed one, or now if ``final``.

    ``attempts`` is how many are allowed, ``MAX_RETRIES`` where it is not given.

    Returns the seconds until the next attempt, ``None`` where there is none. The wait doubles
    from ``RETRY_BASE_DELAY``, with jitter, so that builds which failed together part.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                _RECORD_ERROR,
                {
                    **claim.proof,
                    "error": error[:LONGEST_ERROR],
                    "final": final,
                    "allowed": attempts or int(settings.MAX_RETRIES),
                    "base": first_wait(),
                },
            )
            row = cursor.fetchone()
            if row is None:
                raise fenced()
            status, errors, packs_done, wait = row
            left = PackStatus.FAILED if status == PackStatus.FAILED else PackStatus.PENDING
            cursor.execute(_SETTLE_PACKS, {"id": claim.build_id, "status": left.value})
        if status != PackStatus.FAILED:
            return float(wait)
        with brand_scope(claim.brand_id):
            tell(
                "packs.failed",
                brand_id=claim.brand_id,
                batch_id=claim.batch_id,
                data={
                    "error": error[:LONGEST_ERROR],
                    "consecutive_errors": errors,
                    "packs_done": packs_done,
                },
            )
    return None
