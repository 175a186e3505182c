"""A tree of one's own with the leaves of one on chain: its root, and the paths to its leaves. Pure.

The programs hash as the mirror does: a node is the Keccak-256 of the two below it, and a place
that nothing was put into is 32 zeros.
"""

from collections.abc import Sequence

from minting.chain.bubblegum.leaves import EMPTY
from minting.chain.bubblegum.metadata import keccak

DEEPEST = 30


def _empty_nodes() -> list[bytes]:
    nodes = [EMPTY]
    for _ in range(DEEPEST):
        nodes.append(keccak(nodes[-1] + nodes[-1]))
    return nodes


_EMPTY = _empty_nodes()


class Mirror:
    """A tree of a depth whose first places hold ``leaves``."""

    def __init__(self, depth: int, leaves: Sequence[bytes]):
        if len(leaves) > 1 << depth:
            raise ValueError(f"A tree of depth {depth} has no place for {len(leaves)} leaves.")
        self.depth = depth
        self._levels: list[list[bytes]] = [list(leaves)]
        for height in range(depth):
            below = self._levels[-1]
            if len(below) % 2:
                below = [*below, _EMPTY[height]]
            pairs = iter(below)
            level = [keccak(left + right) for left, right in zip(pairs, pairs, strict=True)]
            self._levels.append(level)

    @property
    def root(self) -> bytes:
        """The root of the whole tree."""
        highest = self._levels[-1]
        return highest[0] if highest else _EMPTY[self.depth]

    def __len__(self) -> int:
        """Return how many places hold something."""
        return len(self._levels[0])

    def leaf(self, index: int) -> bytes:
        """Return what stands at a place, 32 zeros where nothing does."""
        leaves = self._levels[0]
        return leaves[index] if index < len(leaves) else EMPTY

    def put(self, index: int, leaf: bytes) -> None:
        """Put a leaf at a place that holds one, or at the first that does not.

        Raises ``ValueError`` for one further on: a tree is filled from the left.
        """
        if index > len(self) or index >> self.depth:
            raise ValueError(f"No leaf can be put at {index}: there are {len(self)}.")
        node = leaf
        for height, level in enumerate(self._levels):
            at = index >> height
            level[at : at + 1] = [node]
            beside = at ^ 1
            other = level[beside] if beside < len(level) else _EMPTY[height]
            node = keccak(other + node if at & 1 else node + other)

    def path(self, index: int) -> list[bytes]:
        """Return what is hashed with a leaf on its way up, the lowest first."""
        path = []
        for height, level in enumerate(self._levels[:-1]):
            beside = (index >> height) ^ 1
            path.append(level[beside] if beside < len(level) else _EMPTY[height])
        return path


def root_by_path(leaf: bytes, index: int, path: Sequence[bytes]) -> bytes:
    """Return the root to which a path leads from a leaf."""
    node = leaf
    for height, beside in enumerate(path):
        is_right = index >> height & 1
        node = keccak(beside + node if is_right else node + beside)
    return node
