"""Solana's virtual machine with an account store: executes, simulates, and tells what it did.

LiteSVM (``solders.litesvm``) checks signatures, fees, rent and compute. It knows no blocks and no
size limit: those are the chain's (``chain``). Only one thread may use it.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solders.account import Account
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from minting.chain.devchain.ledger import StoredAccount

#: Logs of a transaction end here, as they do on a validator.
LOG_BYTES = 10_000
_LOOKUP_TABLE_HEADER, _KEY_BYTES = 56, 32


@dataclass(frozen=True)
class Keys:
    """The accounts of a transaction, in the order in which its instructions name them."""

    own: list[str]
    loaded_writable: list[str]
    loaded_readonly: list[str]

    @property
    def all(self) -> list[str]:
        """Those of the message, then those that its lookup tables load."""
        return [*self.own, *self.loaded_writable, *self.loaded_readonly]


@dataclass(frozen=True)
class Landed:
    """What a transaction did in its block."""

    error: Any
    meta: dict[str, Any]
    keys: Keys
    changed: Mapping[str, StoredAccount | None]


class Machine:
    """The accounts and programs of the chain."""

    def __init__(self, programs: Iterable[tuple[str, Path]] = ()):
        self._svm = (
            LiteSVM()
            .with_blockhash_check(False)  # noqa: FBT003
            .with_transaction_history(0)
            .with_log_bytes_limit(LOG_BYTES)
        )
        for program, path in programs:
            self._svm.add_program_from_file(Pubkey.from_string(program), path)

    def restore(self, accounts: Iterable[StoredAccount]) -> None:
        """Put accounts back as they were when the chain was stopped."""
        for stored in accounts:
            owner = Pubkey.from_string(stored.owner)
            account = Account(stored.lamports, stored.data, owner)
            self._svm.set_account(Pubkey.from_string(stored.address), account)

    def set_clock(self, slot: int, at: int) -> None:
        """Tell programs which slot it is, and the time in seconds since 1970."""
        clock = self._svm.get_clock()
        clock.slot, clock.unix_timestamp = slot, at
        self._svm.set_clock(clock)

    def account(self, address: str) -> StoredAccount | None:
        """Return an account, or None where nothing is there."""
        found = self._account(address)
        return found[0] if found else None

    def is_program(self, address: str) -> bool:
        """Tell whether an account holds a program."""
        found = self._svm.get_account(Pubkey.from_string(address))
        return bool(found and found.executable)

    def balance(self, address: str) -> int:
        """Return an account's lamports."""
        return self._svm.get_balance(Pubkey.from_string(address)) or 0

    def rent(self, size: int) -> int:
        """Return the lamports that an account of ``size`` bytes must hold to stay."""
        return self._svm.minimum_balance_for_rent_exemption(size)

    def give(self, address: str, lamports: int) -> StoredAccount | None:
        """Make lamports out of nothing, as only a chain of one's own does."""
        self._svm.airdrop(Pubkey.from_string(address), lamports)
        return self.account(address)

    def keys(self, transaction: VersionedTransaction) -> Keys:
        """Return a transaction's accounts, those in lookup tables read from the chain."""
        message = transaction.message
        own = [str(key) for key in message.account_keys]
        writable: list[str] = []
        readonly: list[str] = []
        if isinstance(message, MessageV0):
            for lookup in message.address_table_lookups:
                table = self._svm.get_account(lookup.account_key)
                data = bytes(table.data)[_LOOKUP_TABLE_HEADER:] if table else b""
                writable += [_key(data, at) for at in bytes(lookup.writable_indexes)]
                readonly += [_key(data, at) for at in bytes(lookup.readonly_indexes)]
        return Keys(own, writable, readonly)

    def execute(self, transaction: VersionedTransaction) -> Landed | None:
        """Execute a transaction for good; None where nobody pays its fee: it is in no block."""
        keys = self.keys(transaction)
        before = [self.balance(key) for key in keys.all]
        result = self._svm.send_transaction(transaction)
        failed = isinstance(result, FailedTransactionMetadata)
        meta = result.meta() if isinstance(result, FailedTransactionMetadata) else result
        error = json.loads(result.to_json())["err"] if failed else None
        after = [self.balance(key) for key in keys.all]
        if failed and before[0] == after[0]:
            return None
        told = {
            **_told(meta, error),
            "fee": meta.fee(),
            "preBalances": before,
            "postBalances": after,
            "loadedAddresses": {
                "writable": keys.loaded_writable,
                "readonly": keys.loaded_readonly,
            },
        }
        return Landed(error, told, keys, self._changed(transaction, keys, before, after))

    def simulate(
        self, transaction: VersionedTransaction, *, verifies: bool
    ) -> tuple[Any, dict[str, Any]]:
        """Execute a transaction and undo it; return its error and what it would have told."""
        self._svm.with_sigverify(verifies)
        try:
            result = self._svm.simulate_transaction(transaction)
        finally:
            self._svm.with_sigverify(True)  # noqa: FBT003
        failed = isinstance(result, FailedTransactionMetadata)
        error = json.loads(result.to_json())["err"] if failed else None
        return error, _told(result.meta(), error)

    def _account(self, address: str) -> tuple[StoredAccount, bool] | None:
        found = self._svm.get_account(Pubkey.from_string(address))
        if found is None or (not found.lamports and not found.data):
            return None
        stored = StoredAccount(address, found.lamports, str(found.owner), bytes(found.data))
        return stored, found.executable

    def _changed(
        self, transaction: VersionedTransaction, keys: Keys, before: list[int], after: list[int]
    ) -> dict[str, StoredAccount | None]:
        """Return the accounts that may have changed; programs stay as they were loaded."""
        written = written_by(transaction, keys)
        changed: dict[str, StoredAccount | None] = {}
        for at, address in enumerate(keys.all):
            if address not in written and before[at] == after[at]:
                continue
            found = self._account(address)
            if found is None or not found[1]:
                changed[address] = found[0] if found else None
        return changed


