"""The methods of a node: Solana's JSON-RPC as clients ask it.

Source: Solana's RPC documentation. Not there: blocks, votes, stake, subscriptions, and whatever
needs a cluster. A node may be faulty on purpose (``faults``); several nodes share one chain.
"""

import base64
from collections.abc import Callable
from typing import Any

import base58
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from minting.chain.devchain.chain import Chain
from minting.chain.devchain.faults import Faults, UnknownFault, strikes
from minting.chain.devchain.ledger import StoredAccount
from minting.chain.devchain.rpc_errors import (
    CONTEXT_SLOT_NOT_REACHED,
    INTERNAL,
    INVALID_PARAMS,
    NODE_BEHIND,
    VERSION_NOT_SUPPORTED,
    RpcError,
)
from minting.chain.devchain.slots import (
    FINALIZED_AFTER,
    Blockhash,
    UnknownCommitment,
    commitment_of,
    height_of,
)

VERSION = {"solana-core": "2.3.0", "feature-set": 0}
_MOST_ACCOUNTS, _MOST_STATUSES, _MOST_SIGNATURES, _MOST_FEE_ACCOUNTS = 100, 256, 1000, 128
_FEE_BLOCKS = 150
_RENT_EPOCH = 2**64 - 1
Config = dict[str, Any] | None


