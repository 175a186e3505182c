"""The largest passports that the schemas allow: every field, the longest lists and texts."""

from collections.abc import Mapping
from typing import Any

from minting.passport_schema import load


def largest_passport(category: str, words: str) -> dict[str, Any]:
    """Return passport data in which each text repeats ``words`` to its greatest length."""
    fields = load(category).fields
    return {
        name: _largest(field.shape, words)
        for name, field in fields.items()
        if field.lifecycle == "static" and not field.supplied
    }


def _largest(shape: Mapping[str, Any], words: str) -> Any:
    if "enum" in shape:
        return max(shape["enum"], key=len)
    match shape["type"]:
        case "object":
            return {name: _largest(part, words) for name, part in shape["properties"].items()}
        case "array":
            return _most(shape, words)
        case "boolean":
            return True
        case "number" | "integer":
            return shape["maximum"]
    return _longest(shape, words)


def _most(shape: Mapping[str, Any], words: str) -> list[Any]:
    """Return a list of its greatest length, whose entries differ where they must."""
    entry, count = _largest(shape["items"], words), shape["maxItems"]
    if not shape.get("uniqueItems"):
        return [entry] * count
    if "enum" in shape["items"]:
        return list(shape["items"]["enum"][:count])
    return [f"{entry[:-3]}{number:03}" for number in range(count)]


def _longest(shape: Mapping[str, Any], words: str) -> str:
    length = shape["maxLength"]
    if shape.get("format") == "uri":
        return f"https://nordhav.example/?{'a&' * length}"[:length]
    if "examples" in shape:
        return str(shape["examples"][0])
    return (words * length)[:length]
