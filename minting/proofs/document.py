"""The file that proves one unit: ``proof.json``. Pure.

It holds all that a check needs, and nothing of any other unit but hashes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from minting.proofs import leaves
from minting.proofs.merkle import LONGEST_PATH
from minting.proofs.statement import ALGORITHM, Statement

FORMAT = "tieback proof"
VERSION = 1
#: No proof comes near it.
LARGEST_BYTES = 64 * 1024

_HASH = re.compile(r"[0-9a-f]{64}")
_SALT = re.compile(r"[0-9a-f]{32}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z")
_NAME = re.compile(r"[a-z0-9-]{1,32}")
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]{64,88}")
_ADDRESS = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_LONGEST_URI = 2_000


class NoProof(ValueError):
    """The file is no proof; the message says where it is not, and what belongs there."""


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """What is proven of a unit: that this code is one of this product's, with this passport."""

    product_id: UUID
    passport_sha256: str
    salt: str
    uri: str

    @property
    def data(self) -> bytes:
        """The bytes of the leaf."""
        return leaves.leaf_data(
            product_id=self.product_id,
            passport_sha256=bytes.fromhex(self.passport_sha256),
            salt=bytes.fromhex(self.salt),
            uri=self.uri,
        )


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """Where the root is on a chain: in the memo of this transaction, in a finalized block."""

    blockchain: str
    network: str
    signature: str
    slot: int


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """The account on a chain whose metadata hold the root, and the transaction that made it."""

    blockchain: str
    network: str
    address: str
    signature: str
    slot: int


@dataclass(frozen=True, kw_only=True)
class Asset:
    """The unit's compressed NFT on a chain: the leaf with this number in this tree.

    ``id`` is the address by which wallets and explorers know it. What it is called there follows
    from the leaf of the proof (``minting/chain/assets/naming.py``).
    """

    blockchain: str
    network: str
    id: str
    tree: str
    leaf_index: int


@dataclass(frozen=True, kw_only=True)
class Changed:
    """That the passport shows another version than the proof names: numbers, and since when.

    ``minted_with`` is the version whose hash is in the leaf.
    """

    minted_with: int
    shows: int
    since: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One unit's leaf, its place in the tree from 0, its path to the root, and who signed that.

    ``anchor`` and ``certificate`` are where to look on a chain if the root is on one, ``asset``
    is what the unit itself has there, ``changed`` what became of the passport since; nothing else
    depends on them.
    """

    leaf: Leaf
    index: int
    path: tuple[str, ...]
    statement: Statement
    key: str
    signature: str
    anchor: Anchor | None = None
    certificate: Certificate | None = None
    asset: Asset | None = None
    changed: Changed | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the content of the file."""
        told: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "leaf": {
                "version": leaves.VERSION,
                "product_id": str(self.leaf.product_id),
                "passport_sha256": self.leaf.passport_sha256,
                "salt": self.leaf.salt,
                "uri": self.leaf.uri,
            },
            "index": self.index,
            "path": list(self.path),
            "statement": asdict(self.statement),
            "signature": {"algorithm": ALGORITHM, "key": self.key, "value": self.signature},
        }
        parts = {
            "anchor": self.anchor,
            "certificate": self.certificate,
            "asset": self.asset,
            "changed": self.changed,
        }
        return told | {name: asdict(part) for name, part in parts.items() if part is not None}


def read(content: bytes) -> Proof:
    """Return the proof that a file holds, or an answer of the API. Raises ``NoProof``."""
    if len(content) > LARGEST_BYTES:
        raise NoProof(f"The file is larger than {LARGEST_BYTES:,} bytes.")
    try:
        given = json.loads(content)
    except (ValueError, RecursionError):
        raise NoProof("The file is not JSON.") from None
    if isinstance(given, dict) and given.get("ok") is True:
        given = given.get("data")
    whole = _Part("", given)
    whole.takes("format", FORMAT)
    whole.takes("version", VERSION)
    signature = whole.part("signature")
    signature.takes("algorithm", ALGORITHM)
    return Proof(
        leaf=_leaf(whole.part("leaf")),
        index=whole.number("index"),
        path=whole.hashes("path"),
        statement=_statement(whole.part("statement")),
        key=signature.text("key", _HASH),
        signature=signature.text("value", _SIGNATURE),
        anchor=_anchor(whole.part("anchor")) if whole.has("anchor") else None,
        certificate=(_certificate(whole.part("certificate")) if whole.has("certificate") else None),
        asset=_asset(whole.part("asset")) if whole.has("asset") else None,
        changed=_changed(whole.part("changed")) if whole.has("changed") else None,
    )