class Node:
    """One endpoint of the chain. Each public method is one of JSON-RPC's, by its own name."""

    def __init__(self, chain: Chain):
        self.chain = chain
        self.faults = Faults()
        self._methods: dict[str, Callable[..., Any]] = {
            name: getattr(self, _python_name(name)) for name in METHODS
        }

    def method(self, name: str) -> Callable[..., Any] | None:
        """Return a method by the name that clients know."""
        return self._methods.get(name)

    # The chain as a whole

    def get_health(self) -> str:
        """Say whether the node keeps up."""
        if self.faults.lag:
            behind = self.faults.lag
            said = f"Node is behind by {behind} slots"
            raise RpcError(NODE_BEHIND, said, {"numSlotsBehind": behind})
        return "ok"

    def get_version(self) -> dict[str, Any]:
        """Say which software a validator of the same methods has."""
        return VERSION

    def get_genesis_hash(self) -> str:
        """Say which chain this is: one of its own, from its first start on."""
        return self.chain.genesis

    def get_slot(self, config: Config = None) -> int:
        """Return the slot that has reached the commitment."""
        return self._at(config)

    def get_block_height(self, config: Config = None) -> int:
        """Return how many blocks there are: fewer than slots."""
        return height_of(self._at(config)) + self.faults.ahead

    def get_latest_blockhash(self, config: Config = None) -> dict[str, Any]:
        """Return a blockhash and the last block height at which it may be named."""
        newest: Blockhash = self.chain.slots.newest(_commitment(config))
        told = {"blockhash": newest.text, "lastValidBlockHeight": newest.last_valid_height}
        return self._with_context(told, config)

    def is_blockhash_valid(self, blockhash: str, config: Config = None) -> dict[str, Any]:
        """Tell whether a transaction may still name a blockhash."""
        return self._with_context(self.chain.slots.is_valid(blockhash), config)

    def get_recent_prioritization_fees(
        self, addresses: list[str] | None = None
    ) -> list[dict[str, int]]:
        """Return the least that was paid in each recent slot by who locked all these accounts."""
        wanted = {_address(one) for one in _listed(addresses or [], _MOST_FEE_ACCOUNTS)}
        now = self.chain.slots.slot
        least: dict[int, int] = {}
        for slot, price, written in self.chain.prices:
            if slot > now - _FEE_BLOCKS and wanted <= written:
                least[slot] = min(price, least.get(slot, price))
        return [
            {"slot": slot, "prioritizationFee": least.get(slot, 0)}
            for slot in range(max(0, now - _FEE_BLOCKS + 1), now + 1)
        ]

    # Accounts

    def get_account_info(self, address: str, config: Config = None) -> dict[str, Any]:
        """Return an account, null where nothing is there."""
        return self._with_context(self._account(address, config), config)

    def get_multiple_accounts(self, addresses: list[str], config: Config = None) -> dict[str, Any]:
        """Return up to a hundred accounts."""
        found = [self._account(one, config) for one in _listed(addresses, _MOST_ACCOUNTS)]
        return self._with_context(found, config)

    def get_balance(self, address: str, config: Config = None) -> dict[str, Any]:
        """Return an account's lamports."""
        return self._with_context(self.chain.machine.balance(_address(address)), config)

    def get_minimum_balance_for_rent_exemption(self, size: int, config: Config = None) -> int:
        """Return the lamports that an account of a size must hold to stay."""
        if not isinstance(size, int) or size < 0:
            raise RpcError(INVALID_PARAMS, "Invalid params: the size must be a number of bytes")
        return self.chain.machine.rent(size)

    def request_airdrop(self, address: str, lamports: int, config: Config = None) -> str:
        """Give lamports to an account."""
        return self.chain.give(_address(address), lamports)

    # Transactions

    def send_transaction(self, encoded: str, config: Config = None) -> str:
        """Take a transaction, or say why it cannot land; the answer never says that it has."""
        raw = _bytes(encoded, config, "base58")
        transaction = self.chain.read(raw)
        signature = str(transaction.signatures[0])
        preflight = not (config or {}).get("skipPreflight", False)
        may_land = self.chain.check(transaction, preflight=preflight)
        if may_land and not strikes(self.faults.drop):
            self.chain.land(raw, transaction)
        if strikes(self.faults.lost):
            raise RpcError(INTERNAL, "Internal error")
        return signature

    def simulate_transaction(self, encoded: str, config: Config = None) -> dict[str, Any]:
        """Say what a transaction would do."""
        known = config or {}
        transaction = self.chain.read(_bytes(encoded, config, "base58"))
        replaces = known.get("replaceRecentBlockhash", False)
        if replaces and known.get("sigVerify"):
            said = "sigVerify may not be used with replaceRecentBlockhash"
            raise RpcError(INVALID_PARAMS, said)
        error: Any = None
        told: dict[str, Any] = {}
        if not replaces and not self._is_recent(transaction):
            error = "BlockhashNotFound"
        else:
            verifies = bool(known.get("sigVerify"))
            error, told = self.chain.machine.simulate(transaction, verifies=verifies)
        return self._with_context(
            {
                "err": error,
                "logs": told.get("logMessages", []),
                "accounts": None,
                "unitsConsumed": told.get("computeUnitsConsumed", 0),
                "returnData": told.get("returnData"),
                "innerInstructions": None,
                "replacementBlockhash": None,
            },
            config,
        )

    def get_signature_statuses(
        self, signatures: list[str], config: Config = None
    ) -> dict[str, Any]:
        """Return how far transactions are confirmed, null for those that are in no block."""
        listed = _listed(signatures, _MOST_STATUSES)
        return self._with_context([self._status(one) for one in listed], config)

    def get_transaction(self, signature: str, config: Any = None) -> dict[str, Any] | None:
        """Return a transaction with what it did, once it has reached the commitment."""
        known: dict[str, Any] = config if isinstance(config, dict) else {"encoding": config}
        entry = None if self.faults.forgets else self.chain.ledger.find(signature)
        if entry is None or entry.slot > self._at(known) or not entry.raw:
            return None
        transaction = VersionedTransaction.from_bytes(entry.raw)
        is_versioned = isinstance(transaction.message, MessageV0)
        if is_versioned and known.get("maxSupportedTransactionVersion") is None:
            said = (
                "Transaction version (0) is not supported by the requesting client. Please try the"
                ' request again with the following configuration parameter: "maxSupported'
                'TransactionVersion": 0'
            )
            raise RpcError(VERSION_NOT_SUPPORTED, said)
        shown: Any = _as_json(transaction)
        if known.get("encoding") == "base64":
            shown = [base64.b64encode(entry.raw).decode(), "base64"]
        return {
            "slot": entry.slot,
            "blockTime": entry.at,
            "transaction": shown,
            "meta": _with_base58(entry.meta),
            "version": 0 if is_versioned else "legacy",
        }

    def get_signatures_for_address(
        self, address: str, config: Config = None
    ) -> list[dict[str, Any]]:
        """Return the transactions that an account took part in, newest first."""
        known = config or {}
        limit = known.get("limit") or _MOST_SIGNATURES
        if not 0 < limit <= _MOST_SIGNATURES:
            raise RpcError(INVALID_PARAMS, f"Invalid limit; max {_MOST_SIGNATURES}")
        if self.faults.forgets:
            return []
        rows = self.chain.ledger.history(
            _address(address),
            before=known.get("before"),
            until=known.get("until"),
            newest=self._at(config),
            limit=limit,
        )
        return [
            {
                "signature": signature,
                "slot": slot,
                "err": error,
                "memo": None,
                "blockTime": at,
                "confirmationStatus": commitment_of(self._seen() - slot),
            }
            for signature, slot, error, at in rows
        ]

    # What no public chain has

    def devchain_set_faults(self, given: Any) -> str:
        """Make this node faulty; an empty object mends it."""
        try:
            self.faults = Faults.read(given)
        except UnknownFault as error:
            raise RpcError(INVALID_PARAMS, str(error)) from error
        return "ok"

    def devchain_status(self) -> dict[str, Any]:
        """Say what this is, and which programs it has."""
        return {
            "public": False,
            "says": "A chain of this machine's own: it proves nothing to anybody else.",
            "genesis": self.chain.genesis,
            "slot": self.chain.slots.slot,
            "transactions": self.chain.sequence,
            "programs": sorted(self.chain.programs),
        }

    def _seen(self) -> int:
        return max(0, self.chain.slots.slot - self.faults.lag)

    def _at(self, config: Config) -> int:
        """Return the slot that this node would answer from."""
        slot = max(0, self.chain.slots.at(_commitment(config)) - self.faults.lag)
        least = (config or {}).get("minContextSlot")
        if least is not None and slot < least:
            data = {"contextSlot": slot}
            raise RpcError(
                CONTEXT_SLOT_NOT_REACHED, "Minimum context slot has not been reached", data
            )
        return slot

    def _with_context(self, value: Any, config: Config) -> dict[str, Any]:
        context = {"slot": self._at(config), "apiVersion": VERSION["solana-core"]}
        return {"context": context, "value": value}

    def _account(self, address: str, config: Config) -> dict[str, Any] | None:
        found: StoredAccount | None = self.chain.machine.account(_address(address))
        if found is None:
            return None
        known = config or {}
        encoding = known.get("encoding", "base58")
        data, size = found.data, len(found.data)
        if cut := known.get("dataSlice"):
            data = data[cut["offset"] : cut["offset"] + cut["length"]]
        shown = base58.b58encode(data) if encoding == "base58" else base64.b64encode(data)
        return {
            "data": [shown.decode(), "base58" if encoding == "base58" else "base64"],
            "executable": self.chain.machine.is_program(address),
            "lamports": found.lamports,
            "owner": found.owner,
            "rentEpoch": _RENT_EPOCH,
            "space": size,
        }

    def _status(self, signature: str) -> dict[str, Any] | None:
        found = None if self.faults.forgets else self.chain.ledger.status(signature)
        if found is None or found[0] > self._seen():
            return None
        slot, error = found
        age = self._seen() - slot
        return {
            "slot": slot,
            "confirmations": None if age >= FINALIZED_AFTER else age,
            "err": error,
            "status": {"Ok": None} if error is None else {"Err": error},
            "confirmationStatus": commitment_of(age),
        }

    def _is_recent(self, transaction: VersionedTransaction) -> bool:
        return self.chain.slots.is_valid(str(transaction.message.recent_blockhash))


