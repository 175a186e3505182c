"""An operator lets failed submissions go on, after whatever stopped them was mended: audited."""

from uuid import UUID

from django.db import transaction

from minting import pipeline
from minting.chain.sending.kinds import KINDS
from minting.events import tell
from minting.models import ChainSubmission
from minting.revocations import Act
from minting.states import SubmissionStatus
from tieback.brands.audit import ActsFor, record
from tieback.errors import Conflict

SUBMIT = "chain.submit"


@transaction.atomic
def retry_submission(*, submission_id: UUID, act: Act) -> bool:
    """Let a FAILED submission be signed anew; return False where it is not, or was given up.

    It failed before anything was sent, or after its transaction had landed in vain: nothing of it
    is on its way.
    """
    failed = ChainSubmission.objects.select_for_update(no_key=True)
    submission = failed.filter(pk=submission_id, status=SubmissionStatus.FAILED).first()
    if submission is None:
        return False
    try:
        KINDS[submission.kind].retried(submission_id)
    except Conflict:
        return False
    ChainSubmission.objects.filter(pk=submission_id).update(
        status=SubmissionStatus.PENDING, consecutive_errors=0, next_attempt_at=None
    )
    if submission.batch_id is not None:
        tell(
            "submission.retried",
            brand_id=submission.brand_id,
            batch_id=submission.batch_id,
            actor=act.actor,
            data={"kind": submission.kind},
        )
    record(
        ActsFor(submission.brand_id, act.actor),
        "chain_submission.retried",
        "chain_submission",
        submission_id,
        before={"status": SubmissionStatus.FAILED, "last_error": submission.last_error},
        after={"status": SubmissionStatus.PENDING},
        request=act.request_id,
    )
    transaction.on_commit(lambda: pipeline.ring_step(SUBMIT, submission_id))
    return True
