"""The rows of packs: made all at once, begun in order, finished once. Each step names the fence."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from exports.leases import BuildClaim, fenced
from exports.manifests import PackFile

_CREATE_PACKS = """
insert into exports_payloadpack
       (id, brand_id, batch_id, build_id, number, first_ordinal, row_count, status, storage_key,
        sha256)
select gen_random_uuid(), build.brand_id, build.batch_id, build.id, number,
       (number - 1) * build.pack_size + 1,
       least(build.pack_size, %(rows)s - (number - 1) * build.pack_size),
       'pending',
       %(prefix)s || 'pack-' || lpad(number::text, greatest(5, length(number::text)), '0')
           || '.' || build.format,
       ''
  from exports_packbuild as build, generate_series(1, build.pack_count) as number
 where build.id = %(id)s and build.fence = %(fence)s and build.status = 'generating'
    on conflict (build_id, number) do nothing
"""

# Left so by a worker that died, or by a build that failed and was asked for again.
_RESET_PACKS = """
update exports_payloadpack set status = 'pending'
 where build_id = %(id)s and status in ('generating', 'failed')
"""

_UNFINISHED = """
select id, number, first_ordinal, row_count, storage_key from exports_payloadpack
 where build_id = %(id)s and status <> 'completed'
 order by number
"""

_BEGIN_PACK = """
update exports_payloadpack as pack set status = 'generating'
  from exports_packbuild as build
 where pack.id = %(pack)s and pack.status = 'pending'
   and build.id = %(id)s and build.fence = %(fence)s and build.status = 'generating'
"""

# Fence, lease, progress and pack in one statement, hence in one transaction.
_FINISH_PACK = """
with build as (
    update exports_packbuild
       set packs_done = packs_done + 1,
           consecutive_errors = 0,
           crashes_without_progress = 0,
           next_attempt_at = null,
           lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
     where id = %(id)s and fence = %(fence)s and status = 'generating'
    returning id, packs_done
)
update exports_payloadpack as pack
   set status = 'completed', byte_size = %(size)s, sha256 = %(sha256)s,
       completed_at = clock_timestamp()
  from build
 where pack.id = %(pack)s and pack.build_id = build.id and pack.status = 'generating'
returning build.packs_done
"""

_FINISHED = """
select number, storage_key, first_ordinal, row_count, byte_size, sha256 from exports_payloadpack
 where build_id = %(id)s and status = 'completed'
 order by number
"""


@dataclass(frozen=True)
class Pack:
    """A pack to be made."""

    id: UUID
    number: int
    first_ordinal: int
    row_count: int
    storage_key: str

    @property
    def last_ordinal(self) -> int:
        """The ordinal of its last row."""
        return self.first_ordinal + self.row_count - 1


def create(claim: BuildClaim, *, rows: int, prefix: str) -> bool:
    """Make the rows of all packs; return whether there were none before."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE_PACKS, {**claim.proof, "rows": rows, "prefix": prefix})
        return bool(cursor.rowcount)


def reset(claim: BuildClaim) -> None:
    """Put packs that an earlier builder left half made back to the start."""
    with connection.cursor() as cursor:
        cursor.execute(_RESET_PACKS, claim.proof)


def unfinished(claim: BuildClaim) -> list[Pack]:
    """Return the packs still to make, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_UNFINISHED, claim.proof)
        return [Pack(*row) for row in cursor.fetchall()]


def finished(claim: BuildClaim) -> list[PackFile]:
    """Return the packs that are stored, in order, as the manifest tells of them."""
    with connection.cursor() as cursor:
        cursor.execute(_FINISHED, claim.proof)
        return [
            PackFile(number, key.rpartition("/")[2], first, rows, size, sha256)
            for number, key, first, rows, size, sha256 in cursor.fetchall()
        ]


def begin(claim: BuildClaim, pack: Pack) -> None:
    """Mark a pack as being made. Raises ``Fenced`` where another worker has the build."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN_PACK, {**claim.proof, "pack": pack.id})
        if cursor.rowcount != 1:
            raise fenced()


def finish(claim: BuildClaim, pack: Pack, *, size: int, sha256: str) -> None:
    """Record a stored pack, count it, renew the lease, forget past errors: all or nothing.

    Raises ``Fenced`` where another worker has the build.
    """
    names: dict[str, Any] = {**claim.proof, "pack": pack.id, "size": size, "sha256": sha256}
    with connection.cursor() as cursor:
        cursor.execute(_FINISH_PACK, names)
        row = cursor.fetchone()
    if row is None:
        raise fenced()
    (claim.packs_done,) = row
