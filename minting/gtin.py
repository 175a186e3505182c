"""Reads GTINs as people and files write them, for preflight and the catalogue import.

Everything behind this module sees one form only: 14 digits, right-aligned, filled up with zeros,
because that is how a GTIN stands in a GS1 Digital Link and in the product table. The arithmetic is
that of the GS1 General Specifications, "Standard check digit calculations for GS1 data structures".
"""

import re
from collections.abc import Iterable

LENGTHS = (8, 12, 13, 14)

_SEPARATORS = re.compile(r"[\s-]+")
_DIGITS = re.compile(r"[0-9]+\Z")
_COMPANY_PREFIX = re.compile(r"[0-9]{6,12}\Z")
_ROUNDED_BY_SPREADSHEET = re.compile(r"[0-9][.,][0-9]+[eE]\+?[0-9]+\Z")


class InvalidGtin(ValueError):
    """The text is not a GTIN; the message says what to do about it."""


def normalise(text: str) -> str:
    """Return the GTIN as 14 digits; spaces and hyphens between the digits are dropped."""
    digits = _digits(text)
    if len(digits) not in LENGTHS:
        raise InvalidGtin(
            f"A GTIN has 8, 12, 13 or 14 digits and this has {len(digits)}: "
            "copy all of them from the barcode, leading zeros and last digit included."
        )
    if not digits.strip("0"):
        raise InvalidGtin("A GTIN of zeros names no product: enter the one GS1 assigned.")
    expected = check_digit(digits[:-1])
    if digits[-1] != expected:
        raise InvalidGtin(
            f"The check digit of {digits} should be {expected}, not {digits[-1]}: "
            "compare each digit with the barcode."
        )
    return digits.zfill(14)


def check_digit(body: str) -> str:
    """Return the digit that completes `body`, the GTIN without its last digit.

    From the right the digits weigh 3, 1, 3, …; the check digit lifts the sum to a multiple of ten.
    Zeros on the left change nothing, so the body of a GTIN-8 and of its 14-digit form agree.
    """
    if not _DIGITS.match(body):
        raise InvalidGtin("A check digit is computed from digits only: leave out everything else.")
    reverse = [int(digit) for digit in reversed(body)]
    return str(-(3 * sum(reverse[::2]) + sum(reverse[1::2])) % 10)


def is_valid(text: str) -> bool:
    """Tell whether `normalise` accepts the text."""
    try:
        normalise(text)
    except InvalidGtin:
        return False
    return True


def belongs_to_prefix(gtin14: str, prefixes: Iterable[str]) -> bool:
    """Tell whether one of a brand's GS1 Company Prefixes issued this GTIN.

    A GS1 Company Prefix (6 to 12 digits) starts after the GTIN-14's indicator digit, so it is
    compared with the 13 digits that follow; a U.P.C. prefix is stored with its leading zero.
    Anything else among the prefixes matches nothing: an empty text must not own every GTIN.

    A GTIN-8 has no company prefix. GS1 hands it out number by number under a GS1-8 Prefix, so its
    digits do not name the owner and the answer is always no; a brand that prints GTIN-8 has to show
    the assignment in another way. In 14 digits it is the form that begins with six zeros, a range
    from which GS1 issues no company prefix.
    """
    normalised = normalise(gtin14)
    if normalised.startswith("000000"):
        return False
    return any(
        _COMPANY_PREFIX.match(prefix) and normalised.startswith(prefix, 1) for prefix in prefixes
    )


def _digits(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise InvalidGtin("The GTIN is empty: enter the 8, 12, 13 or 14 digits of the barcode.")
    if _ROUNDED_BY_SPREADSHEET.match(stripped):
        raise InvalidGtin(
            "A spreadsheet has rounded this GTIN: format the column as text and enter it again."
        )
    digits = _SEPARATORS.sub("", stripped)
    if not _DIGITS.match(digits):
        raise InvalidGtin("A GTIN holds digits only: remove letters and other signs.")
    return digits
