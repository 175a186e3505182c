"""A passport for machines: JSON, and JSON-LD that needs nothing fetched.

The header's names are those of EN 18223 (digitalProductPassportId, granularity, …), as far as the
standard is known from public accounts; the data keep the names of the schema they are checked by.
JSON-LD adds the GS1 Web Vocabulary and schema.org; passport data are JSON literals (JSON-LD 1.1,
section 4.2.2), each under the schema's own name for it.
"""

from dataclasses import dataclass
from typing import Any

from minting.disclosure import Access, Told, disclosed
from resolver.items import Item, Unit

JSON, JSON_LD, HTML = "application/json", "application/ld+json", "text/html"

_GS1, _SCHEMA = "https://ref.gs1.org/voc/", "https://schema.org/"
_MOMENT = "http://www.w3.org/2001/XMLSchema#dateTime"
_CONTEXT = {
    "@version": 1.1,
    "gs1": _GS1,
    "schema": _SCHEMA,
    "lastUpdated": {"@id": "schema:dateModified", "@type": _MOMENT},
    "activatedAt": {"@id": "urn:tieback:passport#activatedAt", "@type": _MOMENT},
    "revokedAt": {"@id": "urn:tieback:passport#revokedAt", "@type": _MOMENT},
    "changes": {"@id": "urn:tieback:passport#changes", "@type": "@json"},
    **{
        name: f"urn:tieback:passport#{name}"
        for name in (
            *("digitalProductPassportId", "granularity", "dppSchemaVersion", "dppStatus"),
            *("economicOperatorId", "facilityId", "access", "revocationReason"),
        )
    },
}

_GRANULARITY = {"item": "item", "lot": "batch", "batch": "batch", "product": "model"}


@dataclass(frozen=True, slots=True)
class Passport:
    """A passport as one class of reader may read it."""

    item: Item
    access: Access
    told: tuple[Told, ...]

    @property
    def schema_id(self) -> str:
        """The schema that the data keep to."""
        return f"urn:tieback:schema:{self.item.category}:{self.item.schema_version}"


def passport_of(item: Item, access: Access) -> Passport:
    """Return what a class of reader may read of an item's passport."""
    return Passport(item, access, disclosed(item.category, item.dpp, access))


def as_json(passport: Passport) -> dict[str, Any]:
    """Return the passport as a JSON object; what is not known has no key."""
    item, unit = passport.item, passport.item.unit
    return {
        **_header(passport),
        "uniqueProductIdentifier": item.code,
        "brand": {"name": item.brand},
        "product": _stated({"name": item.product, "gtin": item.gtin, "lot": item.lot}),
        **_stated({"item": unit and {"serial": unit.serial, **_life(unit)}}),
        "data": {field.name: value for field, value in passport.told},
    }


def as_json_ld(passport: Passport) -> dict[str, Any]:
    """Return the passport as a JSON-LD document about the product, with its context in it."""
    item, unit = passport.item, passport.item.unit
    terms = {
        field.name: {"@id": f"{passport.schema_id}#{field.name}", "@type": "@json"}
        for field, _ in passport.told
    }
    return {
        "@context": {**_CONTEXT, **terms},
        "@id": item.code,
        "@type": ["gs1:Product", "schema:IndividualProduct" if unit else "schema:Product"],
        **_header(passport),
        "gs1:productName": item.product,
        "schema:name": item.product,
        "schema:brand": {"@type": "schema:Brand", "schema:name": item.brand},
        **_stated(
            {
                "gs1:gtin": item.gtin,
                "gs1:hasBatchLotNumber": item.lot,
                "gs1:hasSerialNumber": unit and unit.serial,
                "schema:serialNumber": unit and unit.serial,
            }
        ),
        **(_life(unit) if unit else {}),
        **{field.name: value for field, value in passport.told},
    }


def _header(passport: Passport) -> dict[str, Any]:
    item, unit = passport.item, passport.item.unit
    told = {field.name: value for field, value in passport.told}
    operator = told.get("responsible_operator", {})
    changes = [{"changedAt": one.at.isoformat(), "reason": one.reason} for one in item.changes]
    moments = (
        item.updated_at,
        *(one.at for one in item.changes),
        *((unit.activated_at, unit.revoked_at) if unit else ()),
    )
    return _stated(
        {
            "digitalProductPassportId": f"{item.base}{item.page}",
            "granularity": _GRANULARITY[item.kind],
            "dppSchemaVersion": passport.schema_id,
            "dppStatus": unit.status.label if unit else "active",
            "lastUpdated": max(filter(None, moments)).isoformat(),
            "economicOperatorId": operator.get("identifier"),
            "facilityId": told.get("facility_identifier"),
            "access": passport.access.value,
            "changes": changes or None,
        }
    )


def _life(unit: Unit) -> dict[str, Any]:
    return _stated(
        {
            "activatedAt": unit.activated_at and unit.activated_at.isoformat(),
            "revokedAt": unit.revoked_at and unit.revoked_at.isoformat(),
            "revocationReason": unit.reason,
        }
    )


def _stated(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
