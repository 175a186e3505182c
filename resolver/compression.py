"""Reads compressed GS1 Digital Links. Pure.

A compressed link is one segment of base64url characters in place of keys and values: after the
host, or after ``/01/{gtin}``. Its bits are, again and again, a key and its value. Two hexadecimal
digits name a key, or begin one, or stand for several keys that often go together; a value's digits
are one number, its characters four, six or seven bits each. Source: GS1 Digital Link Standard:
Compression 1.0.
"""

import re
from math import ceil, log2
from urllib.parse import quote

from resolver.attributes import Component, UnsoundAttribute, attributes_of, components_of
from resolver.digital_link import PATH_KEYS, DigitalLink, MalformedCode, from_pairs

# A GTIN alone takes 55 bits.
SHORTEST = 10

_SEGMENT = re.compile(r"/(?:01/([0-9]{14})/)?([A-Za-z0-9_-]{2,400})/?")
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# The characters of an encoding, and the bits that each takes; encoding 0 is one number.
_ALPHABETS = {
    1: ("0123456789abcdef", 4),
    2: ("0123456789ABCDEF", 4),
    3: (_BASE64, 6),
    4: ("".join(map(chr, range(128))), 7),
}
_KEY_BITS = 8

# Of the keys that begin with these digits, those of a trade item: how many digits each has.
_KEY_LENGTHS = {
    **dict.fromkeys(["01", "10", "11", "13", "15", "16", "17", "20", "21", "22", "30"], 2),
    **{f"{number}": 2 for number in range(90, 100)},
    **dict.fromkeys(["23", "24", "25", "40", "41", "42", "71"], 3),
    **dict.fromkeys(["31", "32", "33", "34", "35", "36", "39", "43", "70", "72", "80", "81"], 4),
}
_TOGETHER = {
    "0A": ("01", "22"),
    "0B": ("01", "10"),
    "0C": ("01", "21"),
    "0D": ("01", "17"),
    "0E": ("01", "7003"),
    "0F": ("01", "30"),
    "1A": ("01", "10", "21", "17"),
    "1B": ("01", "15"),
    "1C": ("01", "11"),
    "1D": ("01", "16"),
    "1E": ("01", "91"),
    "1F": ("01", "10", "15"),
    **{f"2{letter}": ("01", f"310{place}") for place, letter in enumerate("ABCDEF")},
    **{f"3{letter}": ("01", f"320{place}") for place, letter in enumerate("ABCDEF")},
    **{f"A{place}": ("01", f"392{place}") for place in range(10)},
}
# GS1's own toolkit writes the values of this one in the order of their keys.
_SORTED_TOGETHER = {**_TOGETHER, "1A": ("01", "10", "17", "21")}


class NotCompressed(ValueError):
    """These bits are no keys and values of a trade item."""


def decompress(path: str) -> tuple[DigitalLink, str] | None:
    """Return the link that a path is the compressed form of, and the query that belongs to it.

    None where the path is no compressed link of a trade item.
    """
    found = _SEGMENT.fullmatch(path)
    if found is None or (found[1] is None and len(found[2]) < SHORTEST):
        return None
    # Two orders of values are in use for one combination of keys; the values show which is meant.
    for together in (_TOGETHER, _SORTED_TOGETHER):
        try:
            return _checked(found[1], *_Reader(found[2]).read_all(together))
        except (NotCompressed, MalformedCode, UnsoundAttribute):
            continue
    return None


def _checked(
    gtin: str | None, known: dict[str, str], others: dict[str, str]
) -> tuple[DigitalLink, str]:
    values = {"01": gtin, **known} if gtin else known
    if "01" not in values:
        raise NotCompressed("It names no trade item.")
    link = from_pairs([(key, values[key]) for key in PATH_KEYS if key in values])
    rest = {key: value for key, value in values.items() if key not in PATH_KEYS} | others
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in rest.items())
    attributes_of(query)
    return link, query


class _Reader:
    """Takes bits from the left of a text of base64url characters."""

    def __init__(self, text: str) -> None:
        self._left = 6 * len(text)
        self._bits = 0
        for letter in text:
            self._bits = self._bits << 6 | _BASE64.index(letter)

    def read_all(
        self, together: dict[str, tuple[str, ...]]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return all values, by GS1 key and by other key."""
        known: dict[str, str] = {}
        others: dict[str, str] = {}
        # What does not fill a character is zeros, and a key takes eight bits.
        while self._left >= _KEY_BITS:
            head = f"{self._take(_KEY_BITS):02X}"
            if head.startswith("F"):
                name = self._other_key(head)
                others[name] = self._characters(self._take(3), self._take(7))
                continue
            for key in together.get(head) or (self._key(head),):
                if key in known:
                    raise NotCompressed("A key stands there twice.")
                known[key] = self._value(key)
        if self._bits & ((1 << self._left) - 1):
            raise NotCompressed("Bits are left over.")
        return known, others

    def _take(self, count: int) -> int:
        if count > self._left:
            raise NotCompressed("It ends too early.")
        self._left -= count
        return self._bits >> self._left & (1 << count) - 1

    def _key(self, head: str) -> str:
        length = _KEY_LENGTHS.get(head, 0)
        key = head + "".join(f"{self._take(4):X}" for _ in range(length - 2))
        if not length or not key.isdigit():
            raise NotCompressed(f"{key} is no key of a trade item.")
        return key

    def _other_key(self, head: str) -> str:
        length = int(head[1], 16) << 3 | self._take(3)
        return "".join(_BASE64[self._take(6)] for _ in range(length))

    def _value(self, key: str) -> str:
        components = components_of(key)
        if components is None:
            raise NotCompressed(f"{key} is no key of a trade item.")
        return "".join(map(self._component, components))

    def _component(self, component: Component) -> str:
        encoding = 0 if component.is_numeric else self._take(3)
        length = component.length
        if not component.is_fixed:
            length = self._take(ceil(log2(length) + 0.01))
        return self._characters(encoding, length)

    def _characters(self, encoding: int, length: int) -> str:
        if encoding == 0:
            number = str(self._take(ceil(length * log2(10) + 0.01)) if length else "")
            if len(number) > length:
                raise NotCompressed("A number is too long.")
            return number.zfill(length)
        try:
            alphabet, bits = _ALPHABETS[encoding]
        except KeyError:
            raise NotCompressed("An encoding that does not exist.") from None
        return "".join(alphabet[self._take(bits)] for _ in range(length))
