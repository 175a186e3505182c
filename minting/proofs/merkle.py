"""Merkle trees over ordered leaves, hashed with SHA-256. Pure.

A leaf's hash is SHA-256(0x00 ‖ data), that of an inner node SHA-256(0x01 ‖ left ‖ right), and a
tree of n leaves is split at the largest power of two below n. So a tree that grows keeps every
full subtree, and leaves may be hashed in chunks of a power of two whose roots take their place.
Source: RFC 6962, section 2.1; a path is checked as RFC 9162, section 2.1.3.2 says.
"""

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32
#: Leaves whose root is kept. A proof is made from one chunk's leaves and all chunks' roots.
CHUNK = 1024
#: A path of this many hashes belongs to a tree of more leaves than there can be.
LONGEST_PATH = 64


class PathRefused(ValueError):
    """This path leads from no such leaf to the root of no tree of this size."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf, 32 bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two, 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over the hashes of leaves, in order.

    They may stand for full chunks of one size as well, the last of them for a part of one.
    """
    if not hashes:
        return sha256(b"").digest()
    level = hashes
    while len(level) > 1:
        level = _above(level)
    return level[0]


def chunk_roots(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the root of each chunk of leaves; the last chunk may be smaller."""
    return [root_of(hashes[at : at + CHUNK]) for at in range(0, len(hashes), CHUNK)]


def path_of(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return what is hashed with the leaf at ``index``, from 0, on its way up to the root."""
    if not 0 <= index < len(hashes):
        raise IndexError(index)
    path = []
    level = hashes
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside])
        level, index = _above(level), index >> 1
    return path


def path_in_chunks(leaves: Sequence[bytes], roots: Sequence[bytes], index: int) -> list[bytes]:
    """Return the path of the leaf at ``index`` of the whole tree.

    ``leaves`` are the hashes of its chunk alone, ``roots`` those of every chunk.
    """
    chunk, within = divmod(index, CHUNK)
    return path_of(leaves, within) + path_of(roots, chunk)


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root of a tree of ``size`` leaves to which a path leads from a leaf's hash.

    Raises ``PathRefused`` where no tree of this size has such a path: too long or too short.
    """
    if not 0 <= index < size:
        raise PathRefused(f"A tree of {size} leaves has none at {index}.")
    at, last, found = index, size - 1, leaf
    for beside in path:
        if not last:
            raise PathRefused("The path is longer than the tree is high.")
        if at & 1 or at == last:
            found = node_hash(beside, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, beside)
        at, last = at >> 1, last >> 1
    if last:
        raise PathRefused("The path is shorter than the tree is high.")
    return found


def _above(level: Sequence[bytes]) -> list[bytes]:
    """Return the level above: a hash that has none beside it goes up as it is."""
    each = iter(level)
    above = [
        sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=False)
    ]
    if len(level) & 1:
        above.append(level[-1])
    return above
