"""Reading codes: what was printed is read back, anything else is refused in words."""

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minting.gtin import check_digit
from minting.serials import ALPHABET, TOKEN_LENGTH, generate_tokens, resolver_url
from resolver.digital_link import (
    Code,
    DigitalLink,
    MalformedCode,
    NotACode,
    UnitLink,
    is_token,
    other_readings,
    parse,
)

CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
GTIN = "09506000134352"

gtins = st.from_regex(r"[0-9]{12}[1-9]", fullmatch=True).map(lambda body: body + check_digit(body))
values = st.text(st.sampled_from(CSET_82), min_size=1, max_size=20)
tokens = st.text(st.sampled_from(ALPHABET.decode()), min_size=TOKEN_LENGTH, max_size=TOKEN_LENGTH)


def read(path: str, raw: str | None = None) -> Code | None:
    """Return the code, or None where it is refused."""
    try:
        return parse(path, raw)
    except (NotACode, MalformedCode):
        return None


def as_served(canonical: str) -> tuple[str, str | None]:
    """Return a printed path as the server hands it over."""
    return unquote(canonical), canonical if "%2F" in canonical else None


@given(gtins, st.none() | values, st.none() | values, st.none() | values)
def test_what_was_printed_is_read_back(gtin, variant, lot, serial):
    link = DigitalLink(gtin, variant, lot, serial)
    assert parse(*as_served(link.canonical)) == link


@given(gtins, st.none() | values, st.none() | values, values)
def test_what_a_proxy_has_decoded_is_among_the_readings(gtin, variant, lot, serial):
    assume(not any("/10/" in v or "/21/" in v for v in (variant, lot) if v))
    link = DigitalLink(gtin, variant, lot, serial)
    path = unquote(link.canonical)
    first = parse(path)
    assert link == first or link in every(other_readings(path, None, first))


def every(readings: Iterator[DigitalLink]) -> Iterator[DigitalLink]:
    """Yield the readings up to the reason why there is none."""
    with suppress(MalformedCode):
        yield from readings


def test_a_slash_that_is_only_taken_for_a_part_of_a_value_makes_a_guess():
    for path, is_guess in (
        (f"/01/{GTIN}/21/A/B", True),
        (f"/01/{GTIN}/10/L1/22/V/21/S1", True),
        (f"/01/{GTIN}/10/L1/21/S1/", False),
    ):
        code = parse(path)
        assert isinstance(code, DigitalLink)
        assert code.is_guess is is_guess
    assert not parse(f"/01/{GTIN}/21/A/B", f"/01/{GTIN}/21/A%2FB").is_guess


@pytest.mark.parametrize(
    ("path", "words", "meant"),
    [
        ("/10/L1/22/V/21/S1", "order", DigitalLink(GTIN, "V", "L1", "S1")),
        (f"/21/{'A' * 20}/10/L1", "order", DigitalLink(GTIN, lot="L1", serial="A" * 20)),
        ("/10/L1/10/L2/21/S1", "together", None),
        ("/22/V/235/T/21/S1", "together", None),
        ("/10/L1/11/240101/21/S1", "11 cannot stand", None),
        ("/10/a/b/c/21/S1", "b cannot stand", None),
        ("/21/S1/foo", "%2F", None),
    ],
)
def test_a_guess_that_is_nothing_known_is_what_is_wrong_with_the_path(path, words, meant):
    whole = f"/01/{GTIN}{path}"
    with pytest.raises(MalformedCode, match=words) as caught:
        list(other_readings(whole, None, parse(whole)))
    assert caught.value.meant == meant


@given(gtins, tokens)
def test_the_url_a_batch_prints_is_read_back(gtin, token):
    printed = resolver_url(base="", gtin=gtin, token=token)
    assert parse(unquote(printed)) == DigitalLink(gtin, serial=token)
    assert DigitalLink(gtin, serial=token).canonical == printed
    printed = resolver_url(base="", gtin=None, token=token)
    assert parse(printed) == UnitLink(token)
    assert UnitLink(token).canonical == printed


