"""What a landed transaction says: its signers, its programs, its memos. Pure."""

from collections.abc import Iterator, Sequence

import base58
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_status import (
    EncodedConfirmedTransactionWithStatusMeta,
    UiCompiledInstruction,
)

from minting.chain.bubblegum.events import Change, LeafTold, read_event
from minting.chain.bubblegum.instructions import named
from minting.chain.bubblegum.programs import BUBBLEGUM
from minting.chain.reconciliation.comparing import Foreign
from minting.chain.reconciliation.leaves import TreeEvent

MEMO_PROGRAM = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
_MINTS = frozenset(map(named, ("mint_v1", "mint_to_collection_v1", "mint_v2")))


def transaction_in(found: EncodedConfirmedTransactionWithStatusMeta) -> VersionedTransaction:
    """Return the transaction of an answer that was asked for in base64. Raises ``ValueError``."""
    held = found.transaction.transaction
    if not isinstance(held, VersionedTransaction):
        raise ValueError("an answer in another encoding than was asked for")  # noqa: TRY004
    return held


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


def keys_of(found: EncodedConfirmedTransactionWithStatusMeta) -> Sequence[Pubkey]:
    """Return the accounts by their number, those of lookup tables at the end."""
    keys = list(transaction_in(found).message.account_keys)
    meta = found.transaction.meta
    loaded = None if meta is None else meta.loaded_addresses
    if loaded is not None:
        keys += [*loaded.writable, *loaded.readonly]
    return keys


def read_signature(text: str) -> Signature:
    """Return a signature from base58."""
    return Signature.from_string(text)


def events_in(
    signature: str,
    found: EncodedConfirmedTransactionWithStatusMeta,
    *,
    tree: Pubkey,
    noop: Pubkey,
) -> tuple[TreeEvent, ...]:
    """Return what a transaction has changed in a tree, in the order in which it did.

    A change whose leaf Bubblegum tells nothing of has emptied its place.
    """
    events: list[TreeEvent] = []
    told: LeafTold | None = None
    is_mint = False
    for program, data in _instructions(found):
        if program == BUBBLEGUM:
            is_mint = data[:8] in _MINTS
        event = read_event(data) if program == noop else None
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


def _instructions(
    found: EncodedConfirmedTransactionWithStatusMeta,
) -> Iterator[tuple[Pubkey, bytes]]:
    """Yield program and data of every instruction, those that a program gave beside their own."""
    keys, meta = keys_of(found), found.transaction.meta
    inner = {one.index: one.instructions for one in (meta and meta.inner_instructions) or ()}
    for at, outer in enumerate(transaction_in(found).message.instructions):
        yield keys[outer.program_id_index], bytes(outer.data)
        for one in inner.get(at, ()):
            if isinstance(one, UiCompiledInstruction):
                yield keys[one.program_id_index], base58.b58decode(one.data)
