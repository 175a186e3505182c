"""Reads passport data out of a CSV row: ``dpp`` as a whole, ``dpp.<field>`` field by field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rest_framework.exceptions import ValidationError

from minting.readiness import coerce
from tieback.api.envelope import flatten
from tieback.api.parsing import check_storable, strict_json
from tieback.errors import FieldError

_PREFIX = "dpp."
# Only a JSON escape can bring in characters that the text of the file itself cannot hold. Depth
# needs no look here: no passport field has room for it, and the shape of every field is checked.
_ESCAPE = "\\u"


@dataclass
class PassportCells:
    """What a row says about the passport; ``whole`` is ``None`` if the row has no ``dpp``."""

    whole: dict[str, Any] | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    faults: list[FieldError] = field(default_factory=list)


def read_passport(category: str, cells: Mapping[str, str]) -> PassportCells:
    """Return the values a row's cells hold, in the types of the category's schema."""
    read = PassportCells()
    if "dpp" in cells:
        _read_whole(cells["dpp"], read)
    single = {name: text for name, text in cells.items() if name.startswith(_PREFIX)}
    if single:
        read.fields, problems = coerce(category, single)
        read.faults += [FieldError(_PREFIX + p.field, p.code, p.message) for p in problems]
        if any(_ESCAPE in text for text in single.values()):
            _check_storable(read.fields, read)
    return read


def _read_whole(text: str, read: PassportCells) -> None:
    try:
        value = strict_json(text)
    except (ValueError, RecursionError):
        message = "The cell must hold a JSON object, and this is not valid JSON."
        read.faults.append(FieldError("dpp", "INVALID_JSON", message))
        return
    if not isinstance(value, dict):
        message = "The cell must hold a JSON object."
        read.faults.append(FieldError("dpp", "INVALID_TYPE", message))
        return
    read.whole = value
    if _ESCAPE in text:
        _check_storable(value, read)


def _check_storable(value: dict[str, Any], read: PassportCells) -> None:
    try:
        check_storable(value, "dpp")
    except ValidationError as error:
        read.faults += flatten(error.detail)
