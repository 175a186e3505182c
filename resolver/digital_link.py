"""Reads a scanned code, before anything is looked up. Pure.

Two kinds exist: a GS1 Digital Link, ``/01/{gtin}[/22/{variant}][/10/{lot}][/21/{serial}]`` or
``/01/{gtin}/235/{extension}``; and, for what has no GTIN, ``/mu/{token}`` of a unit, ``/mb/{id}``
of a batch and ``/ml/{id}`` of a lot. Sources: GS1 Digital Link Standard: URI Syntax (key qualifiers
of 01 in the order 22, 10, 21, or 235 alone); GS1 General Specifications, "GS1 AI encodable
character set 82".

A WSGI server hands over the path percent-decoded once, and nothing is decoded a second time.
Character set 82 has the slash, and an encoded one is a slash by then, so ours hands over the path
as it came too where it holds one. Some proxies decode it on the way. What breaks the rules as it
came is therefore guessed at: a value may go on to where the next key begins. A guess is a code only
if something is known by it.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal
from urllib.parse import quote, unquote
from uuid import UUID

from minting.gtin import LENGTHS, is_valid
from minting.serial_rules import CSET_82
from minting.serials import ALPHABET, TOKEN_LENGTH
from resolver.attributes import UnsoundAttribute, attributes_of

#: Where a server hands over a path as it came, in a WSGI environment, if it has an encoded slash.
RAW_PATH = "tieback.raw_path"
# Four keys of two digits, a GTIN, three values of 20 characters, the slashes between them, and
# one that a browser may have put at the end.
LONGEST_PATH = len("/01//22//10//21//") + 14 + 3 * 20

_LINK = re.compile(
    r"/01/([^/]*)(?:/235/([^/]*)|(?:/22/([^/]*))?(?:/10/([^/]*))?(?:/21/([^/]*))?)/?"
)
_GUESS = re.compile(
    r"/01/([^/]*)(?:/235/(.*)|(?:/22/(.*?))?(?:/10/(.*?))?(?:/21/(.*))?)", re.DOTALL
)
_GTIN = re.compile(r"[0-9]{14}")
_CSET_82 = re.compile(f"{CSET_82}+")
_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_TOKEN = re.compile(f"[{ALPHABET.decode()}]{{{TOKEN_LENGTH}}}")
_URI = re.compile(r"(?:https?|HTTPS?)://([0-9A-Za-z.\-:\[\]]+)(/[^?#]*)(?:\?([^#]*))?(?:#.*)?")
_NOT_IN_URIS = re.compile(r"[^!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]")

_NAMES = {"22": "variant", "10": "lot", "21": "serial number", "235": "controlled extension"}
_LONGEST = {"22": 20, "10": 20, "21": 20, "235": 28}
#: The keys of a code's path, in the order of the standard.
PATH_KEYS = ("01", "22", "10", "21", "235")


class NotACode(ValueError):
    """The text has none of the shapes of a printed code."""


class MalformedCode(ValueError):
    """The text is meant as a code but breaks the rules; the message says which.

    ``meant`` is the code it would be if it were written as the standard asks, where that is clear.
    """

    def __init__(self, message: str, meant: "DigitalLink | None" = None):
        super().__init__(message)
        self.meant = meant


class ShortGtin(MalformedCode):
    """The GTIN has fewer than 14 digits, as was allowed before URI Syntax 1.4."""

    meant: "DigitalLink"


@dataclass(frozen=True, slots=True)
class DigitalLink:
    """A GS1 Digital Link; with a serial it names one unit."""

    gtin: str
    variant: str | None = None
    lot: str | None = None
    serial: str | None = None
    extension: str | None = None
    #: Whether a slash within a value is only taken for a part of it.
    is_guess: bool = field(default=False, compare=False, kw_only=True)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Identifiers and values in the order of the standard."""
        values = (self.gtin, self.variant, self.lot, self.serial, self.extension)
        return tuple((key, value) for key, value in zip(PATH_KEYS, values, strict=True) if value)

    @property
    def canonical(self) -> str:
        """The path as it is printed."""
        return "".join(f"/{key}/{quote(value, safe='')}" for key, value in self.pairs)


