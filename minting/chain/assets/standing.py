"""How far everything has come that was asked for at once: units, packs, proof, anchors, assets."""

from typing import Any

from django.db.models import Count

from minting.models import BatchProof, ChainSubmission, MintBatch, UnitAsset
from minting.states import SubmissionKind


def standing_of(batch: MintBatch) -> dict[str, Any]:
    """Return how many of each there are, by status. Runs in the brand's scope.

    ``batch`` has its job. Counting the assets of a batch of a million takes some tenths of a
    second.
    """
    proof = BatchProof.objects.filter(batch=batch.pk).first()
    anchors = ChainSubmission.objects.filter(batch=batch.pk, kind=SubmissionKind.ANCHOR)
    return {
        "mint_batch_id": batch.pk,
        "mint_job_id": batch.job.pk,
        "chain_mode": batch.chain_mode,
        "network": batch.chain_network,
        "units": {
            "requested": batch.requested_quantity,
            "generated": batch.minted_quantity,
            "status": batch.status,
        },
        "packs": _counted(batch.pack_builds),
        "proof": {
            "status": proof.status if proof else None,
            "proven": proof.hashed_quantity if proof else 0,
        },
        "anchors": _counted(anchors),
        "assets": _counted(UnitAsset.objects.filter(batch=batch.pk)),
    }


def _counted(rows: Any) -> dict[str, int]:
    return dict(rows.order_by().values_list("status").annotate(Count("pk")))
