"""What transactions of mints cost, and for how many mints so many lamports are enough. Pure.

Without the priority, which is known only when a transaction is signed.
"""

from minting.chain.bubblegum.packing import most_at_once
from minting.chain.bubblegum.programs import Version
from minting.chain.prices import LAMPORTS_PER_SIGNATURE, protocol_fee

# The deeper a tree, the fewer mints a transaction has; at most are asked for here.
_SHALLOW = 3


def cost_of(mints: int, version: Version) -> int:
    """Return the lamports that one transaction of so many mints takes."""
    return LAMPORTS_PER_SIGNATURE + protocol_fee(version, mints=mints)


def most_for(lamports: int, version: Version) -> int:
    """Return for how many mints so many lamports may be enough: never for more.

    For one of them at least they are, where it is not 0.
    """
    if fee := protocol_fee(version, mints=1):
        return max(0, lamports - LAMPORTS_PER_SIGNATURE) // fee
    return lamports // LAMPORTS_PER_SIGNATURE * most_at_once(version, depth=_SHALLOW)
