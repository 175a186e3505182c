"""The metadata document of a passport version: what wallets show, and JSON-LD for programs. Pure.

Wallets know the fields of Metaplex's off-chain JSON standard; programs read the same object by the
context in it, with nothing to fetch. What is pinned cannot be taken back, so of the passport it
holds what everybody may read, less what reaches or locates a person (``PERSONAL``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from minting.canonical_json import canonical
from minting.disclosure import disclosed

#: What a chain keeps of a name and of a symbol, in bytes (Token Metadata's limits).
LONGEST_NAME = 32
LONGEST_SYMBOL = 10
SYMBOL = "DPP"
#: Longer texts are no traits.
LONGEST_TRAIT = 100
#: Parts of passport data, at whatever depth, that are left out.
PERSONAL = frozenset({"email", "street", "postal_code"})

_OURS = "urn:tieback:metadata#"
_TERMS = ("symbol", "passportVersion", "metadataVersion", "passportSchema", "passportSha256")
_CONTEXT: Mapping[str, Any] = {
    "@version": 1.1,
    "gs1": "https://ref.gs1.org/voc/",
    "schema": "https://schema.org/",
    "name": "schema:name",
    "description": "schema:description",
    "image": {"@id": "schema:image", "@type": "@id"},
    "external_url": {"@id": "schema:url", "@type": "@id"},
    "productName": "gs1:productName",
    "brand": "schema:brand",
    "gtin": "gs1:gtin",
    "productId": "schema:productID",
    "productCategory": "schema:category",
    # Passport data keep the names of the schema that is named beside them (JSON-LD 1.1, 4.2.2).
    **{name: {"@id": f"{_OURS}{name}", "@type": "@json"} for name in ("attributes", "properties")},
    "data": {"@id": f"{_OURS}data", "@type": "@json"},
    **{name: f"{_OURS}{name}" for name in _TERMS},
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a document says.

    ``base`` is scheme and host of the brand's resolver, and empty where it has none; hashes are
    hexadecimal digits, ``logo_sha256`` empty where there is no logo.
    """

    base: str
    brand: str
    logo_sha256: str
    product_id: UUID
    product: str
    gtin: str | None
    category: str
    schema_version: int
    dpp: Any
    passport_version: int
    passport_sha256: str


def document_of(facts: Facts, number: int) -> dict[str, Any]:
    """Return the document as the ``number``-th of its product; the same facts make the same."""
    page = f"{facts.base}/01/{facts.gtin}" if facts.gtin else None
    image = f"{facts.base}/p/logo/{facts.logo_sha256}.png" if facts.logo_sha256 else None
    data = {told.field.name: told.value for told in disclosed(facts.category, facts.dpp)}
    stated = {
        "@context": dict(_CONTEXT),
        "@id": page or f"urn:uuid:{facts.product_id}",
        "@type": ["gs1:Product", "schema:Product"],
        "name": _cut(facts.product, LONGEST_NAME),
        "symbol": SYMBOL,
        "description": (
            f"{facts.product} by {facts.brand}. Digital product passport,"
            f" version {facts.passport_version}."
        ),
        "image": image,
        "external_url": page,
        "attributes": list(_traits(facts)),
        "properties": _properties(page, image),
        "productName": facts.product,
        "brand": facts.brand,
        "gtin": facts.gtin,
        "productId": str(facts.product_id),
        "productCategory": facts.category,
        "passportVersion": facts.passport_version,
        "metadataVersion": number,
        "passportSchema": f"urn:tieback:schema:{facts.category}:{facts.schema_version}",
        "passportSha256": facts.passport_sha256,
        "data": _lasting(data),
    }
    return {name: value for name, value in stated.items() if value is not None}


def bytes_of(document: Mapping[str, Any]) -> bytes:
    """Return a document as it is pinned: its canonical JSON (RFC 8785)."""
    return canonical(dict(document))


def _properties(page: str | None, image: str | None) -> dict[str, Any]:
    files = [(image, "image/png"), (page, "text/html")]
    return {
        "category": "image" if image else "html",
        "files": [{"uri": uri, "type": media_type} for uri, media_type in files if uri],
    }


def _traits(facts: Facts) -> Iterator[dict[str, Any]]:
    """Yield what a wallet lists: values that are one short text, number, yes or no."""
    yield _trait("Passport version", facts.passport_version)
    yield _trait("Category", facts.category)
    if facts.gtin:
        yield _trait("GTIN", facts.gtin)
    for told in disclosed(facts.category, facts.dpp):
        if told.field.name in PERSONAL:
            continue
        if isinstance(told.value, bool):
            yield _trait(told.field.label, "yes" if told.value else "no")
        elif isinstance(told.value, int | float) or _is_short(told.value):
            yield _trait(told.field.label, told.value)


def _trait(name: str, value: Any) -> dict[str, Any]:
    return {"trait_type": name, "value": value}


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TRAIT


def _lasting(value: Any) -> Any:
    """Leave out what reaches or locates a person, and the groups that nothing is left of."""
    if isinstance(value, list):
        return [_lasting(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    kept = {name: _lasting(one) for name, one in value.items() if name not in PERSONAL}
    return {name: one for name, one in kept.items() if one != {} or value[name] == {}}


def _cut(text: str, most: int) -> str:
    """Return a text, or its beginning and an ellipsis, in at most so many bytes of UTF-8."""
    if len(text.encode()) <= most:
        return text
    room = most - len("…".encode())
    return text.encode()[:room].decode(errors="ignore").rstrip() + "…"
