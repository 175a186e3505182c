"""A stand-in for a Kubo node: the calls of its RPC that are used, with their answers and errors.

Shapes are those of Kubo's RPC reference (``/api/v0``): every call is a POST, every error a 500 with
words. CIDs are made here by hand, so that nothing of ours confirms itself.
"""

import base64
import hashlib
from dataclasses import dataclass, field

from tests.metadata.serving import Asked, Fault, Service, as_json


def raw_cid(content: bytes) -> str:
    """Return the CIDv1 of a raw block: 01 55 12 20 and the SHA-256, in lower base32 after a b."""
    block = bytes.fromhex("01551220") + hashlib.sha256(content).digest()
    return "b" + base64.b32encode(block).decode().lower().rstrip("=")


@dataclass
class KuboNode(Service):
    """A node with its blocks, and the header it asks for, if any."""

    blocks: dict[str, bytes] = field(default_factory=dict)
    pinned: set[str] = field(default_factory=set)
    authorization: str = ""
    forgets_pins: bool = False

    def answer(self, asked: Asked) -> Fault:
        """Answer a call as a node does."""
        if self.authorization and asked.headers.get("authorization") != self.authorization:
            return Fault(403, b"403 - Forbidden\n")
        if not asked.path.startswith("/api/v0/"):
            return Fault(404, b"404 page not found\n")
        if asked.method != "POST":
            return Fault(405, b"405 - Method Not Allowed\n")
        call = {
            "block/put": self._put,
            "block/get": self._get,
            "pin/ls": self._list,
        }.get(asked.path.removeprefix("/api/v0/"))
        return call(asked) if call else Fault(404, b"404 page not found\n")

    def _put(self, asked: Asked) -> Fault:
        if "multipart/form-data" not in asked.headers.get("content-type", ""):
            return _error("file argument 'data' is required")
        (content,) = asked.parts.values()
        if (asked.query.get("cid-codec"), asked.query.get("mhtype")) != ("raw", "sha2-256"):
            return _error("unrecognized hash function")
        cid = raw_cid(content)
        self.blocks[cid] = content
        if asked.query.get("pin") == "true" and not self.forgets_pins:
            self.pinned.add(cid)
        return as_json(200, {"Key": cid, "Size": len(content)})

    def _get(self, asked: Asked) -> Fault:
        cid = asked.query["arg"]
        if cid not in self.blocks:
            return _error(f"block was not found locally (offline): ipld: could not find {cid}")
        return Fault(200, self.blocks[cid], {"Content-Type": "application/octet-stream"})

    def _list(self, asked: Asked) -> Fault:
        cid = asked.query["arg"]
        if cid not in self.pinned:
            return _error(f"path '/ipfs/{cid}' is not pinned")
        return as_json(200, {"Keys": {cid: {"Type": "recursive", "Name": ""}}})


def _error(message: str) -> Fault:
    return as_json(500, {"Message": message, "Code": 0, "Type": "error"})
