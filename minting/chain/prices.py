"""What a transaction should pay to be taken soon: the priority fee, from what others paid. Pure.

``getRecentPrioritizationFees`` tells, for each of the last 150 blocks, the least that a transaction
paid which locked the accounts in question, in micro-lamports for each compute unit. Most blocks
had room for those that paid nothing, so a high share of them is looked at, and a cap is kept.
Source: Solana's RPC documentation; fees are paid on the compute limit that is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

LAMPORTS_PER_SIGNATURE = 5_000
#: Each byte of an account, and of the 128 that it has beside its data, holds so many lamports for
#: as long as the account is there. Source: Solana's rent, 3,480 a byte and year, for two years.
LAMPORTS_PER_BYTE, BYTES_BESIDE = 6_960, 128
#: What an account without data must hold to stay. A payer is one.
RENT_EXEMPT = LAMPORTS_PER_BYTE * BYTES_BESIDE
#: What Metaplex takes for each mint, by the version of the tree. Source:
#: metaplex-foundation/disclosures, protocol-fees.md of 2026-04-21.
PROTOCOL_FEES = {1: 0, 2: 90_000}
#: What it takes for each transfer of a leaf; nothing for an update of either. Measured with the
#: real programs.
TRANSFER_FEES = {1: 0, 2: 6_000}
LAMPORTS_PER_SOL = 1_000_000_000
MICRO = 1_000_000
_SHARE = 0.75
_HIGH_SHARE = 0.5
_WINDOW = 150


class Congestion(Enum):
    """How hard it is to be taken."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True)
class Price:
    """What to pay for each compute unit, in micro-lamports, and why."""

    micro_lamports: int
    congestion: Congestion
    reason: str


def price_of(recent: Sequence[int], *, cap: int, floor: int = 0) -> Price:
    """Return the price that three of four recent blocks would have taken, at most ``cap``.

    ``recent``: what each block took at least, in micro-lamports, the newest last.
    """
    last = sorted(recent[-_WINDOW:])
    if not last:
        return Price(min(floor, cap), Congestion.LOW, "no block is known")
    wanted = max(floor, last[int(_SHARE * (len(last) - 1))])
    paid = sum(one > 0 for one in last) / len(last)
    if wanted > cap:
        reason = f"{wanted:,} micro-lamports are asked for, above the cap of {cap:,}"
        return Price(cap, Congestion.HIGH, reason)
    if paid >= _HIGH_SHARE and wanted * 2 > cap:
        reason = f"{wanted:,} micro-lamports are asked for, over half the cap of {cap:,}"
        return Price(wanted, Congestion.HIGH, reason)
    congestion = Congestion.NORMAL if paid >= 1 - _SHARE else Congestion.LOW
    return Price(wanted, congestion, f"{paid:.0%} of the last {len(last)} blocks took a price")


def priority_fee(*, compute_limit: int, micro_lamports: int) -> int:
    """Return the lamports of a priority fee, rounded up as the runtime does."""
    return -(-compute_limit * micro_lamports // MICRO)


def protocol_fee(version: int, *, mints: int) -> int:
    """Return the lamports that so many mints into a tree of this version take beside fees."""
    return PROTOCOL_FEES[version] * mints


def rent_of(size: int) -> int:
    """Return the lamports that an account of so many bytes must hold."""
    return LAMPORTS_PER_BYTE * (BYTES_BESIDE + size)


def in_sol(lamports: int) -> str:
    """Return an amount in SOL, as a decimal number without an exponent: exact."""
    whole, parts = divmod(abs(lamports), LAMPORTS_PER_SOL)
    text = f"{whole}.{parts:09d}".rstrip("0").rstrip(".")
    return f"-{text}" if lamports < 0 else text
