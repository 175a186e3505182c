"""What a single catalogue value may look like: the same rules for JSON bodies and CSV cells."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from minting import gtin
from minting.readiness import shape_errors
from tieback.errors import FieldError

LONGEST_SKU = 64
LONGEST_NAME = 200
LONGEST_REF = 64
LONGEST_MPN = 70
# The largest whole number that every JSON reader takes in exactly.
LARGEST_QUANTITY = 2**53 - 1

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DIGITS = re.compile(r"[0-9]{1,16}")
_ROUNDED = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+")


class InvalidValue(ValueError):
    """A value that cannot be taken; carries the code for machines and the sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def of(self, field: str) -> FieldError:
        """Return the fault as the fault of a field."""
        return FieldError(field, self.code, self.message)


def line_of_text(text: str, longest: int) -> str:
    """Return the text without blanks around it; it must be one line of visible characters."""
    line = text.strip()
    if not line:
        raise InvalidValue("BLANK", "Must not be empty.")
    if len(line) > longest:
        raise InvalidValue("MAX_LENGTH", f"May have at most {longest} characters.")
    if _CONTROL_CHARACTERS.search(line):
        raise InvalidValue("INVALID", "Must be one line of text without control characters.")
    return line


def owned_gtin(text: str, prefixes: Iterable[str]) -> str:
    """Return the 14 digits of a GTIN that the brand may use.

    A brand without GS1 company prefixes on record may use any valid GTIN.
    """
    try:
        code = gtin.normalise(text)
    except gtin.InvalidGtin as error:
        raise InvalidValue("GTIN_INVALID", str(error)) from error
    owned = tuple(prefixes)
    if owned and not gtin.belongs_to_prefix(code, owned):
        listed = ", ".join(owned)
        raise InvalidValue(
            "GTIN_PREFIX_NOT_OWNED",
            f"{code} is not under a GS1 company prefix of this brand ({listed}).",
        )
    return code


def quantity_in(text: str) -> int:
    """Return the quantity written in a cell."""
    if _ROUNDED.fullmatch(text):
        raise InvalidValue(
            "INVALID",
            "A spreadsheet has rounded this number: format the column as text and enter it again.",
        )
    if not _DIGITS.fullmatch(text) or not 1 <= int(text) <= LARGEST_QUANTITY:
        raise InvalidValue(
            "INVALID", f"Must be a whole number from 1 to {LARGEST_QUANTITY}, in digits only."
        )
    return int(text)


def one_of(text: str, choices: Iterable[str]) -> str:
    """Return the choice written in a cell."""
    known = tuple(choices)
    if text not in known:
        raise InvalidValue("INVALID_CHOICE", f"Must be one of {', '.join(known)}.")
    return text


def read_cells(
    cells: Mapping[str, str],
    readers: Mapping[str, Callable[[str], Any]],
    *,
    required: Collection[str],
) -> tuple[dict[str, Any], list[FieldError]]:
    """Return the values of a row's filled cells, and what is wrong with the others."""
    values: dict[str, Any] = {}
    faults: list[FieldError] = []
    for column, read in readers.items():
        if column not in cells:
            if column in required:
                faults.append(FieldError(column, "BLANK", "Must not be empty."))
            continue
        try:
            values[column] = read(cells[column])
        except InvalidValue as error:
            faults.append(error.of(column))
    return values, faults


def passport_faults(category: str, dpp: dict[str, Any]) -> list[FieldError]:
    """Return what is wrong with the values of a passport, by field; gaps are no fault."""
    return [
        FieldError(f"dpp.{problem.field}", problem.code, problem.message)
        for problem in shape_errors(category, dpp)
    ]
