"""Checks what stands after the question mark of a GS1 Digital Link. Pure.

A key of digits is a GS1 Application Identifier and must be one that may describe a trade item;
every other key is somebody else's (``linkType``, ``utm_source``) and is let through. Sources: GS1
Digital Link Standard: URI Syntax, data attributes; GS1 General Specifications, section 3, for the
formats.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote

from minting.gtin import check_digit
from minting.serial_rules import CSET_82

# One a line: the identifiers, then the parts of the value. N is a digit, X a character of set 82,
# Y of set 39, Z of base64url, with a length or (..) a greatest length; [] may be left out. A word
# after a comma is one of ``_MEANINGS``.
_FORMATS = """
00 N18,checked
02 N14,checked
10 X..20
11-13 15-17 N6,day_or_month
20 N2
240 241 250 251 X..30
242 N..6
243 X..20
253 N13,checked [X..17]
255 N13,checked [N..12]
30 37 N..8
3100-3105 3110-3115 3120-3125 3130-3135 3140-3145 3150-3155 3160-3165 N6
3200-3205 3210-3215 3220-3225 3230-3235 3240-3245 3250-3255 3260-3265 3270-3275 N6
3280-3285 3290-3295 3300-3305 3310-3315 3320-3325 3330-3335 3340-3345 3350-3355 N6
3360-3365 3370-3375 3400-3405 3410-3415 3420-3425 3430-3435 3440-3445 3450-3455 N6
3460-3465 3470-3475 3480-3485 3490-3495 3500-3505 3510-3515 3520-3525 3530-3535 N6
3540-3545 3550-3555 3560-3565 3570-3575 3600-3605 3610-3615 3620-3625 3630-3635 N6
3640-3645 3650-3655 3660-3665 3670-3675 3680-3685 3690-3695 3950-3955 N6
3900-3909 3920-3929 N..15
3910-3919 3930-3939 N3 N..15
3940-3943 N4
400 401 403 X..30
402 N17,checked
410-417 N13,checked
420 X..20
421 N3 X..9
422 424 426 N3
423 425 N3 [N3] [N3] [N3] [N3]
427 X..3
4300 4301 4310 4311 4320 X..35
4302-4306 4312-4316 X..70
4307 4317 X2
4308 4319 X..30
4309 N20
4318 X..20
4321-4323 N1
4324 4325 N6,day_or_month N4,minute
4326 N6,day
4330-4333 N6 [X1]
7001 N13
7002 7023 X..30
7003 N6,day N4,minute
7004 N..4
7005 X..12
7006 N6,day
7007 N6,day [N6,day]
7008 X..3
7009 X..10
7010 X..2
7011 N6,day [N4,minute]
7020-7022 X..20
7030-7039 N3 X..27
710-717 X..20
7230-7239 X2 X..28
7240 X..20
7241 N2
7242 X..25
7250 N8,whole_day
7251 N8,whole_day N4,minute
7252 N1
7253 7254 7259 X..40
7255 X..10
7256 X..90
7257 X..70
7258 X3
8001 N14
8002 8012 X..20
8003 N1 N13,checked [X..16]
8004 X..30
8005 N6
8006 8026 N14,checked N4
8007 X..34
8008 N6,day N2,hour [N2,sixtieth] [N2,sixtieth]
8009 X..50
8010 Y..30
8013 X..25
8017 8018 N18,checked
8030 Z..90
8110 8112 X..70
8111 N4
90 X..30
91-99 X..90
"""
_CHARACTERS = {
    "N": "[0-9]",
    "X": CSET_82,
    "Y": r"[#\-/0-9A-Z]",
    "Z": r"[0-9A-Z_a-z\-]",
}
_PART = re.compile(r"(\[?)([NXYZ])(\.\.)?([0-9]+)(?:,([a-z_]+))?\]?")
_MEASURE = re.compile(r"(3[1-6][0-9]|39[1-5])[0-9]")
_KEY_OF_DIGITS = re.compile(r"(?:^|&)[0-9]+=")

# Keys and qualifiers stand in the path: a second place would be a second truth.
_OF_THE_PATH = {"01": "GTIN", "10": "lot", "21": "serial number", "22": "variant", "235": "TPX"}
# These say the item is another kind of thing than a trade item with a GTIN.
_NOT_WITH_A_GTIN = frozenset({"02", "255", "37"})


class UnsoundAttribute(ValueError):
    """An attribute breaks the rules; the message says which and how."""


def attributes_of(query: str, *, has_extension: bool = False) -> dict[str, str]:
    """Return the attributes in a raw query, by identifier, percent-decoded once.

    A lot is one where the path ``has_extension`` (235), since no lot can stand there then. Keys
    that are not all digits are not looked at. Raises ``UnsoundAttribute``.
    """
    if not _KEY_OF_DIGITS.search(query):
        return {}
    found: dict[str, str] = {}
    for identifier, value in _pairs(query):
        if any(_states_the_same(identifier, other) for other in found):
            raise UnsoundAttribute(f"The code states attribute {identifier} twice.")
        if not (identifier == "10" and has_extension):
            _refuse_misplaced(identifier)
        _check(identifier, value)
        found[identifier] = value
    return found


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for pair in query.split("&"):
        key, equals, value = pair.partition("=")
        if equals and key.isascii() and key.isdigit():
            yield key, unquote(value.replace("+", " "), encoding="latin-1")


def _states_the_same(one: str, other: str) -> bool:
    """Tell whether two identifiers are equal, or one measure with other decimal places."""
    measure = _MEASURE.fullmatch(one)
    return one == other or (measure is not None and _MEASURE.sub(r"\1", other) == measure[1])


def _refuse_misplaced(identifier: str) -> None:
    if identifier in _OF_THE_PATH:
        raise UnsoundAttribute(
            f"The {_OF_THE_PATH[identifier]} ({identifier}) belongs in the code's path."
        )
    if identifier in _NOT_WITH_A_GTIN:
        raise UnsoundAttribute(f"Attribute {identifier} cannot stand beside a GTIN.")


def _check(identifier: str, value: str) -> None:
    parts = _PARTS.get(identifier)
    if parts is None:
        raise UnsoundAttribute(f"{identifier} is not an attribute that GS1 knows.")
    whole, meanings = parts
    read = whole.fullmatch(value)
    if read is None:
        raise UnsoundAttribute(f"Attribute {identifier} does not have the form GS1 gives it.")
    for text, meaning in zip(read.groups(), meanings, strict=True):
        if meaning is not None and text is not None and not meaning(text):
            raise UnsoundAttribute(f"Attribute {identifier} holds no possible value.")


def _is_checked(text: str) -> bool:
    return check_digit(text[:-1]) == text[-1]


def _is_day(text: str) -> bool:
    # A year of two digits is within fifty years of now, so 00 may be a leap year: 2000 was.
    year, month, day = (int(text[at : at + 2]) for at in (0, 2, 4))
    try:
        date(2000 + year, month, day)
    except ValueError:
        return False
    return True


def _is_day_or_month(text: str) -> bool:
    return _is_day(text[:4] + "01") if text.endswith("00") else _is_day(text)


def _is_whole_day(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def _is_minute(text: str) -> bool:
    return _is_hour(text[:2]) and _is_sixtieth(text[2:])


def _is_hour(text: str) -> bool:
    return text < "24"


def _is_sixtieth(text: str) -> bool:
    return text < "60"


_Meaning = Callable[[str], bool]
_MEANINGS: dict[str, _Meaning] = {
    "checked": _is_checked,
    "day": _is_day,
    "day_or_month": _is_day_or_month,
    "whole_day": _is_whole_day,
    "minute": _is_minute,
    "hour": _is_hour,
    "sixtieth": _is_sixtieth,
}
_Parts = tuple[re.Pattern[str], tuple[_Meaning | None, ...]]


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a value as compression writes it: digits or characters, how many of them."""

    is_numeric: bool
    length: int
    is_fixed: bool


