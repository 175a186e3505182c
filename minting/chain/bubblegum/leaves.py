"""What stands in the tree for an asset: one hash of who owns it and what it is. Pure."""

import struct
from dataclasses import dataclass

from solders.pubkey import Pubkey

from minting.chain.bubblegum.metadata import Metadata, keccak
from minting.chain.bubblegum.programs import Version, asset_id

HASH_BYTES = 32
#: A place in the tree that nothing was put into.
EMPTY = bytes(HASH_BYTES)
NO_DATA_HASH = keccak(b"")
_NO_COLLECTION = bytes(HASH_BYTES)


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """An asset as the tree has it. ``nonce`` is its number among all that the tree ever got.

    ``collection_hash``, ``asset_data_hash`` and ``flags`` are V2's.
    """

    version: Version
    id: Pubkey
    owner: Pubkey
    delegate: Pubkey
    nonce: int
    data_hash: bytes
    creator_hash: bytes
    collection_hash: bytes = EMPTY
    asset_data_hash: bytes = NO_DATA_HASH
    flags: int = 0

    @property
    def hash(self) -> bytes:
        """What stands in the tree."""
        common = (
            bytes([self.version])
            + bytes(self.id)
            + bytes(self.owner)
            + bytes(self.delegate)
            + struct.pack("<Q", self.nonce)
            + self.data_hash
            + self.creator_hash
        )
        if self.version is Version.V1:
            return keccak(common)
        return keccak(common + self.collection_hash + self.asset_data_hash + bytes([self.flags]))


def leaf_of(
    version: Version,
    *,
    tree: Pubkey,
    nonce: int,
    owner: Pubkey,
    metadata: Metadata,
    delegate: Pubkey | None = None,
) -> Leaf:
    """Return the leaf that a mint makes; whoever is no other's delegate is one's own."""
    collection = _NO_COLLECTION if metadata.collection is None else bytes(metadata.collection)
    return Leaf(
        version=version,
        id=asset_id(tree, nonce),
        owner=owner,
        delegate=owner if delegate is None else delegate,
        nonce=nonce,
        data_hash=metadata.data_hash(version),
        creator_hash=metadata.creator_hash,
        collection_hash=keccak(collection) if version is Version.V2 else EMPTY,
    )
