"""Builds the trees of minted batches, a cycle's units a step, and signs the last root.

A step holds the row of the proof for as long as it takes, some tenths of a second, and commits
what it has hashed together with how far the tree has come. There is no lease: a worker that dies
leaves the row free and the step undone, and whoever comes next takes it.
"""

import secrets
from uuid import UUID

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from minting.chain import anchoring
from minting.chain.assets import wishing
from minting.chain.certificates import certifying
from minting.crashpoints import reach
from minting.events import tell
from minting.interruptions import LONGEST_ERROR, describe, first_wait, is_interruption
from minting.models import BatchProof, MintCycle, ProofHead, ProofKey
from minting.proofs.leaves import SALT_KEY_BYTES
from minting.proofs.merkle import CHUNK, chunk_roots, root_of
from minting.proofs.passports import passport_sha256
from minting.proofs.statement import key_of_brand, sign
from minting.proofs.trees import full_chunk_roots, leaves_of, statement_of
from minting.states import ProofStatus
from tieback.brands.scoping import brand_scope

log = structlog.get_logger(__name__)

PROVE = "minting.prove"

# Of any brand, hence before its scope is entered.
_TAKE = """
select batch_id, brand_id from minting_batchproof
 where status = 'pending' and (next_attempt_at is null or next_attempt_at <= clock_timestamp())
 order by created_at, batch_id
   for no key update skip locked
 limit 1
"""
_OLDEST = """
select batch_id from minting_batchproof
 where status = 'pending' and (next_attempt_at is null or next_attempt_at <= clock_timestamp())
 order by created_at, batch_id limit 1
"""
_RECORD_ERROR = """
update minting_batchproof
   set consecutive_errors = consecutive_errors + 1, last_error = %(error)s,
       status = case when consecutive_errors + 1 >= %(allowed)s then 'failed' else status end,
       next_attempt_at = case when consecutive_errors + 1 < %(allowed)s
           then clock_timestamp() + make_interval(secs => %(base)s * power(2, consecutive_errors))
           end
 where batch_id = %(batch)s and status = 'pending'
returning status
"""
# Batches that were minted before there were proofs; their jobs are open to workers of all brands.
_MISSED = """
insert into minting_batchproof
    (batch_id, brand_id, status, quantity, hashed_quantity, passport_sha256, root, key, signature,
     consecutive_errors, last_error)
select job.batch_id, job.brand_id, 'pending', job.requested_quantity, 0, '', '', '', '', 0, ''
  from minting_mintjob as job
 where job.status = 'COMPLETED'
   and not exists (select from minting_batchproof as proof where proof.batch_id = job.batch_id)
 order by job.finished_at, job.id
 limit %s
on conflict (batch_id) do nothing
"""


def queue_for(*, brand_id: UUID, batch_id: UUID, quantity: int) -> None:
    """Ask for a batch's proof, in the transaction that completes it; a second call does nothing."""
    proof = BatchProof(brand_id=brand_id, batch_id=batch_id, quantity=quantity)
    BatchProof.objects.bulk_create([proof], ignore_conflicts=True)


def queue_missed(at_most: int) -> int:
    """Ask for the proofs of minted batches that have none yet; return of how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MISSED, [at_most])
        return int(cursor.rowcount)


def oldest_unfinished() -> UUID | None:
    """Return the batch whose proof waits longest, of any brand."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        row = cursor.fetchone()
    return row[0] if row else None


def work_next_step() -> UUID | None:
    """Do one step of the oldest proof of any brand that is due; return its batch, or None.

    An error of the step itself is counted on the proof; a lost connection is raised.
    """
    batch_id: UUID | None = None
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_TAKE)
                row = cursor.fetchone()
            if row is None:
                return None
            batch_id, brand_id = row
            with brand_scope(brand_id):
                _step(BatchProof.objects.select_related("batch__job").get(pk=batch_id))
            reach("proofs.before_commit")
        reach("proofs.committed")
    except SoftTimeLimitExceeded:
        # The worker's patience is no fault of the proof.
        raise
    except Exception as error:
        if batch_id is None or is_interruption(error):
            raise
        log.exception("proof_failed", mint_batch_id=str(batch_id))
        _record_error(batch_id, brand_id, describe(error))
    return batch_id


def _step(proof: BatchProof) -> None:
    """Add the units of the next cycle to the tree; after the last ones sign its root."""
    if proof.salt_key is None:
        proof.salt_key = secrets.token_bytes(SALT_KEY_BYTES)
        proof.passport_sha256 = passport_sha256(proof.batch.passport_version)
    cycle = MintCycle.objects.get(job__batch=proof.batch, first_ordinal=proof.hashed_quantity + 1)
    head = _grown(proof, to=proof.hashed_quantity + cycle.count)
    head.number = cycle.number
    head.save(force_insert=True)
    proof.hashed_quantity = head.size
    proof.consecutive_errors, proof.last_error, proof.next_attempt_at = 0, "", None
    if proof.hashed_quantity == proof.quantity:
        _sign(proof, head.root)
    proof.save()
    anchoring.queue_for(proof, head)
    certifying.queue_for(proof)
    wishing.wish_for_cycle(proof, first=cycle.first_ordinal, last=head.size)


def _grown(proof: BatchProof, *, to: int) -> ProofHead:
    """Return the head of the tree once it has ``to`` units.

    The chunk that was not full is hashed again, so that nothing but roots needs to be kept.
    """
    before = proof.hashed_quantity // CHUNK
    roots = chunk_roots(leaves_of(proof, first=before * CHUNK + 1, last=to).hashes)
    full = to // CHUNK - before
    return ProofHead(
        brand_id=proof.brand_id,
        batch_id=proof.batch_id,
        size=to,
        root=root_of([*full_chunk_roots(proof), *roots]).hex(),
        chunk_roots=b"".join(roots[:full]),
        tail_root=b"".join(roots[full:]),
    )


def _sign(proof: BatchProof, root: str) -> None:
    proof.root = root
    proof.signed_at = timezone.now().replace(microsecond=0)
    key = key_of_brand(settings.TIEBACK_PROOF_SECRET, proof.brand_id)
    proof.key, proof.signature = sign(statement_of(proof), key)
    proof.status = ProofStatus.SIGNED
    known = ProofKey(brand_id=proof.brand_id, public_key=proof.key)
    ProofKey.objects.bulk_create([known], ignore_conflicts=True)
    tell(
        "proof.signed",
        brand_id=proof.brand_id,
        batch_id=proof.batch_id,
        data={"root": root, "units": proof.quantity, "key": proof.key},
    )


def _record_error(batch_id: UUID, brand_id: UUID, error: str) -> None:
    """Count one error in a row; on the last allowed one a person has to look."""
    with brand_scope(brand_id), connection.cursor() as cursor:
        cursor.execute(
            _RECORD_ERROR,
            {
                "batch": batch_id,
                "error": error[:LONGEST_ERROR],
                "allowed": int(settings.MAX_RETRIES),
                "base": first_wait(),
            },
        )
        row = cursor.fetchone()
        if row and row[0] == ProofStatus.FAILED:
            data = {"error": error[:LONGEST_ERROR]}
            tell("proof.failed", brand_id=brand_id, batch_id=batch_id, data=data)
