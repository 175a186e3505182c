"""How many mints fit a transaction, by its bytes, its trace and its compute units. Pure.

Bytes are measured on the message itself. Each mint is one entry of the instruction trace, and the
calls that the programs make are further ones; the trace of a transaction ends at 64. Measured with
the real programs: a mint of version 1 makes four entries, one of version 2 five.
"""

from collections.abc import Sequence

from solders.hash import Hash
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from minting.chain.bubblegum.programs import Version
from minting.chain.transactions import MOST_UNITS, TooLargeError, message_of

#: Entries of the instruction trace in a transaction (solana-sdk, MAX_INSTRUCTION_TRACE_LENGTH).
LONGEST_TRACE = 64
_TRACE_OF_MINT = {Version.V1: 4, Version.V2: 5}
_BUDGET_INSTRUCTIONS = 2
#: Compute units of a mint at most, by depth: 39,000 to 64,000 up to 24 levels, else 97,000.
_UNITS, _UNITS_DEEP, _DEEP = 70_000, 100_000, 24


def most_at_once(version: Version, *, depth: int) -> int:
    """Return how many mints a transaction may have, whatever their size."""
    by_trace = (LONGEST_TRACE - _BUDGET_INSTRUCTIONS) // _TRACE_OF_MINT[version]
    by_units = MOST_UNITS // (_UNITS_DEEP if depth > _DEEP else _UNITS)
    return min(by_trace, by_units)


def packed(
    mints: Sequence[Instruction], payer: Pubkey, *, version: Version, depth: int
) -> list[int]:
    """Return how many mints go into each transaction, in their order and as many as fit.

    Raises ``TooLargeError`` where one alone is too large.
    """
    most, sizes, start = most_at_once(version, depth=depth), [], 0
    guess = most
    while start < len(mints):
        count = min(guess, len(mints) - start)
        while count < min(most, len(mints) - start) and _fits(
            mints[start : start + count + 1], payer
        ):
            count += 1
        while count > 1 and not _fits(mints[start : start + count], payer):
            count -= 1
        if count == 1 and not _fits(mints[start : start + 1], payer):
            raise TooLargeError("a mint is larger than a transaction: shorten its name or URI")
        sizes.append(count)
        start += count
        # What comes next is much alike.
        guess = count
    return sizes


def _fits(mints: Sequence[Instruction], payer: Pubkey) -> bool:
    try:
        message_of(mints, payer, Hash.default(), units=MOST_UNITS, micro_lamports=1)
    except TooLargeError:
        return False
    return True