METHODS = (
    *("getHealth", "getVersion", "getGenesisHash", "getSlot", "getBlockHeight"),
    *("getLatestBlockhash", "isBlockhashValid", "getRecentPrioritizationFees"),
    *("getAccountInfo", "getMultipleAccounts", "getBalance"),
    *("getMinimumBalanceForRentExemption", "requestAirdrop"),
    *("sendTransaction", "simulateTransaction", "getSignatureStatuses", "getTransaction"),
    *("getSignaturesForAddress", "devchainSetFaults", "devchainStatus"),
)


def _python_name(method: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in method)


def _commitment(config: Config) -> str:
    known = (config or {}).get("commitment") or "finalized"
    if known not in {"processed", "confirmed", "finalized"}:
        raise RpcError(INVALID_PARAMS, str(UnknownCommitment(known)))
    return str(known)


def _listed(given: Any, most: int) -> list[Any]:
    if not isinstance(given, list):
        raise RpcError(INVALID_PARAMS, "Invalid params: a list is expected")
    if len(given) > most:
        raise RpcError(INVALID_PARAMS, f"Too many inputs provided; max {most}")
    return given


def _address(given: Any) -> str:
    try:
        return str(Pubkey.from_string(given))
    except (TypeError, ValueError) as error:
        raise RpcError(INVALID_PARAMS, f"Invalid param: {error}") from error


def _bytes(encoded: Any, config: Config, default: str) -> bytes:
    encoding = (config or {}).get("encoding") or default
    try:
        if encoding == "base64":
            return base64.b64decode(encoded, validate=True)
        return base58.b58decode(encoded)
    except (TypeError, ValueError, AttributeError) as error:
        raise RpcError(INVALID_PARAMS, f"invalid {encoding} encoding: {error}") from error


def _as_json(transaction: VersionedTransaction) -> dict[str, Any]:
    message = transaction.message
    header = message.header
    shown: dict[str, Any] = {
        "accountKeys": [str(key) for key in message.account_keys],
        "header": {
            "numRequiredSignatures": header.num_required_signatures,
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
        },
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [
            {
                "programIdIndex": one.program_id_index,
                "accounts": list(bytes(one.accounts)),
                "data": base58.b58encode(bytes(one.data)).decode(),
                "stackHeight": None,
            }
            for one in message.instructions
        ],
    }
    if isinstance(message, MessageV0):
        shown["addressTableLookups"] = [
            {
                "accountKey": str(lookup.account_key),
                "writableIndexes": list(bytes(lookup.writable_indexes)),
                "readonlyIndexes": list(bytes(lookup.readonly_indexes)),
            }
            for lookup in message.address_table_lookups
        ]
    return {"signatures": [str(one) for one in transaction.signatures], "message": shown}


def _with_base58(meta: dict[str, Any]) -> dict[str, Any]:
    groups = [
        {
            **group,
            "instructions": [
                {**one, "data": base58.b58encode(bytes.fromhex(one["data"])).decode()}
                for one in group["instructions"]
            ],
        }
        for group in meta.get("innerInstructions", [])
    ]
    return {**meta, "innerInstructions": groups}
