"""Reads the path of a scanned code, before anything is looked up. Pure.

Two shapes exist: a GS1 Digital Link, ``/01/{gtin}[/22/{variant}][/10/{lot}][/21/{serial}]``, and
``/mu/{token}`` for units without a GTIN. Sources: GS1 Digital Link Standard: URI Syntax (key
qualifiers of 01 in the order 22, 10, 21); GS1 General Specifications, "GS1 AI encodable character
set 82".

A WSGI server hands over the path percent-decoded once, and nothing is decoded a second time. An
encoded slash is a slash by then, and character set 82 has the slash, so a value ends where the
next key begins rather than at the next slash. Only a lot that itself holds ``/21/`` is misread.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from minting.gtin import is_valid
from minting.serials import ALPHABET, TOKEN_LENGTH

# Four keys of two digits, a GTIN, three values of 20 characters, the slashes between them, and
# one that a browser may have put at the end.
LONGEST_PATH = len("/01//22//10//21//") + 14 + 3 * 20

_LINK = re.compile(r"/01/([^/]*)(?:/22/(.*?))?(?:/10/(.*?))?(?:/21/(.*))?", re.DOTALL)
_GTIN = re.compile(r"[0-9]{14}")
_CSET_82 = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}")
_TOKEN = re.compile(f"[{ALPHABET.decode()}]{{{TOKEN_LENGTH}}}")


class NotACode(ValueError):
    """The path has none of the shapes of a printed code."""


class MalformedCode(ValueError):
    """The path is meant as a code but breaks the rules; the message says which."""


@dataclass(frozen=True, slots=True)
class DigitalLink:
    """A GS1 Digital Link; with a serial it names one unit."""

    gtin: str
    variant: str | None = None
    lot: str | None = None
    serial: str | None = None

    @property
    def canonical(self) -> str:
        """The path as it is printed."""
        values = (("01", self.gtin), ("22", self.variant), ("10", self.lot), ("21", self.serial))
        return "".join(f"/{key}/{quote(value, safe='')}" for key, value in values if value)


@dataclass(frozen=True, slots=True)
class UnitLink:
    """The code of a unit whose product had no GTIN when it was minted."""

    token: str

    @property
    def canonical(self) -> str:
        """The path as it is printed."""
        return f"/mu/{self.token}"


Code = DigitalLink | UnitLink


def parse(path: str) -> Code:
    """Return the code that a percent-decoded path stands for.

    A slash at the end counts as part of the last value where it may be one, else it is dropped.
    """
    if not path.startswith(("/01/", "/mu/")):
        raise NotACode(path)
    if len(path) > LONGEST_PATH:
        raise MalformedCode("This code is longer than any code can be.")
    read = _digital_link if path.startswith("/01/") else _unit_link
    try:
        return read(path)
    except MalformedCode:
        if not path.endswith("/"):
            raise
    return read(path[:-1])


def is_token(text: str) -> bool:
    """Tell whether the text has the shape of a unit's token."""
    return _TOKEN.fullmatch(text) is not None


def _unit_link(path: str) -> UnitLink:
    token = path.removeprefix("/mu/")
    if not is_token(token):
        raise MalformedCode(f"A unit's code ends in {TOKEN_LENGTH} capital letters and digits.")
    return UnitLink(token)


def _digital_link(path: str) -> DigitalLink:
    found = _LINK.fullmatch(path)
    if found is None:
        raise MalformedCode("After the GTIN a code may name a variant, a lot and a serial number.")
    gtin, variant, lot, serial = found.groups()
    if not _is_gtin_14(gtin):
        raise MalformedCode("The GTIN in this code must have 14 digits and a right check digit.")
    for name, value in (("variant", variant), ("lot", lot), ("serial number", serial)):
        if value is not None and not _CSET_82.fullmatch(value):
            raise MalformedCode(
                f"The {name} in this code must be 1 to 20 letters, digits or common signs."
            )
    return DigitalLink(gtin, variant, lot, serial)


@lru_cache(maxsize=4096)
def _is_gtin_14(text: str) -> bool:
    return _GTIN.fullmatch(text) is not None and is_valid(text)