@given(st.text(max_size=120))
def test_no_path_does_anything_but_parse_or_be_refused(text):
    for path in (text, f"/01/{text}", f"/01/{GTIN}/21/{text}", f"/mu/{text}"):
        link = read(path)
        assert link is None or read(*as_served(link.canonical)) == link


@given(values.filter(lambda value: not value.endswith("/")))
def test_a_slash_a_browser_added_to_a_full_serial_is_dropped(value):
    serial = value.ljust(20, "A")
    assert parse(f"/01/{GTIN}/21/{serial}/") == DigitalLink(GTIN, serial=serial)


@pytest.mark.parametrize(
    ("path", "link"),
    [
        (f"/01/{GTIN}", DigitalLink(GTIN)),
        (f"/01/{GTIN}/", DigitalLink(GTIN)),
        (f"/01/{GTIN}/10/L7", DigitalLink(GTIN, lot="L7")),
        (f"/01/{GTIN}/22/2A/10/L7/21/S9", DigitalLink(GTIN, "2A", "L7", "S9")),
        (f"/01/{GTIN}/10/A/B/21/C/D", DigitalLink(GTIN, lot="A/B", serial="C/D")),
        (f"/01/{GTIN}/21/S/", DigitalLink(GTIN, serial="S")),
        (f"/01/{GTIN}/21/%2F", DigitalLink(GTIN, serial="%2F")),
    ],
)
def test_each_shape_is_read(path, link):
    assert parse(path) == link


def test_every_character_of_the_set_may_stand_in_a_serial():
    for character in CSET_82:
        assert parse(f"/01/{GTIN}/21/a{character}b") == DigitalLink(GTIN, serial=f"a{character}b")


@pytest.mark.parametrize(
    "path", ["", "/", "/p/ABC", "/01", "/mu", "/02/123", "//01/x", "/health", "01/x", "/MU/x"]
)
def test_other_paths_are_no_codes(path):
    with pytest.raises(NotACode):
        parse(path)


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/01/", "GTIN"),
        ("/01/9506000134352", "14 digits"),
        ("/01/09506000134353", "check digit"),
        ("/01/00000000000000", "GTIN"),
        ("/01/٠٩٥٠٦٠٠٠١٣٤٣٥٢", "GTIN"),
        (f"/01/{GTIN}\n", "GTIN"),
        (f"/01/{GTIN}/21/", "serial number"),
        (f"/01/{GTIN}/21/{'A' * 21}", "serial number"),
        (f"/01/{GTIN}/21/a b", "serial number"),
        (f"/01/{GTIN}/21/a\x00b", "serial number"),
        (f"/01/{GTIN}/21/a\n", "serial number"),
        (f"/01/{GTIN}/21/Ã©", "serial number"),
        (f"/01/{GTIN}/10//21/A", "lot"),
        (f"/01/{GTIN}/22/#/21/A", "variant"),
        (f"/01/{GTIN}/99/A", "99 cannot stand"),
        (f"/01/{GTIN}/A", "After the GTIN"),
        (f"/01/{GTIN}/21/{'A' * 200}", "longer"),
        ("/mu/", "capital letters"),
        ("/mu/ABC", "capital letters"),
        ("/mu/abcdefghjkmnpqrstuvw", "capital letters"),
        ("/mu/ABCDEFGHJKLMNPQRSTU0", "capital letters"),
    ],
)
def test_a_broken_code_is_refused_in_words(path, word):
    with pytest.raises(MalformedCode, match=word):
        parse(path)


def test_tokens_are_told_from_other_text():
    assert all(is_token(token) for token in generate_tokens(50))
    assert not any(is_token(text) for text in ("", "A", "A" * 21, "a" * 20, "A" * 19 + "\n"))
