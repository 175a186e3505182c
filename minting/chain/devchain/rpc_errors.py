"""The errors of Solana's JSON-RPC, with the numbers and shapes that clients know. Pure."""

from typing import Any

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
INTERNAL = -32603
PREFLIGHT_FAILED, SIGNATURE_FAILED, NODE_BEHIND = -32002, -32003, -32005
VERSION_NOT_SUPPORTED, CONTEXT_SLOT_NOT_REACHED = -32015, -32016


class RpcError(Exception):
    """An error that is answered."""

    def __init__(self, code: int, message: str, data: Any = None):
        super().__init__(message)
        self.code, self.message, self.data = code, message, data

    def as_dict(self) -> dict[str, Any]:
        """Return the error object of the answer."""
        told: dict[str, Any] = {"code": self.code, "message": self.message}
        return told if self.data is None else {**told, "data": self.data}


def preflight_failed(error: Any, told: dict[str, Any] | None = None) -> RpcError:
    """Return why a transaction was not sent on: its simulation failed."""
    known = told or {}
    data = {
        "err": error,
        "logs": known.get("logMessages", []),
        "accounts": None,
        "unitsConsumed": known.get("computeUnitsConsumed", 0),
        "returnData": known.get("returnData"),
        "innerInstructions": None,
        "replacementBlockhash": None,
    }
    words = {
        "BlockhashNotFound": "Blockhash not found",
        "AlreadyProcessed": "This transaction has already been processed",
    }
    said = words.get(error, error) if isinstance(error, str) else f"Error processing {error}"
    return RpcError(PREFLIGHT_FAILED, f"Transaction simulation failed: {said}", data)


def too_large(size: int, most: int) -> RpcError:
    """Return that a transaction does not fit into a packet."""
    said = f"VersionedTransaction too large: {size} bytes (max: encoded/raw 1644/{most})"
    return RpcError(INVALID_PARAMS, said)
