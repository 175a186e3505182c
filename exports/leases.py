"""Claiming builds: which worker makes which packs, until when, and with which fence.

The same rules as for mint jobs: all times are the database's, a claim takes the oldest due build
and raises its fence, whoever writes must name the fence it was given, a worker that lets go clears
``owner``. An ended lease that still has an owner is a worker that died; that spends no error, but
dying again and again without finishing a pack ends a build that kills its workers.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from minting.leases import Fenced, owner_name
from tieback.metrics import FENCED

_IS_DUE = """
    (status = 'pending' or (status = 'generating' and lease_until <= clock_timestamp()))
    and (next_attempt_at is null or next_attempt_at <= clock_timestamp())
"""

_CLAIM = f"""
with next as (
    select id, owner <> '' as abandoned from exports_packbuild
     where {_IS_DUE}
     order by queued_at, id
       for update skip locked
     limit 1
)
update exports_packbuild as build
   set status = 'generating',
       owner = %(owner)s,
       fence = build.fence + 1,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
       crashes_without_progress = case
           when not next.abandoned then build.crashes_without_progress
           when build.packs_done > build.packs_done_at_claim then 0
           else build.crashes_without_progress + 1
       end,
       packs_done_at_claim = build.packs_done
  from next
 where build.id = next.id
returning build.id, build.brand_id, build.batch_id, build.fence, build.profile, build.format,
          build.pack_size, build.pack_count, build.packs_done, build.created_at,
          build.crashes_without_progress, next.abandoned
"""  # noqa: S608 - made of constants

_RENEW = """
update exports_packbuild
   set lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
 where id = %(id)s and fence = %(fence)s and status = 'generating'
returning packs_done
"""

_LET_GO = """
with let_go as (
    update exports_packbuild
       set status = 'pending', owner = '', lease_until = null
     where id = %(id)s and fence = %(fence)s and status = 'generating'
    returning id
)
update exports_payloadpack as pack set status = 'pending'
  from let_go
 where pack.build_id = let_go.id and pack.status = 'generating'
"""

_DUE = f"""
select id from exports_packbuild where {_IS_DUE} order by queued_at, id limit %s
"""  # noqa: S608 - made of constants


@dataclass
class BuildClaim:
    """A build in this worker's hands, and how far it has come."""

    build_id: UUID
    brand_id: UUID
    batch_id: UUID
    fence: int
    profile: str
    format: str
    pack_size: int
    pack_count: int
    packs_done: int
    as_of: datetime
    crashes: int
    was_abandoned: bool

    @property
    def is_poison(self) -> bool:
        """Whether the build has killed too many workers to try again."""
        return self.crashes >= int(settings.MAX_CRASHES_WITHOUT_PROGRESS)

    @property
    def proof(self) -> dict[str, Any]:
        """What every statement that writes for this claim names."""
        lease = float(settings.TIEBACK_LEASE_SECONDS)
        return {"id": self.build_id, "fence": self.fence, "lease": lease}


def claim_next() -> BuildClaim | None:
    """Claim the oldest due build of any brand, or return ``None``."""
    lease = float(settings.TIEBACK_LEASE_SECONDS)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"owner": owner_name(), "lease": lease})
        row = cursor.fetchone()
    return BuildClaim(*row) if row else None


def renew(claim: BuildClaim) -> None:
    """Prolong the lease and read how far the build has come.

    Raises ``Fenced`` where another worker has the build.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, claim.proof)
        row = cursor.fetchone()
    if row is None:
        raise fenced()
    (claim.packs_done,) = row


def let_go(claim: BuildClaim) -> None:
    """End the lease so that anyone may go on with the build at once."""
    with connection.cursor() as cursor:
        cursor.execute(_LET_GO, claim.proof)


def due_builds(limit: int) -> list[UUID]:
    """Return builds that wait for a worker: new, let go, or left behind by a dead one."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [limit])
        return [row[0] for row in cursor.fetchall()]


def fenced() -> Fenced:
    """Count a write that came too late, and return the exception to raise."""
    FENCED.inc()
    return Fenced()