def components_of(identifier: str) -> tuple[Component, ...] | None:
    """Return the parts of a value, neighbours of one kind as one, or None for an unknown key."""
    parts = _OF_QUALIFIERS.get(identifier) or _COMPONENTS.get(identifier)
    merged: list[Component] = []
    for part in parts or ():
        last = merged[-1] if merged else None
        if last and (last.is_numeric, last.is_fixed) == (part.is_numeric, part.is_fixed):
            merged[-1] = Component(part.is_numeric, last.length + part.length, part.is_fixed)
        else:
            merged.append(part)
    return tuple(merged) or None


def _read_formats() -> tuple[dict[str, _Parts], dict[str, list[Component]]]:
    formats: dict[str, _Parts] = {}
    components: dict[str, list[Component]] = {}
    for line in _FORMATS.split("\n"):
        words = line.split()
        identifiers = [word for word in words if word[0].isdigit()]
        parts = [part for word in words if (part := _PART.fullmatch(word))]
        for identifier in identifiers:
            first, _, last = identifier.partition("-")
            for number in range(int(first), int(last or first) + 1):
                name = f"{number:0{len(first)}}"
                formats[name] = _compiled(parts)
                components[name] = [_component(*part.group(1, 2, 3, 4)) for part in parts]
    return formats, components


def _component(optional: str, kind: str, at_most: str | None, length: str) -> Component:
    return Component(kind == "N", int(length), not (optional or at_most))


def _compiled(parts: list[re.Match[str]]) -> _Parts:
    pattern, meanings = "", []
    for part in parts:
        optional, kind, at_most, length, meaning = part.groups()
        repeats = f"{{1,{length}}}" if at_most else f"{{{length}}}"
        pattern += f"({_CHARACTERS[kind]}{repeats})" + ("?" if optional else "")
        meanings.append(_MEANINGS[meaning] if meaning else None)
    return re.compile(pattern), tuple(meanings)


_PARTS, _COMPONENTS = _read_formats()
_OF_QUALIFIERS = {
    "01": [Component(is_numeric=True, length=14, is_fixed=True)],
    **{key: [Component(is_numeric=False, length=20, is_fixed=False)] for key in ("10", "21", "22")},
    "235": [Component(is_numeric=False, length=28, is_fixed=False)],
}
