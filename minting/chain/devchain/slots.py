"""Slots, blocks and blockhashes: the clock by which transactions live and die. Pure.

A slot lasts ``slot_ms``. Every sixteenth has no block, as slots of missing leaders have none, so
that whoever counts slots where blocks are meant is found out: a blockhash lives for 150 blocks.
Source: Solana's documentation on confirmation and expiration.
"""

import os
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from solders.hash import Hash

#: For so many blocks a transaction may name a blockhash.
BLOCKS_VALID = 150
#: How many slots after its own a block is confirmed, and finalized.
CONFIRMED_AFTER, FINALIZED_AFTER = 1, 32
_AFTER = {"processed": 0, "confirmed": CONFIRMED_AFTER, "finalized": FINALIZED_AFTER}
_WITHOUT_BLOCK = 16


class UnknownCommitment(ValueError):
    """A commitment is one of processed, confirmed and finalized."""


class Blockhash(NamedTuple):
    """A block's hash, and the last block height at which a transaction may land that names it."""

    text: str
    last_valid_height: int


def height_of(slot: int) -> int:
    """Return how many blocks there are up to a slot."""
    return slot - slot // _WITHOUT_BLOCK


def commitment_of(age: int) -> str:
    """Return how far a transaction is confirmed, ``age`` slots after its own."""
    if age >= FINALIZED_AFTER:
        return "finalized"
    return "confirmed" if age >= CONFIRMED_AFTER else "processed"


class Slots:
    """The present slot, and the blockhashes of the last 150 blocks."""

    def __init__(self, first: int, slot_ms: float, now: Callable[[], float] = monotonic):
        self.slot_ms = slot_ms
        self._first, self._now, self._began = first, now, now()
        self._hashes: OrderedDict[str, int] = OrderedDict()
        self.slot = first - 1
        self.tick()

    def tick(self) -> bool:
        """Go on to the slot that it is by the clock; return whether it is a new one."""
        now = self._first + int((self._now() - self._began) * 1000 / self.slot_ms)
        if now == self.slot:
            return False
        oldest = height_of(now) - BLOCKS_VALID
        for slot in range(self.slot + 1, now + 1):
            height = height_of(slot)
            if height > height_of(slot - 1) and height >= oldest:
                self._hashes[str(Hash(os.urandom(32)))] = height
        self.slot = now
        while self._hashes and next(iter(self._hashes.values())) < oldest:
            self._hashes.popitem(last=False)
        return True

    def at(self, commitment: str) -> int:
        """Return the newest slot that has reached a commitment; never a negative one."""
        if commitment not in _AFTER:
            raise UnknownCommitment(commitment)
        return max(0, self.slot - _AFTER[commitment])

    def newest(self, commitment: str) -> Blockhash:
        """Return the newest blockhash that has reached a commitment."""
        highest = height_of(self.at(commitment))
        for text, height in reversed(self._hashes.items()):
            if height <= highest:
                return Blockhash(text, height + BLOCKS_VALID)
        text, height = next(iter(self._hashes.items()))
        return Blockhash(text, height + BLOCKS_VALID)

    def is_valid(self, blockhash: str) -> bool:
        """Tell whether a transaction that names this hash may land now."""
        height = self._hashes.get(blockhash)
        return height is not None and height + BLOCKS_VALID >= height_of(self.slot)
