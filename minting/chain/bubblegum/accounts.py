"""The two accounts of a tree: the tree itself, and what Bubblegum knows of it. Pure."""

import struct
from dataclasses import dataclass

from solders.pubkey import Pubkey

from minting.chain.bubblegum.leaves import HASH_BYTES
from minting.chain.bubblegum.programs import Version
from minting.chain.bubblegum.sizes import (
    CONFIG_BYTES,
    COUNTERS_BYTES,
    HEADER_BYTES,
    change_bytes,
    tree_bytes,
)

_FIRST_CHANGE = HEADER_BYTES + COUNTERS_BYTES
_TREE_TYPE, _HEADER_V1 = 1, 0
_CONFIG_DISCRIMINATOR = bytes.fromhex("7af5aff8ab2200cf")


class NoTree(ValueError):
    """These bytes are no such account."""


@dataclass(frozen=True)
class TreeHeader:
    """What stands before a tree's changes: what it is, and whose."""

    depth: int
    buffer: int
    authority: Pubkey
    created_at_slot: int
    sequence: int

    @classmethod
    def read(cls, data: bytes) -> "TreeHeader":
        """Return what the beginning of an account's data tells. Raises ``NoTree``."""
        if len(data) < _FIRST_CHANGE or data[:2] != bytes([_TREE_TYPE, _HEADER_V1]):
            raise NoTree("no concurrent Merkle tree")
        buffer, depth = struct.unpack_from("<II", data, 2)
        (slot,) = struct.unpack_from("<Q", data, 42)
        (sequence,) = struct.unpack_from("<Q", data, HEADER_BYTES)
        return cls(depth, buffer, Pubkey(data[10:42]), slot, sequence)


@dataclass(frozen=True)
class Tree:
    """The state of a tree: how many changes it had, how many leaves, and its root."""

    depth: int
    buffer: int
    authority: Pubkey
    created_at_slot: int
    sequence: int
    leaves: int
    root: bytes

    @classmethod
    def read(cls, data: bytes) -> "Tree":
        """Return the tree in an account's data, which may end after the changes."""
        header = TreeHeader.read(data)
        depth, buffer = header.depth, header.buffer
        (active,) = struct.unpack_from("<Q", data, HEADER_BYTES + 8)
        if len(data) < tree_bytes(depth, buffer):
            raise NoTree("the account is smaller than its tree")
        change = change_bytes(depth)
        at = _FIRST_CHANGE
        rightmost = at + buffer * change
        (leaves,) = struct.unpack_from("<I", data, rightmost + HASH_BYTES * (depth + 1))
        root = data[at + active * change :][:HASH_BYTES]
        return cls(
            depth,
            buffer,
            header.authority,
            header.created_at_slot,
            header.sequence,
            leaves,
            root,
        )


@dataclass(frozen=True)
class Recent:
    """A change that a tree still remembers: the root it gave, and the leaf it put at ``index``."""

    root: bytes
    index: int
    leaf: bytes


def recent_changes(data: bytes) -> list[Recent]:
    """Return the changes that are in a tree's buffer, the oldest first; raises ``NoTree``.

    A proof against any of these roots holds. The data may end after the changes.
    """
    header = TreeHeader.read(data)
    depth, buffer = header.depth, header.buffer
    active, size = struct.unpack_from("<QQ", data, HEADER_BYTES + 8)
    if len(data) < tree_bytes(depth, buffer):
        raise NoTree("the account is smaller than its tree")
    each = change_bytes(depth)
    found = []
    for age in range(min(size, buffer) - 1, -1, -1):
        at = _FIRST_CHANGE + (active - age) % buffer * each
        # After the root the nodes from the leaf upwards, then its index.
        (index,) = struct.unpack_from("<I", data, at + HASH_BYTES * (depth + 1))
        leaf = data[at + HASH_BYTES : at + 2 * HASH_BYTES]
        found.append(Recent(data[at : at + HASH_BYTES], index, leaf))
    return found


@dataclass(frozen=True)
class TreeConfig:
    """What Bubblegum knows of a tree: who may mint into it, and how many mints there were."""

    creator: Pubkey
    delegate: Pubkey
    capacity: int
    minted: int
    is_public: bool
    version: Version

    @classmethod
    def read(cls, data: bytes) -> "TreeConfig":
        """Return the configuration in an account's data."""
        if len(data) != CONFIG_BYTES or data[:8] != _CONFIG_DISCRIMINATOR:
            raise NoTree("no configuration of a tree")
        capacity, minted = struct.unpack_from("<QQ", data, 72)
        return cls(
            Pubkey(data[8:40]),
            Pubkey(data[40:72]),
            capacity,
            minted,
            bool(data[88]),
            Version(data[90] + 1),
        )
