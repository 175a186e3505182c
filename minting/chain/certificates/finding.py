"""Where the certificate of a batch is, for whoever is given a proof of one of its units."""

import hashlib
import hmac

from minting.models import BatchProof, ChainTransaction
from minting.proofs.document import Certificate
from minting.states import ChainMode, SubmissionKind, TransactionStatus

_SEED_CHARACTERS = 32
# The resolver may read no more of a transaction.
_SHOWN = ("blockchain", "network", "signature", "slot", "payer")


def key_of(proof: BatchProof) -> str:
    """Return what the certificate of a batch is known by."""
    return f"{SubmissionKind.CERTIFICATE}:{proof.batch_id}"


def seed_of(proof: BatchProof) -> str:
    """Return the seed of the certificate's address.

    Always the same, so that each attempt is for the same account and one of them can land; and
    nobody else's to know before, since an account that somebody has sent lamports to cannot be
    made any more.
    """
    key = bytes(proof.salt_key or b"")
    if not key:
        raise ValueError("the batch has no leaf yet")
    return hmac.new(key, b"tieback certificate", hashlib.sha256).hexdigest()[:_SEED_CHARACTERS]


def certificate_of(proof: BatchProof) -> Certificate | None:
    """Return the account that holds the batch's root, None where none is finalized.

    Runs in the scope of the brand, or where scopes are off; asks for nothing where the batch's mode
    has none.
    """
    if proof.batch.chain_mode != ChainMode.CERTIFICATE:
        return None
    found = (
        ChainTransaction.objects.filter(
            batch=proof.batch_id,
            submission__key=key_of(proof),
            status=TransactionStatus.FINALIZED,
        )
        .values_list(*_SHOWN)
        .first()
    )
    if found is None:
        return None
    # Most proofs have none, and the public pages do without the library until then.
    from solders.pubkey import Pubkey

    from minting.chain.certificates.token_2022 import address_of

    blockchain, network, signature, slot, payer = found
    address = address_of(Pubkey.from_string(payer), seed_of(proof))
    return Certificate(
        blockchain=blockchain,
        network=network,
        address=str(address),
        signature=signature,
        slot=slot or 0,
    )
