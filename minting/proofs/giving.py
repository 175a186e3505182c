"""Gives out the proof of one unit: its leaf, its path in the batch's tree, and what was signed.

Costs the hashing of one chunk, whatever the batch's size. Runs in the scope of the brand, or where
scopes are off.
"""

from datetime import UTC

from minting.chain.anchors import anchor_of
from minting.chain.assets.giving import asset_of
from minting.chain.certificates.finding import certificate_of
from minting.models import BatchProof, MintBatch, MintUnit, PassportChange, ProofHead
from minting.proofs.document import Changed, Leaf, Proof
from minting.proofs.leaves import SALT_BYTES
from minting.proofs.merkle import CHUNK, path_in_chunks
from minting.proofs.trees import full_chunk_roots, leaves_of, statement_of
from minting.states import ProofStatus

# The resolver may read no more of a batch.
_OF_BATCH = (
    *("batch__id", "batch__brand_id", "batch__product_id"),
    *("batch__resolver_base", "batch__gtin", "batch__url_rule", "batch__chain_mode"),
    "batch__passport_changes",
)
_OF_PROOF = (
    *("brand_id", "quantity", "salt_key", "passport_sha256"),
    *("root", "key", "signature", "signed_at"),
)


def proof_of(unit: MintUnit) -> Proof | None:
    """Return the proof of a unit, or None where its batch's tree is not signed (yet)."""
    proof = (
        BatchProof.objects.select_related("batch")
        .only(*_OF_PROOF, *_OF_BATCH)
        .filter(batch=unit.batch_id, status=ProofStatus.SIGNED)
        .first()
    )
    if proof is None:
        return None
    index = unit.ordinal - 1
    within = index % CHUNK
    first = unit.ordinal - within
    leaves = leaves_of(proof, first=first, last=min(first + CHUNK - 1, proof.quantity))
    path = path_in_chunks(leaves.hashes, _chunk_roots(proof), index)
    return Proof(
        leaf=Leaf(
            product_id=proof.batch.product_id,
            passport_sha256=proof.passport_sha256,
            salt=leaves.salts[within * SALT_BYTES :][:SALT_BYTES].hex(),
            uri=leaves.uris[within].decode(),
        ),
        index=index,
        path=tuple(one.hex() for one in path),
        statement=statement_of(proof),
        key=proof.key,
        signature=proof.signature,
        anchor=anchor_of(proof),
        certificate=certificate_of(proof),
        asset=asset_of(unit.pk),
        changed=_changed(proof.batch),
    )


def _changed(batch: MintBatch) -> Changed | None:
    """Return what became of the passports since they were minted, None where nothing did."""
    if not batch.passport_changes:
        return None
    first = PassportChange.objects.filter(batch=batch.pk, number=1)
    last = PassportChange.objects.filter(batch=batch.pk, number=batch.passport_changes)
    minted_with = first.values_list("from_version__number", flat=True).get()
    shows, at = last.values_list("to_version__number", "created_at").get()
    since = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Changed(minted_with=minted_with, shows=shows, since=since)


def _chunk_roots(proof: BatchProof) -> list[bytes]:
    """Return the roots of all chunks; the last of them may not be full."""
    head = ProofHead.objects.filter(batch=proof.batch_id).latest("size")
    tail = bytes(head.tail_root)
    return [*full_chunk_roots(proof), *([tail] if tail else [])]
