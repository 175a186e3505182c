"""Where the root of a batch is on a chain, for whoever is given a proof of one of its units."""

from typing import Any

from minting.models import BatchProof, ChainTransaction
from minting.proofs.document import Anchor
from minting.states import SubmissionKind, TransactionStatus

_SHOWN = ("blockchain", "network", "signature", "slot", "payer")


def anchor_of(proof: BatchProof) -> Anchor | None:
    """Return the transaction that holds the batch's root, None where none is finalized.

    Runs in the scope of the brand, or where scopes are off.
    """
    found = finalized(proof, key_of_last(proof))
    if found is None:
        return None
    return Anchor(
        blockchain=found.blockchain,
        network=found.network,
        signature=found.signature,
        slot=found.slot or 0,
    )


def finalized(proof: BatchProof, key: str) -> Any:
    """Return what has been done for good of what is known by a key, None where nothing has.

    A row of blockchain, network, signature, slot and payer: the resolver may read no more.
    """
    done = ChainTransaction.objects.filter(
        batch=proof.batch_id, submission__key=key, status=TransactionStatus.FINALIZED
    )
    return done.values_list(*_SHOWN, named=True).first()


def key_of(proof: BatchProof, *, size: int) -> str:
    """Return what the anchor of the tree of so many units is known by."""
    return f"{SubmissionKind.ANCHOR}:{proof.batch_id}:{size}"


def key_of_last(proof: BatchProof) -> str:
    """Return what the anchor of the batch's root is known by."""
    return key_of(proof, size=proof.quantity)
