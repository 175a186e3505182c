"""What a landed transaction says: its signers, its programs, its memos. Pure."""

from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction_status import EncodedConfirmedTransactionWithStatusMeta

from minting.chain.bubblegum.events import Change, LeafTold
from minting.chain.bubblegum.instructions import named
from minting.chain.bubblegum.programs import BUBBLEGUM
from minting.chain.landed import executed_in, keys_of, transaction_in
from minting.chain.reconciliation.comparing import Foreign
from minting.chain.reconciliation.leaves import TreeEvent
from minting.chain.transactions import MEMO_PROGRAM

_MINTS = frozenset(map(named, ("mint_v1", "mint_to_collection_v1", "mint_v2")))


def memos_in(found: EncodedConfirmedTransactionWithStatusMeta) -> tuple[str, ...]:
    """Return the memos of a transaction, in its order."""
    message = transaction_in(found).message
    keys = keys_of(found)
    return tuple(
        bytes(one.data).decode("utf-8", errors="replace")
        for one in message.instructions
        if keys[one.program_id_index] == MEMO_PROGRAM
    )


def foreign_in(signature: str, found: EncodedConfirmedTransactionWithStatusMeta) -> Foreign:
    """Return who signed a transaction and what it says."""
    message = transaction_in(found).message
    keys = keys_of(found)
    signers = message.account_keys[: message.header.num_required_signatures]
    programs = sorted({str(keys[one.program_id_index]) for one in message.instructions})
    return Foreign(
        signature=signature,
        slot=found.slot,
        signers=tuple(map(str, signers)),
        memos=memos_in(found),
        programs=tuple(programs),
    )


def read_signature(text: str) -> Signature:
    """Return a signature from base58."""
    return Signature.from_string(text)


def events_in(
    signature: str, found: EncodedConfirmedTransactionWithStatusMeta, *, tree: Pubkey
) -> tuple[TreeEvent, ...]:
    """Return what a transaction has changed in a tree, in the order in which it did.

    A change whose leaf Bubblegum tells nothing of has emptied its place.
    """
    events: list[TreeEvent] = []
    told: LeafTold | None = None
    is_mint = False
    for one in executed_in(found):
        if one.program == BUBBLEGUM:
            is_mint = one.data[:8] in _MINTS
        event = one.event
        if isinstance(event, LeafTold):
            told = event
        elif isinstance(event, Change) and event.tree == tree:
            leaf = told.leaf if told is not None and told.hash == event.leaf else None
            change = TreeEvent(
                signature, event.sequence, event.index, event.leaf, leaf, is_mint=is_mint
            )
            events.append(change)
            told = None
    return tuple(events)
