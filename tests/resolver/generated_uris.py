"""Makes texts of codes, sound ones and broken ones, always the same for the same seed.

Only what ``random.Random`` promises to keep between releases of Python is used, so that verdicts
on these texts can be kept in a file.
"""

from collections.abc import Iterator
from random import Random
from urllib.parse import quote

from minting.gtin import check_digit

CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_PLAIN = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_HOSTS = ("https://id.example.com", "http://id.example.com", "HTTPS://ID.EXAMPLE.COM")
_STEMS = ("", "", "", "", "/some/stem", "/x")
_OTHERS = ("linkType=gs1:pip", "utm_source=a%20b", "lang=de", "flag", "k=", "a=1&a=2")
_ODD = ("%", "%2", "%ZZ", "%00", "%C3%A9", " ", "#x", "^", "%2F", "%252F", "//", "+", "~", "@", "é")
_UNKNOWN = ("89", "123456", "0", "3990", "9", "1000", "8888")


def generate(seed: int, count: int) -> Iterator[str]:
    """Yield ``count`` texts: about half as the standard asks, half with one thing wrong."""
    random = Random(seed)
    for _ in range(count):
        uri = _sound(random)
        yield uri if random.random() < 0.5 else _broken(random, uri)


def _sound(random: Random) -> str:
    keys = [key for key in ("22", "10", "21") if random.random() < 0.5]
    if random.random() < 0.1:
        keys = ["235"]
    return _written(random, _gtin(random), [(key, _value(random, key)) for key in keys])


def _written(random: Random, gtin: str, pairs: list[tuple[str, str]]) -> str:
    path = "".join(f"/{key}/{_encoded(random, value)}" for key, value in pairs)
    uri = f"{random.choice(_HOSTS)}{random.choice(_STEMS)}/01/{gtin}{path}"
    query = [_attribute(random) for _ in range(random.choice((0, 0, 0, 1, 1, 2)))]
    if random.random() < 0.2:
        query.append(random.choice(_OTHERS))
    return f"{uri}?{'&'.join(query)}" if query else uri


def _gtin(random: Random) -> str:
    body = "".join(random.choice("0123456789") for _ in range(12)) + random.choice("123456789")
    return body + check_digit(body)


def _value(random: Random, key: str) -> str:
    longest = 28 if key == "235" else 20
    letters = random.choice((CSET_82, _PLAIN, _PLAIN))
    return "".join(random.choice(letters) for _ in range(random.randrange(1, longest + 1)))


def _encoded(random: Random, value: str) -> str:
    if random.random() < 0.1:
        return "".join(f"%{ord(letter):02{random.choice('Xx')}}" for letter in value)
    return quote(value, safe=random.choice(("", "!'()*,-.:;=_")))


def _attribute(random: Random) -> str:
    kind = random.randrange(8)
    digits = "".join(random.choice("0123456789") for _ in range(13))
    if kind < 3:
        month, day = random.randrange(0, 14), random.randrange(0, 33)
        key = random.choice(("11", "13", "15", "16", "17"))
        return f"{key}={random.randrange(100):02}{month:02}{day:02}"
    if kind == 3:
        return (
            f"{random.choice(('240', '241', '250', '251'))}={quote(_value(random, '21'), safe='')}"
        )
    if kind == 4:
        return f"{random.choice(('3100', '3105', '3299', '3922', '30', '242'))}={digits[:6]}"
    if kind == 5:
        return f"{random.choice(('410', '414', '417'))}={digits[:12]}{check_digit(digits[:12])}"
    if kind == 6:
        return f"7003={digits[:2]}{random.randrange(1, 13):02}15{random.randrange(26):02}30"
    return f"{random.choice(('90', '98', '400', '710'))}={_value(random, '22').replace('&', 'x')}"


def _broken(random: Random, uri: str) -> str:
    return random.choice(_FAULTS)(random, uri)


def _with_odd_text(random: Random, uri: str) -> str:
    at = random.randrange(8, len(uri))
    return uri[:at] + random.choice(_ODD) + uri[at:]


def _with_a_letter_less(random: Random, uri: str) -> str:
    at = random.randrange(8, len(uri))
    return uri[:at] + uri[at + 1 :]


def _with_another_letter(random: Random, uri: str) -> str:
    at = random.randrange(8, len(uri))
    return uri[:at] + random.choice(CSET_82) + uri[at + 1 :]


def _with_an_unknown_attribute(random: Random, uri: str) -> str:
    return f"{uri}{'&' if '?' in uri else '?'}{random.choice(_UNKNOWN)}=1"


def _with_a_key_in_the_query(random: Random, uri: str) -> str:
    return f"{uri}{'&' if '?' in uri else '?'}{random.choice(('10', '21', '22', '01'))}=A1"


def _with_keys_in_disorder(random: Random, _: str) -> str:
    keys = [random.choice(("22", "10", "21", "235", "99", "8006", "gtin")) for _ in range(3)]
    return _written(random, _gtin(random), [(key, _value(random, "21")) for key in keys])


def _with_a_long_value(random: Random, _: str) -> str:
    return _written(random, _gtin(random), [("21", _value(random, "235") + "Z" * 9)])


def _with_a_gtin_of_another_length(random: Random, _: str) -> str:
    gtin = _gtin(random).lstrip("0")
    return _written(random, random.choice((gtin[1:], gtin[:-1], gtin[2:], f"0{gtin}")), [])


def _with_another_scheme(random: Random, uri: str) -> str:
    return uri.replace("https", random.choice(("ftp", "Https", "")))


_FAULTS = (
    _with_odd_text,
    _with_a_letter_less,
    _with_another_letter,
    _with_an_unknown_attribute,
    _with_a_key_in_the_query,
    _with_keys_in_disorder,
    _with_a_long_value,
    _with_a_gtin_of_another_length,
    _with_another_scheme,
)
