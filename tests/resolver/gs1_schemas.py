"""What GS1's schemas ask of a linkset and of a description file, in our own words.

Sources: ``gs1-linkset-schema.json`` of gs1/linkset at commit 571bb7d; the schema of the resolver
description file 1.2.0, as GS1-Conformant Resolver Standard 1.2, section 3, names it.
"""

from typing import Any

from jsonschema_rs import Draft7Validator

_TEXT = {"type": "string"}
_WEB = {"type": "string", "pattern": "^https?://[A-Za-z0-9./]"}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_LINK = _object(
    ["href", "title"],
    href=_WEB,
    title=_TEXT,
    hreflang=_list({"type": "string", "pattern": r"^\w{2}(-\w{2})?$"}),
    type={"type": "string", "pattern": r"\w/[-+.\w]"},
)
_CONTEXT = {
    **_object(["anchor", "itemDescription"], anchor=_WEB, itemDescription=_TEXT),
    "patternProperties": {r"^https?://[A-Za-z0-9./]+$": {**_list(_LINK), "minItems": 1}},
}
LINKSET = _object(["linkset"], linkset=_list(_CONTEXT))

_PRIMARY_KEYS = (
    *("all", "00", "01", "253", "255", "401", "402", "410", "411", "412", "413", "414", "415"),
    *("417", "8003", "8004", "8006", "8010", "8013", "8017", "8018"),
)
DESCRIPTION = {
    "type": "object",
    "required": ["resolverRoot", "supportedPrimaryKeys"],
    "properties": {
        "resolverRoot": _WEB,
        "name": _TEXT,
        "supportedPrimaryKeys": _list({"enum": list(_PRIMARY_KEYS)}),
        "supportedLinkType": _list(
            {
                "properties": {
                    "namespace": _TEXT,
                    "prefix": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]*:$"},
                }
            }
        ),
        "linkTypeDefaultCanBeLinkset": {"type": "boolean"},
        "jsonLdContextLocation": _TEXT,
        "contact": {"type": "object", "properties": {"fn": _TEXT}},
    },
}

_VALIDATORS = {id(schema): Draft7Validator(schema) for schema in (LINKSET, DESCRIPTION)}


def faults_in(document: Any, schema: dict[str, Any]) -> list[str]:
    """Return what a document breaks of one of these schemas."""
    found = _VALIDATORS[id(schema)].iter_errors(document)
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in found]
