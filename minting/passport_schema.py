"""Loads the passport schemas: which fields a category has and what each of them is needed for.

The files under `schemas/` are plain JSON Schema 2020-12 with `x-tieback` annotations, so that other
software can validate a passport with them too. Here each becomes a tuple of `Field` with compiled
checks, once per process. `readiness` asks the questions.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator, RegexOptions

CATEGORIES: tuple[str, ...] = (
    "textile",
    "electronics",
    "battery_ev",
    "battery_lmt",
    "battery_industrial",
    "generic",
)

_SCHEMAS = Path(__file__).with_name("schemas")


class UnknownCategory(ValueError):
    """No passport schema exists for this category."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a passport, as forms, imports and the passport page need to know it.

    ``is_mutable``: it may be another after minting, as whom to ask and how to recycle may. What the
    item is, and what it was made of, may not.
    """

    name: str
    label: str
    description: str
    shape: Mapping[str, Any]
    requirement: str
    lifecycle: str
    access: str
    is_mutable: bool
    source: str
    data_point: int | None
    supplied: bool
    when: str
    validator: Draft202012Validator
    condition: Draft202012Validator | None
    total: Mapping[str, Any] | None

    @property
    def kind(self) -> str:
        """The JSON type of the field's value."""
        return str(self.shape["type"])

    @property
    def can_block(self) -> bool:
        """Dynamic values come with use, pending ones with a later act: neither stops a mint."""
        return self.lifecycle == "static" and self.requirement != "pending" and not self.supplied

    def is_demanded(self, given: Mapping[str, Any]) -> bool:
        """Tell whether a mint needs this field, in view of the rest of the passport data."""
        if not self.can_block:
            return False
        if self.condition is None:
            return self.requirement == "mandatory"
        try:
            return self.condition.is_valid(given)
        except (ValueError, RecursionError):
            return True  # what the condition looks at is unreadable: ask rather than assume


@dataclass(frozen=True, slots=True)
class PassportSchema:
    """The fields of one category in reading order, and what the law says not to fill in."""

    id: str
    version: int
    fields: Mapping[str, Field]
    never_filled: Mapping[str, str]


def load(category: str) -> PassportSchema:
    """Return the schema of a category, compiled at its first use."""
    if category not in CATEGORIES:
        known = ", ".join(CATEGORIES)
        raise UnknownCategory(f"There is no passport category {category!r}: choose from {known}.")
    return _compiled(category)


@cache
def _compiled(category: str) -> PassportSchema:
    definitions = _read("definitions")
    shared = {f"{definitions['$id']}#/$defs/{n}": s for n, s in definitions["$defs"].items()}
    schema = _inlined(_read(category), shared)
    about = schema["x-tieback"]
    return PassportSchema(
        id=schema["$id"],
        version=about["version"],
        fields={name: _field(name, shape) for name, shape in schema["properties"].items()},
        never_filled={entry["name"]: entry["title"] for entry in about.get("not_applicable", ())},
    )


def _read(name: str) -> Any:
    return json.loads((_SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


def _inlined(node: Any, shared: Mapping[str, Any]) -> Any:
    """Put the shared shapes where they are referred to, so that each field stands on its own."""
    if isinstance(node, list):
        return [_inlined(item, shared) for item in node]
    if not isinstance(node, dict):
        return node
    shape = _inlined(shared[node["$ref"]], shared) if "$ref" in node else {}
    return shape | {key: _inlined(value, shared) for key, value in node.items() if key != "$ref"}


def _field(name: str, described: Mapping[str, Any]) -> Field:
    about = described["x-tieback"]
    shape = {key: value for key, value in described.items() if key != "x-tieback"}
    condition = about.get("required_when")
    return Field(
        name=name,
        label=shape["title"],
        description=shape["description"],
        shape=shape,
        requirement=about["requirement"],
        lifecycle=about["lifecycle"],
        access=about["access"],
        is_mutable=about.get("mutable", False),
        source=about["source"],
        data_point=about.get("data_point"),
        supplied=about.get("supplied_by") == "tieback",
        when=about.get("when", ""),
        validator=_validator(shape),
        condition=_validator(condition) if condition else None,
        total=about.get("total"),
    )


def _validator(shape: dict[str, Any]) -> Draft202012Validator:
    # RegexOptions picks the linear-time engine: the patterns meet text from outside.
    return Draft202012Validator(
        shape, validate_formats=True, offline=True, pattern_options=RegexOptions()
    )
