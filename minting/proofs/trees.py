"""Reads the tree of a batch: the leaves from its units, the nodes above them from its heads.

All of it runs in the scope of the batch's brand, or where scopes are off.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import NamedTuple

from django.db import connection

from minting.models import BatchProof
from minting.proofs.leaves import leaf_hashes, salts_of
from minting.proofs.merkle import HASH_BYTES
from minting.proofs.statement import Statement
from minting.proofs.units import uris_at, uris_of

_CHUNK_ROOTS = """
select string_agg(chunk_roots, ''::bytea order by number) from minting_proofhead where batch_id = %s
"""


class Leaves(NamedTuple):
    """Leaves of units in a row: the texts of their codes, their salts (joined), their hashes."""

    uris: list[bytes]
    salts: bytes
    hashes: list[bytes]


def leaves_of(proof: BatchProof, *, first: int, last: int) -> Leaves:
    """Return the leaves of some of a batch's units by ordinal, both ends included."""
    uris = uris_of(proof.batch, first=first, last=last)
    salts = salts_of(bytes(proof.salt_key or b""), first, len(uris))
    hashes = leaf_hashes(
        product_id=proof.batch.product_id,
        passport_sha256=bytes.fromhex(proof.passport_sha256),
        salts=salts,
        uris=uris,
    )
    return Leaves(uris, salts, hashes)


def leaf_hashes_at(proof: BatchProof, ordinals: Sequence[int]) -> list[bytes]:
    """Return the hashes of the leaves of some of a batch's units, in the order of ``ordinals``.

    These rise, and need not be in a row.
    """
    key = bytes(proof.salt_key or b"")
    return leaf_hashes(
        product_id=proof.batch.product_id,
        passport_sha256=bytes.fromhex(proof.passport_sha256),
        salts=b"".join(salts_of(key, first, count) for first, count in _runs(ordinals)),
        uris=uris_at(proof.batch, ordinals),
    )


def _runs(ordinals: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first of each row of ordinals without a gap, and how many it has."""
    start = 0
    for at in range(1, len(ordinals) + 1):
        if at == len(ordinals) or ordinals[at] != ordinals[at - 1] + 1:
            yield ordinals[start], at - start
            start = at


def full_chunk_roots(proof: BatchProof) -> list[bytes]:
    """Return the roots of those chunks of a batch's tree that are full."""
    with connection.cursor() as cursor:
        cursor.execute(_CHUNK_ROOTS, [proof.batch_id])
        (joined,) = cursor.fetchone()
    joined = bytes(joined or b"")
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]


def statement_of(proof: BatchProof) -> Statement:
    """Return what is signed of a batch."""
    if proof.signed_at is None:
        raise ValueError("A proof that is not signed states nothing.")
    return Statement(
        brand_id=str(proof.brand_id),
        batch_id=str(proof.batch_id),
        product_id=str(proof.batch.product_id),
        passport_sha256=proof.passport_sha256,
        size=proof.quantity,
        root=proof.root,
        signed_at=f"{proof.signed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z",
    )
