"""The two accounts of a tree: the tree itself, and what Bubblegum knows of it. Pure."""

import struct
from dataclasses import dataclass

from solders.pubkey import Pubkey

from minting.chain.bubblegum.leaves import HASH_BYTES
from minting.chain.bubblegum.programs import Version

#: Pairs of depth and buffer that the compression programs have, as far as they are of use here.
SUPPORTED = frozenset(
    {
        *((3, 8), (5, 8), (14, 64), (14, 256), (14, 1024), (14, 2048)),
        *((15, 64), (16, 64), (17, 64), (18, 64), (19, 64)),
        *((20, 64), (20, 256), (20, 1024), (20, 2048)),
        *((24, 64), (24, 256), (24, 512), (24, 1024), (24, 2048)),
        *((26, 512), (26, 1024), (26, 2048), (30, 512), (30, 1024), (30, 2048)),
    }
)
#: A proof of more nodes than these does not fit beside a transfer, so the rest must be on chain.
LONGEST_PROOF = 17
CONFIG_BYTES = 96
_HEADER, _COUNTERS = 56, 24
_INDEX_AND_PADDING = 8
_TREE_TYPE, _HEADER_V1 = 1, 0
_CONFIG_DISCRIMINATOR = bytes.fromhex("7af5aff8ab2200cf")


class NoTree(ValueError):
    """These bytes are no such account."""


def tree_bytes(depth: int, buffer: int, canopy: int = 0) -> int:
    """Return how large the account of a tree is, which decides its rent.

    It holds ``buffer`` of the last changes with their paths, the path of the rightmost leaf, and
    the uppermost ``canopy`` levels.
    """
    canopy_bytes = (2 ** (canopy + 1) - 2) * HASH_BYTES if canopy else 0
    return _HEADER + _COUNTERS + (buffer + 1) * _change_bytes(depth) + canopy_bytes


def least_canopy(depth: int) -> int:
    """Return the smallest canopy with which Bubblegum takes a tree of this depth."""
    return max(0, depth - LONGEST_PROOF)


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
        if len(data) < _HEADER + _COUNTERS or data[:2] != bytes([_TREE_TYPE, _HEADER_V1]):
            raise NoTree("no concurrent Merkle tree")
        buffer, depth = struct.unpack_from("<II", data, 2)
        (slot,) = struct.unpack_from("<Q", data, 42)
        sequence, active, _ = struct.unpack_from("<QQQ", data, _HEADER)
        if len(data) < tree_bytes(depth, buffer):
            raise NoTree("the account is smaller than its tree")
        change = _change_bytes(depth)
        at = _HEADER + _COUNTERS
        rightmost = at + buffer * change
        (leaves,) = struct.unpack_from("<I", data, rightmost + HASH_BYTES * (depth + 1))
        root = data[at + active * change :][:HASH_BYTES]
        return cls(depth, buffer, Pubkey(data[10:42]), slot, sequence, leaves, root)


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


def _change_bytes(depth: int) -> int:
    return HASH_BYTES + HASH_BYTES * depth + _INDEX_AND_PADDING
