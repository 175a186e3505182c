"""What may still be minted against production batches: counted from jobs, never stored.

Live and failed jobs hold what they asked for, completed and cancelled ones what they made.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Case, F, Sum, When

from minting.models import MintJob, ProductionBatch
from minting.states import JobStatus


def committed_quantities(production_batch_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the units already requested or made against each production batch."""
    held = Case(
        When(status=JobStatus.CANCELLED, then=F("generated_quantity")),
        default=F("requested_quantity"),
    )
    rows = (
        MintJob.objects.filter(batch__production_batch__in=list(production_batch_ids))
        .values_list("batch__production_batch")
        .annotate(held=Sum(held))
    )
    return dict(rows)


def remaining_quantities(production_batch_ids: Iterable[UUID]) -> dict[UUID, int | None]:
    """Return what is left of each production batch; ``None`` where it has no quantity."""
    ids = list(production_batch_ids)
    committed = committed_quantities(ids)
    batches = ProductionBatch.objects.filter(id__in=ids).values_list("id", "quantity")
    return {
        id_: None if quantity is None else max(0, quantity - committed.get(id_, 0))
        for id_, quantity in batches
    }