@dataclass(frozen=True, slots=True)
class UnitLink:
    """The code of a unit whose product had no GTIN when it was minted."""

    token: str

    @property
    def canonical(self) -> str:
        """The path as it is printed."""
        return f"/mu/{self.token}"


@dataclass(frozen=True, slots=True)
class GroupLink:
    """The code of a whole batch or lot, by its id."""

    kind: Literal["mb", "ml"]
    id: UUID

    @property
    def canonical(self) -> str:
        """The path as it is printed."""
        return f"/{self.kind}/{self.id}"


Code = DigitalLink | UnitLink | GroupLink


def parse(path: str, raw: str | None = None) -> Code:
    """Return the code that a percent-decoded path stands for.

    ``raw`` is the path as it came, where that has an encoded slash. A slash at the end is dropped.
    Raises ``NotACode`` or ``MalformedCode``.
    """
    read = _READERS.get(path[:4])
    if read is None:
        raise NotACode(path)
    if len(path) > LONGEST_PATH:
        raise MalformedCode("This code is longer than any code can be.")
    if read is not _digital_link:
        return read(path.removesuffix("/"))
    try:
        return _digital_link(path, raw)
    except ShortGtin:
        raise
    except MalformedCode:
        if guess := next(_guesses(path), None):
            return guess
        raise


def other_readings(path: str, raw: str | None, code: Code) -> Iterator[DigitalLink]:
    """Yield what else a path may stand for where ``code``, its first reading, names nothing known.

    Raises at the end what is wrong with the path as it came, if anything is.
    """
    if not isinstance(code, DigitalLink):
        return
    yield from (guess for guess in _guesses(path) if guess != code)
    if code.is_guess:
        _digital_link(path, raw)


def parse_uri(uri: str) -> tuple[DigitalLink, dict[str, str]]:
    """Return the GS1 Digital Link in the text of a code, and its attributes by identifier.

    Takes the text as it was printed, host and query included; the host may be any. Raises
    ``NotACode`` or ``MalformedCode``.
    """
    whole = _URI.fullmatch(uri)
    if whole is None or _NOT_IN_URIS.search(uri):
        raise NotACode(uri)
    segments = _without_stem(whole[2].removesuffix("/").split("/")[1:])
    if not segments:
        raise NotACode(uri)
    link = from_pairs(list(zip(segments[::2], map(_decoded, segments[1::2]), strict=True)))
    try:
        return link, attributes_of(whole[3] or "", has_extension=link.extension is not None)
    except UnsoundAttribute as error:
        raise MalformedCode(str(error), link) from error


def is_token(text: str) -> bool:
    """Tell whether the text has the shape of a unit's token."""
    return _TOKEN.fullmatch(text) is not None


def _unit_link(path: str) -> UnitLink:
    token = path.removeprefix("/mu/")
    if not is_token(token):
        raise MalformedCode(f"A unit's code ends in {TOKEN_LENGTH} capital letters and digits.")
    return UnitLink(token)


def _group_link(path: str) -> GroupLink:
    kind, text = path[1:3], path[4:]
    if not _UUID.fullmatch(text):
        raise MalformedCode("The code of a batch or lot ends in its id of 32 digits and letters.")
    return GroupLink("mb" if kind == "mb" else "ml", UUID(text))


