"""What is in a landed transaction: its accounts, and each instruction with its caller. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import base58
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_status import (
    EncodedConfirmedTransactionWithStatusMeta,
    UiCompiledInstruction,
)

from minting.chain.bubblegum.events import Change, LeafTold, read_event
from minting.chain.bubblegum.programs import BESIDE, BUBBLEGUM

_COMPRESSION_OF = {beside.noop: beside.compression for beside in BESIDE.values()}
# As the runtime counts: what a transaction says itself has the height 1, what that calls 2.
_OUTERMOST = 1


@dataclass(frozen=True)
class Executed:
    """An instruction; ``caller`` is the program that gave it, None where the transaction did."""

    program: Pubkey
    data: bytes
    caller: Pubkey | None = None

    @property
    def event(self) -> Change | LeafTold | None:
        """What it tells of a tree, None where it tells nothing.

        Anybody may call the program that events are told through. So only the programs that keep
        trees are believed: the one that compresses accounts for paths, Bubblegum for leaves.
        """
        compression = _COMPRESSION_OF.get(self.program)
        if compression is None or self.caller not in (BUBBLEGUM, compression):
            return None
        event = read_event(self.data)
        teller = BUBBLEGUM if isinstance(event, LeafTold) else compression
        return event if self.caller == teller else None


def transaction_in(landed: EncodedConfirmedTransactionWithStatusMeta) -> VersionedTransaction:
    """Return the transaction of an answer that was asked for in base64. Raises ``ValueError``."""
    held = landed.transaction.transaction
    if not isinstance(held, VersionedTransaction):
        raise ValueError("an answer in another encoding than was asked for")  # noqa: TRY004
    return held


def keys_of(landed: EncodedConfirmedTransactionWithStatusMeta) -> Sequence[Pubkey]:
    """Return the accounts by their number, those of lookup tables at the end."""
    keys = list(transaction_in(landed).message.account_keys)
    meta = landed.transaction.meta
    loaded = None if meta is None else meta.loaded_addresses
    if loaded is not None:
        keys += [*loaded.writable, *loaded.readonly]
    return keys


def executed_in(landed: EncodedConfirmedTransactionWithStatusMeta) -> Iterator[Executed]:
    """Yield every instruction in the order in which they ran. Raises ``ValueError``.

    An answer without inner instructions cannot say what programs have told.
    """
    keys, meta = keys_of(landed), landed.transaction.meta
    if meta is None or meta.inner_instructions is None:
        raise ValueError("the answer has no inner instructions")
    inner = {one.index: one.instructions for one in meta.inner_instructions}
    for at, outer in enumerate(transaction_in(landed).message.instructions):
        program = keys[outer.program_id_index]
        yield Executed(program, bytes(outer.data))
        callers = [program]
        for one in inner.get(at, ()):
            if not isinstance(one, UiCompiledInstruction):
                raise ValueError("an inner instruction in another form than was asked for")  # noqa: TRY004
            height = one.stack_height or _OUTERMOST + 1
            del callers[height - _OUTERMOST :]
            program = keys[one.program_id_index]
            yield Executed(program, base58.b58decode(one.data), callers[-1])
            callers.append(program)
