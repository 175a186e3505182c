"""Putting right what a run may put right by itself. Each repair is safe to do twice, and audited.

A repair commits by itself, with its audit entry, before its drift is written down as repaired: what
dies between the two is found to be well by the next look.
"""

from collections.abc import Callable, Mapping
from uuid import UUID

import structlog
from django.db import connection, transaction

from minting import pipeline
from minting.chain import anchoring
from minting.chain.assets.wishing import GROUP
from minting.chain.reconciliation import tree_repairs
from minting.chain.reconciliation.drifts import SUBMISSION, Drift
from minting.chain.sending.retrying import SUBMIT
from minting.metadata import checking
from minting.models import BatchProof, MetadataDocument, ProofHead
from minting.revocations import Act
from minting.states import DriftKind
from tieback.brands.audit import ActsFor, record
from tieback.brands.scoping import brand_scope

log = structlog.get_logger(__name__)
ACTOR = "system:reconciliation"

# Whatever is pending is sent; a failed one has to be pending first. Nothing else of it may be on
# its way, which the database holds too.
_REVIVE = """
with dead as (
    select sent.id, sent.submission_id from minting_chaintransaction as sent
      join minting_chainsubmission as asked on asked.id = sent.submission_id
     where sent.signature = %(signature)s and sent.status = 'expired'
       and asked.status in ('pending', 'failed')
       and not exists (select from minting_chaintransaction as other
                        where other.submission_id = sent.submission_id
                          and other.status in ('sent', 'finalized'))
       for no key update of sent, asked
), revived as (
    update minting_chaintransaction as sent set status = 'sent', settled_at = null
      from dead where sent.id = dead.id
    returning sent.submission_id
)
select submission_id from revived
"""
_PENDING = """
update minting_chainsubmission set status = 'pending' where id = %s and status = 'failed'
"""
_SENT = """
update minting_chainsubmission
   set status = 'sent', lease_until = null, next_attempt_at = null, fence = fence + 1
 where id = %s and status = 'pending'
"""
_WAKE = """
update minting_chainsubmission as asked
   set lease_until = null, next_attempt_at = clock_timestamp()
  from minting_chaintransaction as sent
 where sent.signature = %(signature)s and sent.status = 'sent'
   and asked.id = sent.submission_id and asked.status = 'sent'
returning asked.id
"""


def repair(drift: Drift) -> bool:
    """Put a drift right; return False where that is not possible, or not yet."""
    if drift.brand_id is None:
        return False
    done = _REPAIRS[drift.kind](drift, drift.brand_id)
    log.info("drift_repaired" if done else "drift_not_repaired", kind=str(drift.kind))
    return done


def note(drift: Drift) -> None:
    """Write on the row what a person has to decide, where it has a word for it."""
    if drift.kind == DriftKind.LEAF_MISSING and drift.brand_id is not None:
        _NOTE_MISSING(drift, drift.brand_id)


@transaction.atomic
def _queue_anchor(drift: Drift, brand_id: UUID) -> bool:
    with brand_scope(brand_id):
        number = int(drift.subject_id.rpartition(":")[2])
        proofs = BatchProof.objects.select_related("batch__job")
        proof = proofs.filter(batch=drift.batch_id).first()
        head = ProofHead.objects.filter(batch=drift.batch_id, number=number).first()
        if proof is None or head is None:
            return False
        anchoring.queue_for(proof, head)
        _audit(drift, brand_id, drift.nature.subject, drift.subject_id, "asked for again")
    transaction.on_commit(lambda: pipeline.ring_step(SUBMIT, drift.subject_id))
    return True


@transaction.atomic
def _let_it_settle(drift: Drift, brand_id: UUID) -> bool:
    """Have the sender look at what has landed: it settles it as it settles everything."""
    asked = {"signature": drift.subject_id}
    with connection.cursor() as cursor:
        cursor.execute(_WAKE, asked)
        woken = cursor.fetchone()
        if woken is None:
            cursor.execute(_REVIVE, asked)
            woken = cursor.fetchone()
            if woken is None:
                return False
            cursor.execute(_PENDING, woken)
            cursor.execute(_SENT, woken)
    with brand_scope(brand_id):
        _audit(drift, brand_id, SUBMISSION, woken[0], "left to the sender")
    transaction.on_commit(lambda: pipeline.ring_step(SUBMIT, woken[0]))
    return True


def _pin_again(drift: Drift, brand_id: UUID) -> bool:
    with brand_scope(brand_id):
        document = MetadataDocument.objects.filter(pk=drift.subject_id).first()
    return document is not None and checking.pin_again(document, Act(ACTOR))


def _audit(drift: Drift, brand_id: UUID, target: str, target_id: object, done: str) -> None:
    record(
        ActsFor(brand_id, ACTOR),
        "reconciliation.repaired",
        target,
        target_id,
        before={"drift": str(drift.kind), "subject": drift.subject_id},
        after={"done": done},
    )


def _by(
    write: Callable[[Drift], bool], done: str, *, rings: str = ""
) -> Callable[[Drift, UUID], bool]:
    """Return the repair that writes in one statement, audited with what it has done.

    ``rings``: the step that goes on from there, if one does.
    """

    @transaction.atomic
    def repaired(drift: Drift, brand_id: UUID) -> bool:
        if not write(drift):
            return False
        with brand_scope(brand_id):
            target = _TARGETS.get(drift.kind, ("unit_asset", "asset"))
            _audit(drift, brand_id, target[0], drift.detail[target[1]], done)
        if rings:
            transaction.on_commit(lambda: pipeline.ring_step(rings, drift.subject_id))
        return True

    return repaired


#: What the audit trail calls what was written, where that is no asset, and where its id stands.
_TARGETS = {DriftKind.TREE_SUPPLY_DIFFERS: ("chain_tree", "tree_id")}
_REPAIRS: Mapping[DriftKind, Callable[[Drift, UUID], bool]] = {
    DriftKind.ANCHOR_MISSING: _queue_anchor,
    DriftKind.TRANSACTION_LANDED: _let_it_settle,
    DriftKind.DOCUMENT_MISSING: _pin_again,
    DriftKind.DOCUMENT_DIFFERS: _pin_again,
    DriftKind.LEAF_UNRECORDED: _by(tree_repairs.record_leaf, "completed"),
    DriftKind.OWNER_DIFFERS: _by(tree_repairs.note_owner, "owner noted"),
    DriftKind.METADATA_STALE: _by(tree_repairs.note_metadata, "wished for again", rings=GROUP),
    DriftKind.TREE_SUPPLY_DIFFERS: _by(tree_repairs.take_supply, "supply taken"),
}
_NOTE_MISSING = _by(tree_repairs.note_missing, "missing on chain")