def _digital_link(path: str, raw: str | None = None) -> DigitalLink:
    """Return the link in a path as it came, slash by slash. Raises ``MalformedCode``."""
    found = _LINK.fullmatch(path) if raw is None else None
    if found:
        return _checked(found.group(1, 3, 4, 5, 2))
    segments = (raw or path).removesuffix("/").split("/")[1:]
    if len(segments) % 2:
        raise MalformedCode(
            "After the GTIN a code may name a variant, a lot and a serial number. "
            "A slash within one of them is written as %2F."
        )
    values = map(_decoded, segments[1::2]) if raw else segments[1::2]
    return from_pairs(list(zip(segments[::2], values, strict=True)))


def _guesses(path: str) -> Iterator[DigitalLink]:
    """Yield the links of a path in which values hold slashes; the last one may have been added."""
    for text in (path, path.removesuffix("/")):
        found = _GUESS.fullmatch(text)
        values = found.group(1, 3, 4, 5, 2) if found else ()
        if not any(value and "/" in value for value in values):
            continue
        with suppress(MalformedCode):
            yield replace(_checked(values), is_guess=True)


def _checked(values: tuple[str | None, ...]) -> DigitalLink:
    """Return the link of values in the order of ``PATH_KEYS``. Raises ``MalformedCode``."""
    gtin, *others = values
    for key, value in zip(PATH_KEYS[1:], others, strict=True):
        if value is not None:
            _check_value(key, value)
    return _with_sound_gtin(DigitalLink(gtin or "", *others))


def _without_stem(segments: list[str]) -> list[str]:
    """Return the segments from the key of the GTIN on; none where no key is found.

    Read from the end, as the standard asks: what stands before the keys is the host's affair.
    """
    for at in range(len(segments) - 2, -1, -2):
        if segments[at] == "01":
            return segments[at:]
        if segments[at] not in _NAMES:
            break
    return []


_READERS: dict[str, Callable[[str], Code]] = {
    "/01/": _digital_link,
    "/mu/": _unit_link,
    "/mb/": _group_link,
    "/ml/": _group_link,
}


def from_pairs(pairs: list[tuple[str, str]]) -> DigitalLink:
    """Return the link of keys and decoded values, GTIN first. Raises ``MalformedCode``."""
    (_, gtin), *qualifiers = pairs
    for key, value in qualifiers:
        if key not in _NAMES:
            raise MalformedCode(f"{key} cannot stand in the path of a code with a GTIN.")
        _check_value(key, value)
    keys = [key for key, _ in qualifiers]
    if len(set(keys)) != len(keys) or ("235" in keys and len(keys) > 1):
        raise MalformedCode("These keys cannot stand together in one code.")
    link = _with_sound_gtin(DigitalLink(gtin, *map(dict(qualifiers).get, PATH_KEYS[1:])))
    if keys != sorted(keys, key=PATH_KEYS.index):
        raise _wrong_order(link)
    return link


def _wrong_order(meant: DigitalLink) -> MalformedCode:
    return MalformedCode(
        "The parts of this code must stand in the order variant (22), lot (10), serial (21).",
        meant,
    )


def _check_value(key: str, value: str) -> None:
    if len(value) > _LONGEST[key] or not _CSET_82.fullmatch(value):
        raise MalformedCode(
            f"The {_NAMES[key]} in this code must be 1 to {_LONGEST[key]} letters, digits or "
            "common signs."
        )


def _with_sound_gtin(link: DigitalLink) -> DigitalLink:
    gtin = link.gtin
    if _is_gtin_14(gtin):
        return link
    message = "The GTIN in this code must have 14 digits and a right check digit."
    if len(gtin) in LENGTHS and gtin.isascii() and gtin.isdigit() and is_valid(gtin):
        raise ShortGtin(message, replace(link, gtin=gtin.zfill(14)))
    raise MalformedCode(message)


def _decoded(text: str) -> str:
    # Bytes beyond ASCII are refused with whatever else is not in character set 82.
    return unquote(text, encoding="latin-1")


@lru_cache(maxsize=4096)
def _is_gtin_14(text: str) -> bool:
    return _GTIN.fullmatch(text) is not None and is_valid(text)
