"""An operator lets a failed document go on, after whatever stopped it was mended: audited."""

from uuid import UUID

from django.db import transaction

from minting import pipeline
from minting.metadata.asking import PIN, TARGET
from minting.models import MetadataDocument
from minting.revocations import Act
from minting.states import MetadataStatus
from tieback.brands.audit import ActsFor, record


@transaction.atomic
def retry_document(*, document_id: UUID, act: Act) -> bool:
    """Let a FAILED document be pinned after all; return False where it is not failed."""
    failed = MetadataDocument.objects.select_for_update(no_key=True)
    document = failed.filter(pk=document_id, status=MetadataStatus.FAILED).first()
    if document is None:
        return False
    MetadataDocument.objects.filter(pk=document_id).update(
        status=MetadataStatus.PENDING, consecutive_errors=0, next_attempt_at=None
    )
    record(
        ActsFor(document.brand_id, act.actor),
        "metadata_document.retried",
        TARGET,
        document_id,
        before={"status": MetadataStatus.FAILED, "last_error": document.last_error},
        after={"status": MetadataStatus.PENDING},
        request=act.request_id,
    )
    transaction.on_commit(lambda: pipeline.ring_step(PIN, document_id))
    return True