def _leaf(part: "_Part") -> Leaf:
    part.takes("version", leaves.VERSION)
    uri = part.value("uri")
    if not isinstance(uri, str) or not 0 < len(uri) <= _LONGEST_URI or not uri.isprintable():
        raise NoProof("leaf.uri must be the text of a code.")
    return Leaf(
        product_id=UUID(part.id("product_id")),
        passport_sha256=part.text("passport_sha256", _HASH),
        salt=part.text("salt", _SALT),
        uri=uri,
    )


def _statement(part: "_Part") -> Statement:
    for field in fields(Statement):
        if field.name in ("type", "version"):
            part.takes(field.name, field.default)
    return Statement(
        brand_id=part.id("brand_id"),
        batch_id=part.id("batch_id"),
        product_id=part.id("product_id"),
        passport_sha256=part.text("passport_sha256", _HASH),
        size=part.number("size"),
        root=part.text("root", _HASH),
        signed_at=part.moment("signed_at"),
    )


def _anchor(part: "_Part") -> Anchor:
    return Anchor(
        blockchain=part.text("blockchain", _NAME),
        network=part.text("network", _NAME),
        signature=part.text("signature", _BASE58),
        slot=part.number("slot"),
    )


def _certificate(part: "_Part") -> Certificate:
    return Certificate(
        blockchain=part.text("blockchain", _NAME),
        network=part.text("network", _NAME),
        address=part.text("address", _ADDRESS),
        signature=part.text("signature", _BASE58),
        slot=part.number("slot"),
    )


def _asset(part: "_Part") -> Asset:
    return Asset(
        blockchain=part.text("blockchain", _NAME),
        network=part.text("network", _NAME),
        id=part.text("id", _ADDRESS),
        tree=part.text("tree", _ADDRESS),
        leaf_index=part.number("leaf_index"),
    )


def _changed(part: "_Part") -> Changed:
    return Changed(
        minted_with=part.number("minted_with"),
        shows=part.number("shows"),
        since=part.moment("since"),
    )


class _Part:
    """An object of the file, which is asked for its values by name."""

    def __init__(self, name: str, given: object):
        if not isinstance(given, Mapping):
            raise NoProof(f"{name or 'The file'} must be an object.")
        self._name = name
        self._given = given

    def part(self, name: str) -> "_Part":
        return _Part(self._at(name), self.value(name))

    def has(self, name: str) -> bool:
        return self._given.get(name) is not None

    def value(self, name: str) -> object:
        if name not in self._given:
            raise NoProof(f"{self._at(name)} is missing.")
        return self._given[name]

    def takes(self, name: str, only: object) -> None:
        found = self.value(name)
        if found != only or isinstance(found, bool):
            raise NoProof(f"{self._at(name)} must be {only!r}; this program knows no other.")

    def text(self, name: str, form: re.Pattern[str]) -> str:
        found = self.value(name)
        if not isinstance(found, str) or not form.fullmatch(found):
            raise NoProof(f"{self._at(name)} must have the form {form.pattern}.")
        return found

    def id(self, name: str) -> str:
        found = self.value(name)
        try:
            known = UUID(str(found))
        except ValueError:
            known = None
        if str(known) != found:
            raise NoProof(f"{self._at(name)} must be an id in its usual form.")
        return str(known)

    def moment(self, name: str) -> str:
        found = self.text(name, _MOMENT)
        try:
            datetime.fromisoformat(found)
        except ValueError:
            raise NoProof(f"{self._at(name)} must be a moment.") from None
        return found

    def number(self, name: str) -> int:
        found = self.value(name)
        if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 1 << 53:
            raise NoProof(f"{self._at(name)} must be a number, not negative.")
        return found

    def hashes(self, name: str) -> tuple[str, ...]:
        found = self.value(name)
        if not isinstance(found, list) or len(found) > LONGEST_PATH:
            raise NoProof(f"{self._at(name)} must be a list of at most {LONGEST_PATH} hashes.")
        for one in found:
            if not isinstance(one, str) or not _HASH.fullmatch(one):
                raise NoProof(f"{self._at(name)} must hold hashes of 64 hexadecimal digits.")
        return tuple(found)

    def _at(self, name: str) -> str:
        return f"{self._name}.{name}" if self._name else name
