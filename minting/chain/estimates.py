"""What a request would cost on a chain, by chain mode, before it is asked for. Pure.

Exact is what follows from the request and from rules of the chain that are the same for everybody;
the rest rests on what the chain asks for now, or on how names and owners fit a packet. Attempts
that fail on chain are not in it. Amounts are in lamports.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from minting.chain.prices import (
    LAMPORTS_PER_SIGNATURE,
    priority_fee,
    protocol_fee,
    rent_of,
)
from minting.states import ASSET_MODES, ChainMode

#: Compute limits asked for, as simulations of the real programs had them with a tenth more.
UNITS_OF_ANCHOR, UNITS_OF_CERTIFICATE, UNITS_OF_MINT, UNITS_OF_TREE = 2_500, 90_000, 60_000, 200_000
#: The accounts of a certificate, in bytes: a mint with its metadata, but for the digits of its
#: number of units, and the one that holds its token.
CERTIFICATE_BYTES, HOLDER_BYTES = 507, 170


class Part(Enum):
    """What a cost is made of."""

    BASE = "base"
    PRIORITY = "priority"
    PROTOCOL_FEE = "protocol_fee"
    RENT = "rent"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is to be estimated. ``room``: leaves that trees of the brand have left.

    ``cycle``: units whose root is anchored by one transaction. ``mints_at_once``: how many fit one
    transaction. ``micro_lamports``: the price of a compute unit. ``tree_leaves`` and ``tree_rent``
    are a new tree's.
    """

    quantity: int
    cycle: int
    micro_lamports: int
    schema: int
    mints_at_once: int
    tree_leaves: int
    tree_rent: int
    room: int


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a chain mode would cost. ``estimated`` are the parts that are not exact.

    ``is_at_most``: units get assets one by one, so it is what all of them would cost.
    ``new_trees`` are those that would have to be made first.
    """

    mode: ChainMode
    transactions: int
    amounts: dict[Part, int]
    estimated: frozenset[Part]
    new_trees: int = 0
    is_at_most: bool = False

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.amounts.values())


@dataclass(frozen=True)
class _Work:
    """Transactions alike: how many, the compute units of each, and what they take beside."""

    count: int
    units: int
    protocol_fee: int = 0
    rent: int = 0


def estimate(mode: ChainMode, terms: Terms) -> Estimate:
    """Return what a request of this mode would cost."""
    if mode is ChainMode.NONE:
        return _of(mode, (), terms)
    anchors = _Work(-(-terms.quantity // terms.cycle), UNITS_OF_ANCHOR)
    if mode is ChainMode.ANCHOR:
        return _of(mode, (anchors,), terms)
    if mode is ChainMode.CERTIFICATE:
        rent = certificate_rent(terms.quantity)
        return _of(mode, (anchors, _Work(1, UNITS_OF_CERTIFICATE, rent=rent)), terms)
    return _with_assets(mode, anchors, terms)


def certificate_rent(quantity: int) -> int:
    """Return what the accounts of a certificate of so many units hold."""
    return rent_of(CERTIFICATE_BYTES + len(str(quantity))) + rent_of(HOLDER_BYTES)


def _with_assets(mode: ChainMode, anchors: _Work, terms: Terms) -> Estimate:
    """Return the cost of anchors and an asset for each unit."""
    at_once = terms.mints_at_once if mode is ChainMode.CNFT else 1
    fee = protocol_fee(terms.schema, mints=terms.quantity)
    mints = _Work(-(-terms.quantity // at_once), UNITS_OF_MINT * at_once, protocol_fee=fee)
    missing = max(0, terms.quantity - terms.room)
    new_trees = -(-missing // terms.tree_leaves)
    trees = _Work(new_trees, UNITS_OF_TREE, rent=new_trees * terms.tree_rent)
    return _of(mode, (anchors, mints, trees), terms, new_trees=new_trees)


def _of(mode: ChainMode, works: Sequence[_Work], terms: Terms, *, new_trees: int = 0) -> Estimate:
    has_assets = mode in ASSET_MODES
    count = sum(work.count for work in works)
    priority = sum(
        work.count * priority_fee(compute_limit=work.units, micro_lamports=terms.micro_lamports)
        for work in works
    )
    # How many mints fit a packet and which tree has room is only known when they are made.
    unsure = {Part.PRIORITY} | ({Part.BASE, Part.RENT} if has_assets else set())
    return Estimate(
        mode=mode,
        transactions=count,
        amounts={
            Part.BASE: count * LAMPORTS_PER_SIGNATURE,
            Part.PRIORITY: priority,
            Part.PROTOCOL_FEE: sum(work.protocol_fee for work in works),
            Part.RENT: sum(work.rent for work in works),
        },
        estimated=frozenset(unsure) if mode is not ChainMode.NONE else frozenset(),
        new_trees=new_trees,
        is_at_most=has_assets and mode is not ChainMode.CNFT,
    )
