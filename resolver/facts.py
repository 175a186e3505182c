"""Chooses which passport data anyone may read, and puts it into words. Pure.

A field is shown where its category's schema calls it public and fixed at manufacture. Whatever the
schema does not know is not shown, so data can never leak by being stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minting.passport_schema import UnknownCategory, load
from minting.readiness import stated

_WEB = ("https://", "http://")
# The schemas name a number's unit at the end of the field's name.
_UNITS = {
    "carbon_footprint_kg": "kg CO₂e",
    "ah": "Ah",
    "celsius": "°C",
    "grams": "g",
    "kg": "kg",
    "months": "months",
    "ohm": "Ω",
    "percent": "%",
    "percentage": "%",
    "v": "V",
    "w": "W",
}


@dataclass(frozen=True, slots=True)
class Value:
    """One value to show: text or a link, a list, or named parts."""

    text: str = ""
    is_link: bool = False
    items: tuple["Value", ...] = ()
    parts: tuple["Fact", ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A value with its name."""

    label: str
    value: Value


def public_facts(category: str, dpp: Any) -> tuple[Fact, ...]:
    """Return the public facts of passport data in the schema's reading order."""
    try:
        known = load(category).fields
    except UnknownCategory:
        return ()
    given = stated(dpp)
    return tuple(
        Fact(field.label, _value(name, given[name], field.shape))
        for name, field in known.items()
        if name in given and field.access == "public" and field.lifecycle == "static"
    )


def _value(name: str, value: Any, shape: Mapping[str, Any]) -> Value:
    if isinstance(value, Mapping):
        shapes = shape.get("properties", {})
        return Value(parts=tuple(_part(k, value[k], shapes[k]) for k in shapes if k in value))
    if isinstance(value, list):
        return Value(items=tuple(_value(name, item, shape.get("items", {})) for item in value))
    if isinstance(value, bool):
        return Value("yes" if value else "no")
    if isinstance(value, int | float):
        return Value(f"{value} {_unit(name)}".strip())
    return _text(str(value), shape)


def _text(text: str, shape: Mapping[str, Any]) -> Value:
    if "enum" in shape:
        return Value(text.replace("_", " "))
    return Value(text, is_link=shape.get("format") == "uri" and text.startswith(_WEB))


def _part(name: str, value: Any, shape: Mapping[str, Any]) -> Fact:
    words = name.removesuffix(f"_{_suffix(name)}") if _unit(name) else name
    label = shape.get("title") or words.replace("_", " ").capitalize()
    return Fact(label, _value(name, value, shape))


def _unit(name: str) -> str:
    return _UNITS.get(name) or _UNITS.get(_suffix(name), "")


def _suffix(name: str) -> str:
    return name.rpartition("_")[2]
