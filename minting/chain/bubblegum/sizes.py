"""Which trees the compression programs have, and how large their accounts are. Pure.

Needs nothing of Solana's, so that any process may ask.
"""

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
#: Of the account in which Bubblegum keeps who may mint into a tree, and how much.
CONFIG_BYTES = 96
HEADER_BYTES, COUNTERS_BYTES = 56, 24
_NODE, _INDEX_AND_PADDING = 32, 8


def tree_bytes(depth: int, buffer: int, canopy: int = 0) -> int:
    """Return how large the account of a tree is, which decides its rent.

    It holds ``buffer`` of the last changes with their paths, the path of the rightmost leaf, and
    the uppermost ``canopy`` levels.
    """
    canopy_bytes = (2 ** (canopy + 1) - 2) * _NODE if canopy else 0
    return HEADER_BYTES + COUNTERS_BYTES + (buffer + 1) * change_bytes(depth) + canopy_bytes


def change_bytes(depth: int) -> int:
    """Return how large one change is: a root, a path, and the leaf's index."""
    return _NODE + _NODE * depth + _INDEX_AND_PADDING


def least_canopy(depth: int) -> int:
    """Return the smallest canopy with which Bubblegum takes a tree of this depth."""
    return max(0, depth - LONGEST_PROOF)
