"""Anchors: the roots of a batch's tree on a chain, each in a memo of its own.

A memo is a line of text in a transaction: it costs the signature's 5,000 lamports and says that
whoever signed knew the root when the block was made. The root of each cycle is anchored as soon as
it is known, and the last, which is the batch's, with the brand's signature of it. Source: SPL Memo.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from solders.instruction import AccountMeta, Instruction

from minting.chain.anchors import key_of
from minting.chain.sending.kinds import Done, Keys, Plain
from minting.chain.transactions import MEMO_PROGRAM
from minting.events import tell
from minting.models import BatchProof, ChainSubmission, ProofHead
from minting.states import ChainMode, ProofStatus, SubmissionKind

TYPE, VERSION = "tieback root", 1


def memo_of(proof: BatchProof, head: ProofHead) -> str:
    """Return the text of a root's memo: JSON without spaces.

    ``n`` is the cycle, ``size`` how many units the tree then has. The last has the brand's ``key``
    and its signature ``sig`` of the statement, whose moment ``at`` is.
    """
    told: dict[str, Any] = {
        "t": TYPE,
        "v": VERSION,
        "batch": str(proof.batch_id),
        "n": head.number,
        "size": head.size,
        "root": head.root,
    }
    if is_last(proof, head) and proof.signed_at is not None:
        told |= {
            "at": f"{proof.signed_at:%Y-%m-%dT%H:%M:%SZ}",
            "key": proof.key,
            "sig": proof.signature,
        }
    return json.dumps(told, separators=(",", ":"))


def is_last(proof: BatchProof, head: ProofHead) -> bool:
    """Tell whether a root is the one that the brand has signed."""
    return proof.status == ProofStatus.SIGNED and head.size == proof.quantity


def queue_for(proof: BatchProof, head: ProofHead) -> None:
    """Ask for a root's anchor, in the transaction that makes the root and in the brand's scope."""
    batch = proof.batch
    if batch.chain_mode == ChainMode.NONE:
        return
    submission = ChainSubmission(
        brand_id=proof.brand_id,
        batch_id=proof.batch_id,
        kind=SubmissionKind.ANCHOR,
        key=key_of(proof, size=head.size),
        network=batch.chain_network,
        payload={
            "memo": memo_of(proof, head),
            "root": head.root,
            "is_last": is_last(proof, head),
        },
        priority=batch.job.priority,
    )
    ChainSubmission.objects.bulk_create([submission], ignore_conflicts=True)


class _Anchor(Plain):
    """See ``minting.chain.sending.kinds.Kind``."""

    def instructions(self, payload: Mapping[str, Any], keys: Keys) -> Sequence[Instruction]:
        """Return the memo, which the payer signs."""
        accounts = [AccountMeta(keys.payer, is_signer=True, is_writable=False)]
        return [Instruction(MEMO_PROGRAM, str(payload["memo"]).encode(), accounts)]

    def completed(self, done: Done) -> None:
        """Tell of the last root, which is the batch's."""
        flight = done.flight
        if flight.payload["is_last"] and flight.batch_id is not None:
            data = {"root": flight.payload["root"]}
            tell("batch.anchored", brand_id=flight.brand_id, batch_id=flight.batch_id, data=data)


ANCHOR = _Anchor()