def written_by(transaction: VersionedTransaction, keys: Keys) -> frozenset[str]:
    """Return the accounts that a transaction locks for writing.

    A message lists those that sign first, of each kind those that are only read last.
    """
    header = transaction.message.header
    signing, count = header.num_required_signatures, len(keys.own)
    written = keys.own[: signing - header.num_readonly_signed_accounts]
    written += keys.own[signing : count - header.num_readonly_unsigned_accounts]
    return frozenset([*written, *keys.loaded_writable])


def _key(data: bytes, at: int) -> str:
    return str(Pubkey(data[at * _KEY_BYTES : (at + 1) * _KEY_BYTES]))


def _told(meta: TransactionMetadata, error: Any) -> dict[str, Any]:
    """Return what execution says, inner instructions with their data in hexadecimal digits.

    Clients are told it in base 58, which takes long to make: only where somebody reads it.
    """
    told: dict[str, Any] = {
        "err": error,
        "status": {"Ok": None} if error is None else {"Err": error},
        "logMessages": meta.logs(),
        "innerInstructions": [
            {
                "index": index,
                "instructions": [
                    {
                        "programIdIndex": one.instruction().program_id_index,
                        "accounts": list(bytes(one.instruction().accounts)),
                        "data": bytes(one.instruction().data).hex(),
                        "stackHeight": one.stack_height(),
                    }
                    for one in group
                ],
            }
            for index, group in enumerate(meta.inner_instructions())
            if group
        ],
        "preTokenBalances": [],
        "postTokenBalances": [],
        "rewards": [],
        "computeUnitsConsumed": meta.compute_units_consumed(),
    }
    returned = meta.return_data()
    if returned and bytes(returned.data):
        data = base64.b64encode(bytes(returned.data)).decode()
        told["returnData"] = {"programId": str(returned.program_id), "data": [data, "base64"]}
    return told
