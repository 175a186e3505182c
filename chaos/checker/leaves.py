"""What the chain tells of a tree's leaves, for I14.

Written once more and in another way than by those who mint: a leaf belongs to the instruction
below which it was told, and that one says the name; nothing is hashed. Source: Bubblegum's
``LeafSchemaEvent`` and ``MetadataArgs`` in Borsh.
"""

import base64
import struct
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple

import base58

Chain = Callable[[str, list[Any]], Any]

_BUBBLEGUM = "BGUMAp9Gq7iTEuizy4pqaxsTyUCBK68MDfK752saRPUY"
_MINTS = {sha256(f"global:{name}".encode()).digest()[:8] for name in ("mint_v1", "mint_v2")}
_PAGE = 1_000
_TOLD, _LEAF = b"\x01\x00", 1
# In an event: its kind, two versions, the asset's address, two more addresses, the number.
_ID, _NUMBER, _BEFORE_HASHES = slice(3, 35), 99, 107
_COUNTS_IN_CONFIG = 72


class Minted(NamedTuple):
    """A mint that worked: what it was to make, and the leaf that came of it."""

    signature: str
    name: str
    uri: str
    leaf_index: int
    asset_id: str


def minted_into(chain: Chain, tree: str) -> Iterator[Minted]:
    """Yield every mint into a tree, the newest transaction first."""
    before: dict[str, str] = {}
    while page := chain("getSignaturesForAddress", [tree, {"limit": _PAGE, **before}]):
        for line in page:
            if line["err"] is None:
                yield from _mints_in(chain, line["signature"], tree)
        before = {"before": page[-1]["signature"]}


def minted_as_counted(chain: Chain, config: str) -> int:
    """Return how many mints Bubblegum itself has counted, -1 where it knows of no such tree."""
    told = chain("getAccountInfo", [config, {"encoding": "base64"}])["value"]
    if told is None:
        return -1
    data = base64.b64decode(told["data"][0])
    _, minted = struct.unpack_from("<QQ", data, _COUNTS_IN_CONFIG)
    return int(minted)


def _mints_in(chain: Chain, signature: str, tree: str) -> Iterator[Minted]:
    config = {"encoding": "json", "maxSupportedTransactionVersion": 0}
    told = chain("getTransaction", [signature, config])
    message = told["transaction"]["message"]
    keys = message["accountKeys"]
    for group in told["meta"]["innerInstructions"]:
        one = message["instructions"][group["index"]]
        data = base58.b58decode(one["data"])
        concerned = {keys[at] for at in one["accounts"]}
        if keys[one["programIdIndex"]] != _BUBBLEGUM or tree not in concerned:
            continue
        if data[:8] not in _MINTS:
            continue
        name, uri = _name_and_uri(data[8:])
        for inner in group["instructions"]:
            leaf = _leaf(base58.b58decode(inner["data"]))
            if leaf is not None:
                yield Minted(signature, name, uri, *leaf)


def _name_and_uri(data: bytes) -> tuple[str, str]:
    """Return the first and the third text: between them is the symbol."""
    texts, at = [], 0
    for _ in range(3):
        (length,) = struct.unpack_from("<I", data, at)
        texts.append(data[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return texts[0], texts[2]


def _leaf(data: bytes) -> tuple[int, str] | None:
    """Return number and address of the leaf that an inner instruction tells of, if it does."""
    told = data[6:]
    if data[:2] != _TOLD or len(told) < _BEFORE_HASHES or told[0] != _LEAF:
        return None
    (number,) = struct.unpack_from("<Q", told, _NUMBER)
    return number, base58.b58encode(told[_ID]).decode()
