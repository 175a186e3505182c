"""An operator lets a failed proof go on, after whatever stopped it was mended: an audited step."""

from uuid import UUID

from django.db import transaction

from minting import pipeline
from minting.events import tell
from minting.models import BatchProof
from minting.proofs.building import PROVE
from minting.revocations import Act
from minting.states import ProofStatus
from tieback.brands.audit import ActsFor, record


@transaction.atomic
def retry_proof(*, batch_id: UUID, act: Act) -> bool:
    """Let a FAILED proof go on after its last step; return False where it is not failed."""
    failed = BatchProof.objects.select_for_update(no_key=True)
    proof = failed.filter(pk=batch_id, status=ProofStatus.FAILED).first()
    if proof is None:
        return False
    BatchProof.objects.filter(pk=batch_id).update(
        status=ProofStatus.PENDING, consecutive_errors=0, next_attempt_at=None
    )
    tell("proof.retried", brand_id=proof.brand_id, batch_id=batch_id, actor=act.actor)
    record(
        ActsFor(proof.brand_id, act.actor),
        "batch_proof.retried",
        "mint_batch",
        batch_id,
        before={"status": ProofStatus.FAILED, "last_error": proof.last_error},
        after={"status": ProofStatus.PENDING},
        request=act.request_id,
    )
    transaction.on_commit(lambda: pipeline.ring_step(PROVE, batch_id))
    return True
