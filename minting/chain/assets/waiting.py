"""Which assets wait, whether more may be handed to the sender, and what one of them waits for."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from minting.chain.budgets import budget_of
from minting.metadata.giving import document_for
from minting.models import BatchProof, MetadataDocument, UnitAsset
from minting.states import AssetStatus, MetadataStatus

#: Submissions of mints that may wait to be sent: more would only make the database larger.
MOST_UNSENT = 2_000

# One look into the index for each batch with wishes, however many a batch has.
_WAITING = """
with recursive waiting as (
    (select batch_id, brand_id, priority from minting_unitasset
      where network = %(network)s and status = 'pending'
      order by batch_id, priority limit 1)
    union all
    select later.* from waiting cross join lateral (
        select batch_id, brand_id, priority from minting_unitasset
         where network = %(network)s and status = 'pending' and batch_id > waiting.batch_id
         order by batch_id, priority limit 1
    ) as later
)
select brand_id, batch_id, priority from waiting order by priority, random()
"""
_ANY_WAITING = """
select batch_id from minting_unitasset where network = %s and status = 'pending' limit 1
"""
_UNSENT = """
select count(*) from (
    select from minting_chainsubmission
     where network = %s and kind = 'mint' and status in ('pending', 'sent')
     limit %s
) as unsent
"""


@dataclass(frozen=True)
class WaitingBatch:
    """A batch whose assets wait, and the highest priority among them."""

    brand_id: UUID
    id: UUID
    priority: int


def any_waiting() -> UUID | None:
    """Return a batch whose assets wait on this network, of any brand."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY_WAITING, [settings.SOLANA_NETWORK])
        row = cursor.fetchone()
    return row[0] if row else None


def batches_waiting() -> list[WaitingBatch]:
    """Return the batches whose assets wait on this network, of any brand, the urgent ones first."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"network": settings.SOLANA_NETWORK})
        return [WaitingBatch(*row) for row in cursor.fetchall()]


def is_enough() -> bool:
    """Tell whether so many submissions wait to be sent that no more should be made."""
    with connection.cursor() as cursor:
        cursor.execute(_UNSENT, [settings.SOLANA_NETWORK, MOST_UNSENT])
        (unsent,) = cursor.fetchone()
    return bool(unsent >= MOST_UNSENT)


def why_it_waits(asset: UnitAsset) -> str:
    """Return what an asset that is pending waits for, in words; empty for any other.

    Found out when it is asked for: a million rows need not say the same. Runs in the brand's scope.
    """
    if asset.status != AssetStatus.PENDING:
        return ""
    if asset.network != settings.SOLANA_NETWORK:
        return f"It waits for workers of the network {asset.network}."
    proof = BatchProof.objects.filter(batch=asset.batch_id).first()
    if proof is None or proof.hashed_quantity < asset.unit.ordinal:
        return "It waits for the proof of its batch, which names it."
    if document_for(asset.batch.shown_id) is None:
        return _why_not_pinned(asset.batch.shown_id)
    budget = budget_of(asset.brand_id)
    if budget.holds_back:
        return f"The brand's daily cap holds it back until {budget.resets_at:%Y-%m-%dT%H:%M:%SZ}."
    return "It waits for its turn, or for room in a tree."


def _why_not_pinned(passport_version_id: UUID) -> str:
    newest = MetadataDocument.objects.filter(passport_version=passport_version_id)
    document = newest.order_by("-number").first()
    if document is not None and document.status == MetadataStatus.FAILED:
        return f"The metadata document could not be pinned: {document.last_error}"
    return "It waits for the metadata document to be pinned."
