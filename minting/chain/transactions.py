"""Making a transaction of instructions: its compute budget, its size, its bytes. Pure."""

from collections.abc import Sequence

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

#: SPL Memo, version 2: a line of text in a transaction.
MEMO_PROGRAM = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
#: An IPv6 packet less its headers (solana-sdk, PACKET_DATA_SIZE).
LARGEST_TRANSACTION = 1_232
#: No transaction may ask for more compute units (solana-sdk, MAX_COMPUTE_UNIT_LIMIT).
MOST_UNITS = 1_400_000
#: What a simulation used may be some more when it lands: addresses are found by trying.
_ROOM = 1.1
_ROOM_AT_LEAST = 300


class TooLargeError(ValueError):
    """The transaction would be larger than a packet."""


def compute_limit(used: int) -> int:
    """Return the limit to ask for where a simulation used so many units."""
    return min(MOST_UNITS, int(used * _ROOM) + _ROOM_AT_LEAST)


def message_of(
    instructions: Sequence[Instruction],
    payer: Pubkey,
    blockhash: Hash,
    *,
    units: int,
    micro_lamports: int,
) -> MessageV0:
    """Return what is to be signed. Raises ``TooLargeError``."""
    budget: list[Instruction] = [set_compute_unit_limit(units)]
    if micro_lamports:
        budget.append(set_compute_unit_price(micro_lamports))
    message = MessageV0.try_compile(payer, [*budget, *instructions], [], blockhash)
    size = size_of(message)
    if size > LARGEST_TRANSACTION:
        raise TooLargeError(f"The transaction has {size} bytes; {LARGEST_TRANSACTION} fit.")
    return message


def size_of(message: MessageV0) -> int:
    """Return the bytes of a message's transaction with its signatures."""
    signatures = message.header.num_required_signatures
    return 1 + Signature.LENGTH * signatures + len(to_bytes_versioned(message))


def unsigned(message: MessageV0) -> VersionedTransaction:
    """Return a transaction to simulate: nobody looks at its signatures."""
    empty = [Signature.default()] * message.header.num_required_signatures
    return VersionedTransaction.populate(message, empty)
