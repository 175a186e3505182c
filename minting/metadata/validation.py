"""Holds a document to what wallets, chains and stores demand, before it goes anywhere. Pure."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from minting.canonical_json import canonical
from minting.gtin import InvalidGtin, normalise
from minting.metadata.cid import LARGEST_BYTES
from minting.metadata.document import LONGEST_NAME, LONGEST_SYMBOL, PERSONAL

_HASH = re.compile(r"[0-9a-f]{64}")
_CATEGORIES = ("image", "video", "audio", "vr", "html")
_HOST = "Set the host of the brand's resolver, with a certificate, and ask again."


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field, and what to do about it, as one sentence or two."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def problems_of(content: bytes) -> tuple[Problem, ...]:
    """Return everything that keeps a document from being pinned; nothing where it may be."""
    if len(content) > LARGEST_BYTES:
        message = (
            f"The document has {len(content):,} bytes and may have {LARGEST_BYTES:,}, since longer"
            " ones are cut into blocks: shorten the longest texts of the passport."
        )
        return (Problem("data", message),)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return (Problem("document", "It is no JSON: make it anew."),)
    if not isinstance(document, dict):
        return (Problem("document", "It is no JSON object: make it anew."),)
    return (*_form(document, content), *_fields(document))


def _form(document: Mapping[str, Any], content: bytes) -> Iterator[Problem]:
    if not _is_canonical(document, content):
        yield Problem("document", "Its bytes are not the canonical ones (RFC 8785): make it anew.")
    if personal := sorted(set(_names(document.get("data"))) & PERSONAL):
        listed = ", ".join(personal)
        yield Problem("data", f"It holds {listed}, which cannot be taken back: leave it out.")


def _is_canonical(document: Mapping[str, Any], content: bytes) -> bool:
    try:
        return canonical(document) == content
    except ValueError:
        return False  # a number or a text that canonical JSON cannot hold


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _names(one)
    elif isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from _names(one)


def _fields(document: Mapping[str, Any]) -> Iterator[Problem]:
    for name, (is_right, remedy) in _RULES.items():
        if name not in document:
            if name not in _OPTIONAL:
                yield Problem(name, f"It is missing. {remedy}")
        elif not is_right(document[name]):
            yield Problem(name, remedy)


def _is_text(most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and 0 < len(value.encode()) <= most


def _is_address(value: Any) -> bool:
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in {"https", "http"} and bool(parts.hostname)
    except ValueError:
        return False


def _is_gtin(value: Any) -> bool:
    try:
        return isinstance(value, str) and normalise(value) == value
    except InvalidGtin:
        return False


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _are_traits(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(trait, dict)
        and set(trait) == {"trait_type", "value"}
        and isinstance(trait["trait_type"], str)
        and isinstance(trait["value"], str | int | float)
        and not isinstance(trait["value"], bool)
        for trait in value
    )


def _are_properties(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("category") in _CATEGORIES
        and isinstance(value.get("files"), list)
        and all(
            isinstance(file, dict) and _is_address(file.get("uri")) and bool(file.get("type"))
            for file in value["files"]
        )
    )


_OPTIONAL = frozenset({"image", "external_url", "gtin"})
_ANEW = "Make the document anew."
#: Each field, what it must be, and what to do where it is not.
_RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "@context": (lambda value: isinstance(value, dict) and bool(value), _ANEW),
    "@type": (lambda value: isinstance(value, list) and bool(value), _ANEW),
    "name": (_is_text(LONGEST_NAME), f"Give the product a name; {LONGEST_NAME} bytes are kept."),
    "symbol": (_is_text(LONGEST_SYMBOL), f"It may have 1 to {LONGEST_SYMBOL} bytes."),
    "description": (_is_text(2_000), "Give product and brand names; it may have 2,000 bytes."),
    "image": (_is_address, f"It must be an http or https address. {_HOST}"),
    "external_url": (_is_address, f"It must be an http or https address. {_HOST}"),
    "attributes": (_are_traits, f"Each needs a name and a text or a number. {_ANEW}"),
    "properties": (_are_properties, f"Its files need http or https addresses. {_HOST}"),
    "gtin": (_is_gtin, "Give the product a GTIN of 14 digits with the right check digit."),
    "productId": (_is_uuid, _ANEW),
    "productCategory": (_is_text(32), "Choose a category for the product."),
    "passportVersion": (_is_number, _ANEW),
    "metadataVersion": (_is_number, _ANEW),
    "passportSha256": (_is_hash, _ANEW),
    "data": (lambda value: isinstance(value, dict), _ANEW),
}
