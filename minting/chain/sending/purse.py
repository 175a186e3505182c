"""What the payer has enough for, and telling how much it lacks for the rest."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from minting.chain.prices import RENT_EXEMPT
from tieback.metrics import CHAIN_LACKING_LAMPORTS

T = TypeVar("T")

#: How long what cannot be paid for is left alone: seconds.
WAIT_SECONDS = 30.0


def affordable(costs: Sequence[tuple[T, int]], balance: int) -> tuple[list[T], list[T]]:
    """Return what the balance has enough for, in its order, and the rest. Pure.

    What costs much, as a tree does, keeps nothing from being done that costs little. The payer
    itself has to stay.
    """
    left = balance - RENT_EXEMPT
    paid: list[T] = []
    unpaid: list[T] = []
    for one, cost in costs:
        if cost <= left:
            left -= cost
            paid.append(one)
        else:
            unpaid.append(one)
    return paid, unpaid


@dataclass
class Lack:
    """How much this process has found lacking.

    What cannot be paid for is asked for again only after a while, so it lacks until it was not
    asked for twice as long; a process that lacked nothing says nothing.
    """

    noted_at: float | None = None

    def know(self, lamports: int) -> None:
        """Take over what was found of all that waits, which leaves nothing to be guessed."""
        CHAIN_LACKING_LAMPORTS.set(lamports)
        self.noted_at = time.monotonic() if lamports else None

    def note(self, lamports: int) -> None:
        """Note how much more was needed just now, 0 where there was enough."""
        now = time.monotonic()
        if lamports:
            CHAIN_LACKING_LAMPORTS.set(lamports)
            self.noted_at = now
        elif self.noted_at is not None and now - self.noted_at > 2 * WAIT_SECONDS:
            CHAIN_LACKING_LAMPORTS.set(0)
            self.noted_at = None
