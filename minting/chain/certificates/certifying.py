"""Certificates: the root of a batch in an account of its own, which anybody reads in one request.

A mint of Token-2022 with one token, whose metadata say root, number of units, batch and algorithm.
No authority is left of it when the transaction ends, so it says the same for ever. One transaction
makes it; its address follows from the payer and a seed, so it needs no key of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from solders.instruction import Instruction
from solders.transaction import VersionedTransaction
from solders.transaction_status import EncodedConfirmedTransactionWithStatusMeta

from minting.chain.certificates import token_2022
from minting.chain.certificates.finding import key_of, seed_of
from minting.chain.estimates import certificate_rent
from minting.chain.prices import rent_of
from minting.chain.sending.kinds import Done, Keys, Plain
from minting.events import tell
from minting.models import BatchProof, ChainSubmission
from minting.states import ChainMode, ProofStatus, SubmissionKind

NAME = "tieback certificate"
ALGORITHM = "sha256-rfc6962"


def queue_for(proof: BatchProof) -> None:
    """Ask for a batch's certificate where its mode has one, once its root is signed.

    In the transaction that signs it and in the brand's scope.
    """
    batch = proof.batch
    if batch.chain_mode != ChainMode.CERTIFICATE or proof.status != ProofStatus.SIGNED:
        return
    fields = [
        ("merkle_root", proof.root),
        ("count", str(proof.quantity)),
        ("batch", str(proof.batch_id)),
        ("alg", ALGORITHM),
    ]
    rent = rent_of(token_2022.size_of(NAME, fields))
    submission = ChainSubmission(
        brand_id=proof.brand_id,
        batch_id=proof.batch_id,
        kind=SubmissionKind.CERTIFICATE,
        key=key_of(proof),
        network=batch.chain_network,
        payload={
            "seed": seed_of(proof),
            "name": NAME,
            "fields": fields,
            "rent": rent,
            "lamports": certificate_rent(proof.quantity),
        },
        priority=batch.job.priority,
    )
    ChainSubmission.objects.bulk_create([submission], ignore_conflicts=True)


class _Certificate(Plain):
    """See ``minting.chain.sending.kinds.Kind``."""

    def instructions(self, payload: Mapping[str, Any], keys: Keys) -> Sequence[Instruction]:
        """Return what makes the mint, writes it, and lets go of it."""
        return token_2022.make(
            keys.payer,
            payload["seed"],
            name=payload["name"],
            fields=[(key, value) for key, value in payload["fields"]],
            lamports=payload["rent"],
        )

    def spends(self, payload: Mapping[str, Any]) -> int:
        """Take the rent of the mint, and of the account that holds its token."""
        return int(payload["lamports"])

    def learn(
        self, payload: Mapping[str, Any], landed: EncodedConfirmedTransactionWithStatusMeta
    ) -> Any:
        """Return the mint's address, which follows from who has paid."""
        transaction = landed.transaction.transaction
        if not isinstance(transaction, VersionedTransaction):
            raise TypeError("a transaction that is not in the form that was asked for")
        payer = transaction.message.account_keys[0]
        return str(token_2022.address_of(payer, payload["seed"]))

    def completed(self, done: Done) -> None:
        """Tell where the certificate is."""
        flight = done.flight
        if flight.batch_id is not None:
            root = dict(flight.payload["fields"])["merkle_root"]
            data = {"root": root, "address": done.learnt}
            tell("batch.certified", brand_id=flight.brand_id, batch_id=flight.batch_id, data=data)


CERTIFICATE = _Certificate()
