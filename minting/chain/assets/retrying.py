"""A person lets a failed asset go on, after whatever stopped it was mended: an audited step.

One that is part of a submission goes on with that and with all that are part of it, since it is
the submission that happens once. One that never was waits for a group again.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from minting import pipeline
from minting.chain.assets.wishing import GROUP, TARGET
from minting.chain.sending.retrying import retry_submission
from minting.events import tell
from minting.models import ChainSubmission, MintJob, UnitAsset
from minting.retries import retry_job
from minting.revocations import Act
from minting.states import AssetStatus
from tieback.brands.audit import ActsFor, record
from tieback.errors import Conflict, NotFound

#: Numbers of rows have 63 bits: all of fewer digits than these.
_DIGITS_OF_NUMBER = 19
#: What is told of an asset stands in these rows as well.
ASSET_RELATED = (
    *("unit", "batch", "tree", "transaction"),
    *("changed_in", "change_submission"),
)


class AssetNotFailed(Conflict):
    """Only what has failed can be let go on."""

    code = "MINT_NOT_RETRYABLE"


def retry_mint(mint_id: str, act: Act) -> None:
    """Let a failed asset, submission or job of the brand in force go on, by its id.

    An asset is named by its number or by its address on the chain. Raises ``NotFound``,
    ``AssetNotFailed`` and ``NotRetryable``.
    """
    asset = asset_named(mint_id)
    if asset is not None:
        if not retry_asset(asset_id=asset.pk, act=act):
            raise AssetNotFailed
        return
    wanted = uuid_of(mint_id)
    if wanted is None:
        raise NotFound
    job = MintJob.objects.filter(pk=wanted).first()
    if job is not None:
        retry_job(job=job, actor=act.actor, reason=act.reason, request_id=act.request_id)
    elif not ChainSubmission.objects.filter(pk=wanted).exists():
        raise NotFound
    elif not retry_submission(submission_id=wanted, act=act):
        raise AssetNotFailed


@transaction.atomic
def retry_asset(*, asset_id: int, act: Act) -> bool:
    """Let a FAILED asset go on; return False where it is not failed."""
    failed = UnitAsset.objects.select_for_update(no_key=True)
    asset = failed.filter(pk=asset_id, status=AssetStatus.FAILED).first()
    if asset is None:
        return False
    if asset.submission_id is not None:
        return retry_submission(submission_id=asset.submission_id, act=act)
    UnitAsset.objects.filter(pk=asset.pk).update(
        status=AssetStatus.PENDING,
        retry_count=F("retry_count") + 1,
        error_message="",
        updated_at=Now(),
    )
    tell("asset.retried", brand_id=asset.brand_id, batch_id=asset.batch_id, actor=act.actor)
    record(
        ActsFor(asset.brand_id, act.actor),
        "unit_asset.retried",
        TARGET,
        asset.pk,
        before={"status": AssetStatus.FAILED, "error_message": asset.error_message},
        after={"status": AssetStatus.PENDING},
        request=act.request_id,
    )
    transaction.on_commit(lambda: pipeline.ring_step(GROUP, asset.pk))
    return True


def asset_named(text: str) -> UnitAsset | None:
    """Return the asset with this number or this address on the chain."""
    rows = UnitAsset.objects.select_related(*ASSET_RELATED)
    if text.isascii() and text.isdigit():
        return rows.filter(pk=int(text)).first() if len(text) < _DIGITS_OF_NUMBER else None
    return rows.filter(asset_id=text).first()


def uuid_of(text: str) -> UUID | None:
    """Return a text as a UUID, None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
