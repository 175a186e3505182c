"""Puts passport data into words. Pure.

Names, codes and numbers are written in the language in force; what the brand wrote stays as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import npgettext, pgettext

from minting.disclosure import Told, disclosed

_WEB = ("https://", "http://")
# The schemas name a number's unit at the end of the field's name.
_UNITS = {
    "carbon_footprint_kg": "kg CO₂e",
    "ah": "Ah",
    "celsius": "°C",
    "grams": "g",
    "kg": "kg",
    "ohm": "Ω",
    "percent": "%",
    "percentage": "%",
    "v": "V",
    "w": "W",
}


@dataclass(frozen=True, slots=True)
class Value:
    """One value to show: text or a link, a list, or named parts.

    ``href`` is where the text leads: a link's address where the text is only its beginning, or a
    place of ours.
    """

    text: str = ""
    is_link: bool = False
    href: str = field(default="", kw_only=True)
    items: tuple["Value", ...] = ()
    parts: tuple["Fact", ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A value with its name; ``field`` is the schema's."""

    label: str
    value: Value
    field: str = field(default="", compare=False)


def public_facts(category: str, dpp: Any) -> tuple[Fact, ...]:
    """Return the facts of passport data that anyone may read, in the schema's order."""
    return facts_of(disclosed(category, dpp))


def facts_of(told: Iterable[Told]) -> tuple[Fact, ...]:
    """Return fields that may be told as facts."""
    return tuple(
        Fact(_label(field.label), _value(field.name, value, field.shape), field.name)
        for field, value in told
    )


def _value(name: str, value: Any, shape: Mapping[str, Any]) -> Value:
    if isinstance(value, Mapping):
        shapes = shape.get("properties", {})
        return Value(parts=tuple(_part(k, value[k], shapes[k]) for k in shapes if k in value))
    if isinstance(value, list):
        return Value(items=tuple(_value(name, item, shape.get("items", {})) for item in value))
    if isinstance(value, bool):
        return Value(pgettext("answer", "yes") if value else pgettext("answer", "no"))
    if isinstance(value, int | float):
        return Value(_amount(name, value))
    return _text(str(value), shape)


def _text(text: str, shape: Mapping[str, Any]) -> Value:
    if "enum" in shape and text.isdigit():
        return Value(f"{text} °C")  # how hot an article may be washed, as ISO 3758 writes it
    if "enum" in shape:
        words = text.replace("_", " ")
        return Value(pgettext("passport value", words))
    return Value(text, is_link=shape.get("format") == "uri" and text.startswith(_WEB))


def _part(name: str, value: Any, shape: Mapping[str, Any]) -> Fact:
    return Fact(_label(label_of_part(name, shape)), _value(name, value, shape))


def label_of_part(name: str, shape: Mapping[str, Any]) -> str:
    """Return the English name of a part of a value: the schema's, else its key without its unit."""
    words = name.removesuffix(f"_{_suffix(name)}") if _unit(name) else name
    return str(shape.get("title") or words.replace("_", " ").capitalize())


def _label(title: str) -> str:
    return pgettext("passport field", title)


def _amount(name: str, value: float) -> str:
    """Write a number with its unit; months and years are words, which differ by language."""
    number, count = number_format(value), int(value)
    if _suffix(name) == "months":
        return npgettext("duration", "%(number)s month", "%(number)s months", count) % {
            "number": number
        }
    if _suffix(name) == "years":
        return npgettext("duration", "%(number)s year", "%(number)s years", count) % {
            "number": number
        }
    return f"{number} {_unit(name)}".strip()


def _unit(name: str) -> str:
    return _UNITS.get(name) or _UNITS.get(_suffix(name), "")


def _suffix(name: str) -> str:
    return name.rpartition("_")[2]
