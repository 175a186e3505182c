"""Making a submission's transaction: what it does, what it costs, its signatures."""

from collections.abc import Mapping
from dataclasses import dataclass

from solders.instruction import Instruction
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from minting.chain.prices import LAMPORTS_PER_SIGNATURE, priority_fee
from minting.chain.sending.claims import Flight
from minting.chain.sending.kinds import KINDS, Keys
from minting.chain.sending.storing import Made
from minting.chain.wallets.signer import Signer


@dataclass(frozen=True)
class Draft:
    """What a submission's transaction does, before it has a blockhash and a price.

    ``shape`` is what transactions have in common that need the same compute units; ``spends`` what
    it takes from the payer beside its fee, in lamports.
    """

    flight: Flight
    instructions: tuple[Instruction, ...]
    shape: str
    mints: int
    spends: int


def draft_of(flight: Flight, keys: Keys) -> Draft:
    """Return what a submission's transaction is to do."""
    kind = KINDS[flight.kind]
    instructions = tuple(kind.instructions({**flight.payload, **flight.present}, keys))
    length = sum(len(one.data) for one in instructions)
    return Draft(
        flight,
        instructions,
        shape=f"{flight.kind}:{kind.shape(flight.payload)}:{len(instructions)}:{length // 64}",
        mints=kind.mints(flight.payload),
        spends=kind.spends(flight.payload),
    )


def written_by(draft: Draft, payer: Pubkey) -> frozenset[Pubkey]:
    """Return the accounts that a submission's transaction locks for writing."""
    named = (one.pubkey for each in draft.instructions for one in each.accounts if one.is_writable)
    return frozenset((payer, *named))


def sign(draft: Draft, message: MessageV0, signers: Mapping[Pubkey, Signer]) -> Made:
    """Return the signed transaction of a submission; the first signature is what it is known by."""
    needed = message.account_keys[: message.header.num_required_signatures]
    raw = to_bytes_versioned(message)
    signatures = [signers[address].sign(raw) for address in needed]
    transaction = VersionedTransaction.populate(message, signatures)
    return Made(draft.flight, str(signatures[0]), bytes(transaction), draft.mints)


def most_that_it_costs(draft: Draft, message: MessageV0, *, units: int, micro_lamports: int) -> int:
    """Return the lamports that a transaction takes from the payer at most."""
    signatures = message.header.num_required_signatures * LAMPORTS_PER_SIGNATURE
    priority = priority_fee(compute_limit=units, micro_lamports=micro_lamports)
    return signatures + priority + draft.spends
