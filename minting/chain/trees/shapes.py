"""The shapes of trees: how many leaves, what it costs, which one fits a wish at least cost. Pure.

A tree of a depth has two to that power leaves. Its account keeps the last ``buffer`` changes, so
as many proofs of a moment ago still hold; mints need no proof, so the buffer limits none of them.
The uppermost ``canopy`` levels are kept too, and a transfer's proof is as many nodes shorter.
Source: account-compression (``ConcurrentMerkleTree``), Bubblegum; measured in docs/chain.md.
"""

from dataclasses import dataclass
from typing import Protocol

from minting.chain.bubblegum.sizes import CONFIG_BYTES, SUPPORTED, least_canopy, tree_bytes
from minting.chain.prices import rent_of

#: As large as one instruction can make an account (solana-sdk, MAX_PERMITTED_DATA_LENGTH).
LARGEST_ACCOUNT = 10 * 1024 * 1024


class _Shaped(Protocol):
    max_depth: int
    max_buffer_size: int
    canopy: int


class UnsoundShape(ValueError):
    """There is no tree of this shape, or it would be refused; the message says what there is.

    ``field`` is which part of it is wrong.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, order=True)
class Shape:
    """Of a tree: levels, changes that are kept, uppermost levels that are kept."""

    depth: int
    buffer: int
    canopy: int = 0

    @property
    def leaves(self) -> int:
        """How many assets it holds."""
        return 1 << self.depth

    @property
    def size(self) -> int:
        """The bytes of its account."""
        return tree_bytes(self.depth, self.buffer, self.canopy)

    @property
    def account_rent(self) -> int:
        """Lamports of the tree's account."""
        return rent_of(self.size)

    @property
    def rent(self) -> int:
        """Lamports of both its accounts: the tree, and what Bubblegum keeps of it."""
        return self.account_rent + rent_of(CONFIG_BYTES)

    @property
    def proof(self) -> int:
        """How many nodes a transfer's proof has."""
        return self.depth - self.canopy


def sound(depth: int, buffer: int | None = None, canopy: int | None = None) -> Shape:
    """Return a shape that the programs take. Raises ``UnsoundShape``.

    What is left out is what costs least: the smallest buffer, the smallest canopy.
    """
    buffers = _buffers(depth)
    if not buffers:
        raise UnsoundShape("max_depth", f"No tree is {depth} deep; {_listed(_depths())} are.")
    kept = buffers[0] if buffer is None else buffer
    if kept not in buffers:
        raise UnsoundShape(
            "max_buffer_size", f"A tree {depth} deep has a buffer of {_listed(buffers)}."
        )
    least = least_canopy(depth)
    levels = least if canopy is None else canopy
    if not least <= levels <= depth:
        raise UnsoundShape("canopy", f"A tree {depth} deep has a canopy of {least} to {depth}.")
    shape = Shape(depth, kept, levels)
    if shape.size > LARGEST_ACCOUNT:
        raise UnsoundShape("canopy", f"The account would have {shape.size:,} bytes: lower it.")
    return shape


def cheapest(capacity: int) -> Shape:
    """Return the shape with room for so many assets at the least rent. Raises ``UnsoundShape``."""
    fitting = [sound(depth) for depth in _depths() if 1 << depth >= capacity]
    if not fitting:
        most = 1 << _depths()[-1]
        raise UnsoundShape("capacity", f"One tree holds {most:,} assets at most: make several.")
    return min(fitting, key=lambda shape: (shape.rent, shape))


def shape_of_tree(tree: _Shaped) -> Shape:
    """Return the shape of a tree's row."""
    return Shape(tree.max_depth, tree.max_buffer_size, tree.canopy)


def _depths() -> list[int]:
    return sorted({depth for depth, _ in SUPPORTED})


def _buffers(depth: int) -> list[int]:
    return sorted(buffer for of, buffer in SUPPORTED if of == depth)


def _listed(numbers: list[int]) -> str:
    *others, last = [f"{number:,}" for number in numbers]
    return f"{', '.join(others)} or {last}" if others else last
