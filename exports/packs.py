"""Making the packs of a claimed build: read a range, hash it, upload it, record it; then the next.

Up to three uploads run beside the reading. What a pack holds depends on its range and the build's
``as_of`` alone, so a worker that dies between any two steps costs one pack's work: whoever comes
next makes the same bytes again and puts them under the same key, and a late write of the dead one
changes nothing. A finished pack is never made again; the database refuses it too.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from exports import pack_rows, storage
from exports.leases import BuildClaim, renew
from exports.manifests import (
    CSV_TYPE,
    HEADER,
    MANIFEST_NAME,
    MANIFEST_TYPE,
    FrozenBatch,
    key_prefix,
    manifest,
    pack_query,
    rows_in,
)
from exports.pack_rows import Pack
from minting.crashpoints import reach
from minting.events import tell
from minting.models import MintBatch, MintLot
from minting.stopping import stop_requested
from tieback.brands.scoping import brand_scope
from tieback.errors import PermanentError
from tieback.metrics import PACK_BYTES, PACKS_BUILT

UPLOADS_AT_ONCE = 3
# A stopping worker waits this long for uploads under way; what is not stored then is made again.
STOP_PATIENCE_SECONDS = 10.0


class Interrupted(Exception):
    """The worker is stopping and an upload takes too long; nothing is lost by leaving now."""


class Inconsistent(PermanentError):
    """The rows do not add up; making files of them would hide it."""


@dataclass(frozen=True)
class _Stored:
    pack: Pack
    size: int
    sha256: str


def build_packs(claim: BuildClaim, *, stop: Callable[[], bool]) -> bool:
    """Make packs until all are done or ``stop`` says so; return whether all are done.

    ``stop`` is asked after each pack: at least one is made, so that every claim gets ahead.
    """
    batch = _begin(claim)
    under_way: deque[Future[_Stored]] = deque()
    with _uploads() as pool:
        for begun, pack in enumerate(pack_rows.unfinished(claim)):
            if begun and stop():
                break
            if len(under_way) == UPLOADS_AT_ONCE:
                _finish(claim, under_way.popleft())
            content = _read(claim, batch, pack)
            under_way.append(pool.submit(_store, pack, content))
        while under_way:
            _finish(claim, under_way.popleft())
    return claim.packs_done == claim.pack_count


def store_manifest(claim: BuildClaim) -> tuple[str, str]:
    """Upload the manifest of a build whose packs are done; return its key and SHA-256."""
    batch, identity = _frozen(claim)
    packs = pack_rows.finished(claim)
    ordinals = [pack.first_ordinal for pack in packs]
    expected = [claim.pack_size * number + 1 for number in range(claim.pack_count)]
    if ordinals != expected:
        raise Inconsistent(f"{len(packs)} packs are finished instead of {claim.pack_count}")
    content = manifest(batch=batch, identity=identity, pack_size=claim.pack_size, packs=packs)
    digest = hashlib.sha256(content)
    key = _prefix(claim) + MANIFEST_NAME
    reach("exports.before_manifest")
    storage.put(key, content, sha256=digest.digest(), content_type=MANIFEST_TYPE)
    reach("exports.after_manifest")
    return key, digest.hexdigest()


def _prefix(claim: BuildClaim) -> str:
    return key_prefix(
        brand_id=claim.brand_id,
        batch_id=claim.batch_id,
        profile=claim.profile,
        file_format=claim.format,
    )


def _begin(claim: BuildClaim) -> FrozenBatch:
    """Make the rows of packs that have none, and read what all packs of the batch share."""
    with brand_scope(claim.brand_id):
        renew(claim)
        rows = MintBatch.objects.values_list("minted_quantity", flat=True).get(id=claim.batch_id)
        if -(-rows // claim.pack_size) != claim.pack_count:
            raise Inconsistent(f"{rows} units do not fill {claim.pack_count} packs")
        if pack_rows.create(claim, rows=rows, prefix=_prefix(claim)):
            tell(
                "packs.started",
                brand_id=claim.brand_id,
                batch_id=claim.batch_id,
                data={"packs": claim.pack_count, "rows": rows},
            )
        else:
            pack_rows.reset(claim)
        return _frozen(claim)[0]


def _frozen(claim: BuildClaim) -> tuple[FrozenBatch, dict[str, str]]:
    with brand_scope(claim.brand_id):
        batch = MintBatch.objects.get(id=claim.batch_id)
        has_lots = MintLot.objects.filter(batch_id=claim.batch_id).exists()
    identity = {
        "brand_id": str(claim.brand_id),
        "product_id": str(batch.product_id),
        "profile": claim.profile,
        "format": claim.format,
    }
    return FrozenBatch(
        batch_id=batch.id,
        resolver_base=batch.resolver_base,
        url_rule=batch.url_rule,
        gtin=batch.gtin,
        sku=batch.sku,
        production_ref=batch.production_ref,
        activation_mode=batch.activation_mode,
        has_lots=has_lots,
        as_of=claim.as_of,
    ), identity


@contextmanager
def _uploads() -> Iterator[ThreadPoolExecutor]:
    """Give a pool for uploads; leave at once on an error, whatever the store is doing."""
    pool = ThreadPoolExecutor(UPLOADS_AT_ONCE, thread_name_prefix="upload")
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _read(claim: BuildClaim, batch: FrozenBatch, pack: Pack) -> bytes:
    """Return the bytes of a pack, made by the server in one statement, hence of one snapshot."""
    query, names = pack_query(batch, first=pack.first_ordinal, last=pack.last_ordinal)
    with brand_scope(claim.brand_id), connection.cursor() as cursor:
        pack_rows.begin(claim, pack)
        cursor.execute(query, names)
        (text,) = cursor.fetchone()
    content = HEADER + (text or "").encode("utf-8")
    if rows_in(content) != pack.row_count:
        raise Inconsistent(
            f"pack {pack.number} has {rows_in(content)} rows instead of {pack.row_count}"
        )
    return content


def _store(pack: Pack, content: bytes) -> _Stored:
    """Hash and upload; runs in a thread of its own and touches no database."""
    digest = hashlib.sha256(content)
    reach("exports.before_put")
    storage.put(pack.storage_key, content, sha256=digest.digest(), content_type=CSV_TYPE)
    reach("exports.after_put")
    return _Stored(pack, len(content), digest.hexdigest())


def _finish(claim: BuildClaim, upload: Future[_Stored]) -> None:
    """Wait for an upload and record its pack; raise ``Fenced`` where another has the build."""
    stored = _wait(claim, upload)
    pack_rows.finish(claim, stored.pack, size=stored.size, sha256=stored.sha256)
    reach("exports.after_pack_commit")
    PACKS_BUILT.inc()
    PACK_BYTES.inc(stored.size)


def _wait(claim: BuildClaim, upload: Future[_Stored]) -> _Stored:
    """Return what was stored; while the store is slow, keep the lease alive."""
    pause = min(1.0, float(settings.TIEBACK_LEASE_SECONDS) / 3)
    stopping_since: float | None = None
    while not wait((upload,), timeout=pause).done:
        renew(claim)
        if stop_requested():
            stopping_since = stopping_since or time.monotonic()
            if time.monotonic() - stopping_since >= STOP_PATIENCE_SECONDS:
                raise Interrupted
    return upload.result()
