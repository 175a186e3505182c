"""The chain: takes transactions into blocks, and keeps what a restart must not forget."""

import os
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from solders.hash import Hash
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from minting.chain.devchain.ledger import Entry, Ledger
from minting.chain.devchain.machine import Landed, Machine, written_by
from minting.chain.devchain.rpc_errors import (
    INVALID_PARAMS,
    SIGNATURE_FAILED,
    RpcError,
    preflight_failed,
    too_large,
)
from minting.chain.devchain.slots import Slots
from tieback.devchain import SLOT_MS

#: A packet of the network: larger transactions exist nowhere.
MOST_BYTES = 1232
_FIRST_SLOT = 1_000
_FEE_A_SIGNATURE = 5_000
_MICRO = 1_000_000


class Chain:
    """Accounts, programs, blocks. Only one thread may use it, that which made it."""

    def __init__(
        self,
        path: Path | str = ":memory:",
        *,
        programs: Mapping[str, Path] | None = None,
        slot_ms: float = SLOT_MS,
    ):
        self.programs = dict(programs or {})
        self.machine = Machine(self.programs.items())
        self.ledger = Ledger(path)
        self.machine.restore(self.ledger.accounts())
        self.genesis = self.ledger.fact("genesis") or self._begin()
        # Whoever signed before a restart has to find out that the hash is gone.
        first = int(self.ledger.fact("slot") or _FIRST_SLOT) + 1
        self.slots = Slots(first, slot_ms)
        self.sequence = self.ledger.last_sequence()
        #: Slot and price in micro-lamports a unit of the last transactions, by account.
        self.prices: deque[tuple[int, int, frozenset[str]]] = deque(maxlen=4096)
        self._note_slot()

    def tick(self) -> None:
        """Go on to the present slot."""
        if self.slots.tick():
            self._note_slot()

    def read(self, raw: bytes) -> VersionedTransaction:
        """Return the transaction that some bytes hold. Raises ``RpcError``."""
        if len(raw) > MOST_BYTES:
            raise too_large(len(raw), MOST_BYTES)
        try:
            return VersionedTransaction.from_bytes(raw)
        except Exception as error:
            said = f"failed to deserialize VersionedTransaction: {error}"
            raise RpcError(INVALID_PARAMS, said) from error

    def check(self, transaction: VersionedTransaction, *, preflight: bool) -> bool:
        """Tell whether a transaction may land now. Raises ``RpcError`` where a node would say why.

        Without preflight a node sends on what can never land, and says nothing.
        """
        if not all(transaction.verify_with_results()):
            raise RpcError(SIGNATURE_FAILED, "Transaction signature verification failure")
        error: str | None = None
        if self.ledger.status(str(transaction.signatures[0])) is not None:
            error = "AlreadyProcessed"
        elif not self.slots.is_valid(str(transaction.message.recent_blockhash)):
            error = "BlockhashNotFound"
        if error is None and preflight:
            failed, told = self.machine.simulate(transaction, verifies=True)
            if failed is not None:
                raise preflight_failed(failed, told)
        if error and preflight:
            raise preflight_failed(error)
        return error is None

    def land(self, raw: bytes, transaction: VersionedTransaction) -> bool:
        """Take a transaction into the present block; return whether it is in one."""
        landed = self.machine.execute(transaction)
        if landed is None:
            return False
        self._add(str(transaction.signatures[0]), raw, landed, landed.keys.all)
        self._note_price(transaction, landed)
        return True

    def give(self, address: str, lamports: int) -> str:
        """Give lamports to an account; return the signature under which that stands."""
        account = self.machine.give(address, lamports)
        signature = str(Signature(os.urandom(64)))
        self.sequence += 1
        entry = Entry(self.sequence, signature, self.slots.slot, int(time.time()), None, b"", {})
        self.ledger.add(entry, parts=[address], changed={address: account})
        return signature

    def _add(self, signature: str, raw: bytes, landed: Landed, parts: list[str]) -> None:
        self.sequence += 1
        entry = Entry(
            self.sequence,
            signature,
            self.slots.slot,
            int(time.time()),
            landed.error,
            raw,
            landed.meta,
        )
        self.ledger.add(entry, parts=set(parts), changed=landed.changed)

    def _note_price(self, transaction: VersionedTransaction, landed: Landed) -> None:
        base = _FEE_A_SIGNATURE * len(transaction.signatures)
        priority = max(0, landed.meta["fee"] - base) * _MICRO
        price = priority // max(1, landed.meta["computeUnitsConsumed"])
        self.prices.append((self.slots.slot, price, written_by(transaction, landed.keys)))

    def _begin(self) -> str:
        genesis = str(Hash(os.urandom(32)))
        self.ledger.note("genesis", genesis)
        return genesis

    def _note_slot(self) -> None:
        self.machine.set_clock(self.slots.slot, int(time.time()))
        self.ledger.note("slot", str(self.slots.slot))
