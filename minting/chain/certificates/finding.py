"""Where the certificate of a batch is, for whoever is given a proof of one of its units."""

import hashlib
import hmac

from minting.chain.anchors import finalized
from minting.models import BatchProof
from minting.proofs.document import Certificate
from minting.states import ChainMode, SubmissionKind

_SEED_CHARACTERS = 32


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
    found = finalized(proof, key_of(proof))
    if found is None:
        return None
    # Most proofs have none, and the public pages do without the library until then.
    from solders.pubkey import Pubkey

    from minting.chain.certificates.token_2022 import address_of

    address = address_of(Pubkey.from_string(found.payer), seed_of(proof))
    return Certificate(
        blockchain=found.blockchain,
        network=found.network,
        address=str(address),
        signature=found.signature,
        slot=found.slot or 0,
    )
