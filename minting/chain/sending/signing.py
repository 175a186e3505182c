"""Making a submission's transaction: its instructions, its compute budget, its signature."""

from collections.abc import Sequence

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from minting.chain.prices import LAMPORTS_PER_SIGNATURE, priority_fee
from minting.chain.sending.claims import Flight
from minting.chain.sending.kinds import KINDS
from minting.chain.sending.storing import Made
from minting.chain.wallets.signer import Signer

#: An IPv6 packet less its headers (solana-sdk, PACKET_DATA_SIZE).
LARGEST_TRANSACTION = 1_232
#: No transaction may ask for more compute units (solana-sdk, MAX_COMPUTE_UNIT_LIMIT).
MOST_UNITS = 1_400_000
#: What a simulation used may be some more when it lands: addresses are found by trying.
_ROOM = 1.1
_ROOM_AT_LEAST = 300


class TooLargeError(ValueError):
    """The transaction would be larger than a packet."""


def shape_of(flight: Flight, payer: Pubkey) -> str:
    """Return what transactions have in common that need the same compute units."""
    lengths = [len(one.data) for one in KINDS[flight.kind].instructions(flight.payload, payer)]
    return f"{flight.kind}:{len(lengths)}:{sum(lengths) // 64}"


def compute_limit(used: int) -> int:
    """Return the limit to ask for where a simulation used so many units."""
    return min(MOST_UNITS, int(used * _ROOM) + _ROOM_AT_LEAST)


def message_of(
    flight: Flight, payer: Pubkey, blockhash: Hash, *, units: int, micro_lamports: int
) -> MessageV0:
    """Return what is to be signed. Raises ``TooLargeError``."""
    budget: list[Instruction] = [set_compute_unit_limit(units)]
    if micro_lamports:
        budget.append(set_compute_unit_price(micro_lamports))
    instructions = [*budget, *KINDS[flight.kind].instructions(flight.payload, payer)]
    message = MessageV0.try_compile(payer, instructions, [], blockhash)
    signatures = message.header.num_required_signatures
    size = 1 + Signature.LENGTH * signatures + len(to_bytes_versioned(message))
    if size > LARGEST_TRANSACTION:
        raise TooLargeError(f"The transaction has {size} bytes; {LARGEST_TRANSACTION} fit.")
    return message


def unsigned(message: MessageV0) -> VersionedTransaction:
    """Return a transaction to simulate: nobody looks at its signatures."""
    empty = [Signature.default()] * message.header.num_required_signatures
    return VersionedTransaction.populate(message, empty)


def sign(flight: Flight, message: MessageV0, signer: Signer) -> Made:
    """Return the signed transaction of a submission."""
    signature = signer.sign(to_bytes_versioned(message))
    transaction = VersionedTransaction.populate(message, [signature])
    mints = KINDS[flight.kind].mints(flight.payload)
    return Made(flight, str(signature), bytes(transaction), mints)


def most_that_it_costs(messages: Sequence[MessageV0], *, units: int, micro_lamports: int) -> int:
    """Return the lamports that these transactions' fees come to."""
    each = priority_fee(compute_limit=units, micro_lamports=micro_lamports)
    signatures = sum(message.header.num_required_signatures for message in messages)
    return signatures * LAMPORTS_PER_SIGNATURE + len(messages) * each
