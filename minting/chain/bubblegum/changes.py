"""What is asked of Bubblegum about a leaf that exists: other metadata, another owner. Pure.

Whoever changes a leaf proves that it is there: by the root, and by the path of hashes from it to
the root as further accounts. The uppermost nodes, which the tree keeps itself (its canopy), are
left out.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from minting.chain.bubblegum.instructions import (
    LEFT_OUT,
    named,
    paying,
    read,
    signing,
    written,
)
from minting.chain.bubblegum.leaves import Leaf
from minting.chain.bubblegum.metadata import Metadata, option, text
from minting.chain.bubblegum.programs import (
    BESIDE,
    BUBBLEGUM,
    SYSTEM,
    TOKEN_METADATA,
    Version,
    config_of,
)

_UNCHANGED = b"\x00"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a leaf is: its tree, that tree's root, and the path to it, the lowest node first.

    ``canopy`` levels of the path are on chain and are not sent.
    """

    tree: Pubkey
    root: bytes
    index: int
    path: Sequence[bytes]
    canopy: int = 0

    @property
    def proof(self) -> list[AccountMeta]:
        """The nodes of the path that have to be sent, each in the place of an account."""
        sent = self.path[: len(self.path) - self.canopy]
        return [read(Pubkey(node)) for node in sent]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What becomes of metadata; None stays as it is."""

    name: str | None = None
    symbol: str | None = None
    uri: str | None = None

    @property
    def borsh(self) -> bytes:
        """Its bytes as an instruction's arguments; creators, fee and flags stay."""
        texts = (self.name, self.symbol, self.uri)
        changed = b"".join(option(None if one is None else text(one)) for one in texts)
        return changed + 4 * _UNCHANGED

    def of(self, metadata: Metadata) -> Metadata:
        """Return metadata as they are after the change."""
        return Metadata(
            name=metadata.name if self.name is None else self.name,
            symbol=metadata.symbol if self.symbol is None else self.symbol,
            uri=metadata.uri if self.uri is None else self.uri,
            fee=metadata.fee,
            has_been_sold=metadata.has_been_sold,
            is_mutable=metadata.is_mutable,
            creators=metadata.creators,
            collection=metadata.collection,
            collection_is_verified=metadata.collection_is_verified,
        )


def update_metadata(
    leaf: Leaf, place: Place, metadata: Metadata, change: Change, *, authority: Pubkey
) -> Instruction:
    """Change the metadata of a leaf, which must be mutable.

    ``metadata`` are the present ones, hashed in the leaf. ``authority`` signs and pays: the tree's
    creator or delegate, or of a leaf in a collection that collection's authority.
    """
    if leaf.version is Version.V2:
        return _update_v2(leaf, place, metadata, change, authority)
    beside = BESIDE[Version.V1]
    arguments = struct.pack("<QI", leaf.nonce, place.index)
    return Instruction(
        BUBBLEGUM,
        named("update_metadata")
        + place.root
        + arguments
        + metadata.borsh(Version.V1)
        + change.borsh,
        [
            read(config_of(place.tree)),
            signing(authority),
            LEFT_OUT,
            LEFT_OUT,
            LEFT_OUT,
            read(leaf.owner),
            read(leaf.delegate),
            signing(authority),
            written(place.tree),
            read(beside.noop),
            read(beside.compression),
            read(TOKEN_METADATA),
            read(SYSTEM),
            *place.proof,
        ],
    )


def _update_v2(
    leaf: Leaf, place: Place, metadata: Metadata, change: Change, authority: Pubkey
) -> Instruction:
    beside = BESIDE[Version.V2]
    stated = option(leaf.asset_data_hash) + option(bytes([leaf.flags]))
    arguments = struct.pack("<QI", leaf.nonce, place.index)
    return Instruction(
        BUBBLEGUM,
        named("update_metadata_v2")
        + place.root
        + stated
        + arguments
        + metadata.borsh(Version.V2)
        + change.borsh,
        [
            written(config_of(place.tree)),
            paying(authority),
            LEFT_OUT,
            read(leaf.owner),
            read(leaf.delegate),
            written(place.tree),
            read(metadata.collection) if metadata.collection else LEFT_OUT,
            read(beside.noop),
            read(beside.compression),
            read(SYSTEM),
            *place.proof,
        ],
    )


def transfer(leaf: Leaf, place: Place, *, to: Pubkey) -> Instruction:
    """Give a leaf to another owner; its present one signs and pays."""
    beside = BESIDE[leaf.version]
    hashes = place.root + leaf.data_hash + leaf.creator_hash
    arguments = struct.pack("<QI", leaf.nonce, place.index)
    if leaf.version is Version.V1:
        return Instruction(
            BUBBLEGUM,
            named("transfer") + hashes + arguments,
            [
                read(config_of(place.tree)),
                signing(leaf.owner),
                read(leaf.delegate),
                read(to),
                written(place.tree),
                read(beside.noop),
                read(beside.compression),
                read(SYSTEM),
                *place.proof,
            ],
        )
    stated = option(leaf.asset_data_hash) + option(bytes([leaf.flags]))
    return Instruction(
        BUBBLEGUM,
        named("transfer_v2") + hashes + stated + arguments,
        [
            written(config_of(place.tree)),
            paying(leaf.owner),
            LEFT_OUT,
            read(leaf.owner),
            read(leaf.delegate),
            read(to),
            written(place.tree),
            LEFT_OUT,
            read(beside.noop),
            read(beside.compression),
            read(SYSTEM),
            *place.proof,
        ],
    )
