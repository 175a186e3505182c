"""What the programs tell of a change, as data of instructions to a program that does nothing. Pure.

They are inner instructions: logs are cut off after some thousand bytes, these never are. A mint
tells two events: the leaf, and the path that changed with it.
"""

import struct
from dataclasses import dataclass

from solders.pubkey import Pubkey

from minting.chain.bubblegum.leaves import HASH_BYTES, Leaf
from minting.chain.bubblegum.programs import Version

_CHANGE, _APPLICATION_DATA, _FIRST_FORM = 0, 1, 0
_LEAF_EVENT = 1
_NODE_BYTES = HASH_BYTES + 4


@dataclass(frozen=True)
class Change:
    """A tree after one change: the leaf at ``index``, and the root that it gave.

    ``sequence`` rises by one with each change of a tree, so a gap is a change that was not read.
    """

    tree: Pubkey
    sequence: int
    index: int
    leaf: bytes
    root: bytes


@dataclass(frozen=True)
class LeafTold:
    """A leaf as Bubblegum has put it into the tree, with its hash."""

    leaf: Leaf
    hash: bytes


def read_event(data: bytes) -> Change | LeafTold | None:
    """Return the event that an inner instruction's data are, None where they are another's."""
    if len(data) < 2 or data[1] != _FIRST_FORM:  # noqa: PLR2004 - the two that say which it is
        return None
    try:
        if data[0] == _CHANGE:
            return _change(data)
        if data[0] == _APPLICATION_DATA:
            return _leaf(data)
    except (struct.error, ValueError, IndexError):
        return None
    return None


def _change(data: bytes) -> Change:
    (count,) = struct.unpack_from("<I", data, 34)
    path = 38
    end = path + count * _NODE_BYTES
    sequence, index = struct.unpack_from("<QI", data, end)
    return Change(
        tree=Pubkey(data[2:34]),
        sequence=sequence,
        index=index,
        leaf=data[path : path + HASH_BYTES],
        root=data[end - _NODE_BYTES :][:HASH_BYTES],
    )


def _leaf(data: bytes) -> LeafTold | None:
    (length,) = struct.unpack_from("<I", data, 2)
    told = _Bytes(data[6 : 6 + length])
    if told.byte() != _LEAF_EVENT:
        return None
    told.byte()
    version = Version(told.byte() + 1)
    asset, owner, delegate = (Pubkey(told.take(HASH_BYTES)) for _ in range(3))
    (nonce,) = struct.unpack("<Q", told.take(8))
    data_hash, creator_hash = told.take(HASH_BYTES), told.take(HASH_BYTES)
    more = {}
    if version is Version.V2:
        more = {
            "collection_hash": told.take(HASH_BYTES),
            "asset_data_hash": told.take(HASH_BYTES),
        }
    leaf = Leaf(
        version=version,
        id=asset,
        owner=owner,
        delegate=delegate,
        nonce=nonce,
        data_hash=data_hash,
        creator_hash=creator_hash,
        flags=told.byte() if version is Version.V2 else 0,
        **more,
    )
    return LeafTold(leaf, told.take(HASH_BYTES))


class _Bytes:
    """Takes bytes from the left."""

    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise IndexError("it ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def byte(self) -> int:
        return self.take(1)[0]
