"""Checks a proof from its own content and the brand's public keys, without any database. Pure.

Each check stands on the one before: the leaf is what the file says of the unit, its path leads to
the root, the root is what was signed, and the key is the brand's. Only whoever has the brand's keys
from elsewhere can make the last one.
"""

from collections.abc import Collection
from typing import NamedTuple

from minting.chain.assets.naming import name_of
from minting.proofs.document import Anchor, Asset, Certificate, Proof
from minting.proofs.merkle import PathRefused, leaf_hash, root_by_path
from minting.proofs.statement import is_signed


class Check(NamedTuple):
    """One step of a verification; ``passed`` is None where it could not be made."""

    name: str
    passed: bool | None
    said: str


def checks_of(proof: Proof, keys: Collection[str] = ()) -> list[Check]:
    """Return every check of a proof, in order; ``keys`` are known to be the brand's."""
    checks = [_content(proof), _path(proof), _signature(proof), _key(proof, keys)]
    if proof.anchor is not None:
        checks.append(_anchored(proof.anchor))
    if proof.certificate is not None:
        checks.append(_certified(proof.certificate))
    if proof.asset is not None:
        checks.append(_minted(proof, proof.asset))
    return checks


def is_sound(checks: Collection[Check]) -> bool:
    """Tell whether no check failed. One that could not be made is left to whoever asks."""
    return not any(check.passed is False for check in checks)


def _content(proof: Proof) -> Check:
    leaf, signed = proof.leaf, proof.statement
    same = (str(leaf.product_id), leaf.passport_sha256) == (
        signed.product_id,
        signed.passport_sha256,
    )
    said = "The unit's product and passport are those of the batch."
    if not same:
        said = "The unit is said to be of another product or passport than the batch."
    return Check("content", same, said)


def _path(proof: Proof) -> Check:
    size = proof.statement.size
    path = [bytes.fromhex(one) for one in proof.path]
    try:
        found = root_by_path(leaf_hash(proof.leaf.data), proof.index, size, path).hex()
    except PathRefused as error:
        return Check("path", passed=False, said=str(error))
    if found != proof.statement.root:
        return Check("path", passed=False, said=f"The path leads to another root, {found}.")
    said = f"{proof.leaf.uri} is unit {proof.index + 1:,} of {size:,} under root {found}."
    return Check("path", passed=True, said=said)


def _signature(proof: Proof) -> Check:
    if not is_signed(proof.statement, proof.key, proof.signature):
        said = f"The statement was not signed like this by the key {proof.key}."
        return Check("signature", passed=False, said=said)
    said = f"Signed at {proof.statement.signed_at} by the key {proof.key}."
    return Check("signature", passed=True, said=said)


def _anchored(anchor: Anchor) -> Check:
    """Say where to look: that takes a network, and an endpoint that whoever asks trusts."""
    where = f"{anchor.blockchain}, {anchor.network}, slot {anchor.slot}"
    said = f"The root is said to be in transaction {anchor.signature} ({where}): look it up there."
    return Check("anchor", passed=None, said=said)


def _certified(certificate: Certificate) -> Check:
    """Say where to look, likewise."""
    where = f"{certificate.blockchain}, {certificate.network}"
    said = f"The root is said to be in the account {certificate.address} ({where}): look it up."
    return Check("certificate", passed=None, said=said)


def _minted(proof: Proof, asset: Asset) -> Check:
    """Say what the asset must be called, which follows from the leaf that was checked."""
    name = name_of(leaf_hash(proof.leaf.data))
    where = f"{asset.blockchain}, {asset.network}, leaf {asset.leaf_index:,} of tree {asset.tree}"
    said = f"The unit is said to be asset {asset.id} ({where}): there it must be called {name}."
    return Check("asset", passed=None, said=said)


def _key(proof: Proof, keys: Collection[str]) -> Check:
    if not keys:
        said = "Whose key that is, this file alone cannot show: give the brand's keys."
        return Check("key", passed=None, said=said)
    if proof.key not in keys:
        return Check("key", passed=False, said="The key is none of the brand's.")
    return Check("key", passed=True, said="The key is the brand's.")
