"""How far a change of a unit's leaf has come, in a word."""

from minting.models import UnitAsset
from minting.states import AssetStatus, SubmissionStatus

NONE, WAITING, UNDER_WAY, FAILED = "none", "waiting", "under_way", "failed"
CHANGE_STATES = (
    (NONE, "None"),
    (WAITING, "Waiting"),
    (UNDER_WAY, "Under way"),
    (FAILED, "Failed"),
)


def change_of(asset: UnitAsset) -> str:
    """Return one of ``CHANGE_STATES``. Runs in the brand's scope."""
    if asset.change_submission is not None:
        has_failed = asset.change_submission.status == SubmissionStatus.FAILED
        return FAILED if has_failed else UNDER_WAY
    wanted = asset.batch.leaf_document_id
    is_stale = wanted is not None and asset.document_id not in (None, wanted)
    if asset.transfer_to or (is_stale and asset.status == AssetStatus.COMPLETED):
        return WAITING
    return NONE
