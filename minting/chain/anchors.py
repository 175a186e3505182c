"""Where the root of a batch is on a chain, for whoever is given a proof of one of its units."""

from minting.models import BatchProof, ChainTransaction
from minting.proofs.document import Anchor
from minting.states import SubmissionKind, TransactionStatus

# The resolver may read no more of a transaction.
_SHOWN = ("blockchain", "network", "signature", "slot")


def anchor_of(proof: BatchProof) -> Anchor | None:
    """Return the transaction that holds the batch's root, None where none is finalized.

    Runs in the scope of the brand, or where scopes are off.
    """
    found = (
        ChainTransaction.objects.filter(
            batch=proof.batch_id,
            submission__key=key_of_last(proof),
            status=TransactionStatus.FINALIZED,
        )
        .values_list(*_SHOWN)
        .first()
    )
    if found is None:
        return None
    blockchain, network, signature, slot = found
    return Anchor(blockchain=blockchain, network=network, signature=signature, slot=slot or 0)


def key_of(proof: BatchProof, *, size: int) -> str:
    """Return what the anchor of the tree of so many units is known by."""
    return f"{SubmissionKind.ANCHOR}:{proof.batch_id}:{size}"


def key_of_last(proof: BatchProof) -> str:
    """Return what the anchor of the batch's root is known by."""
    return key_of(proof, size=proof.quantity)
