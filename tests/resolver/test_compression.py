"""Compressed codes lead where their long forms do."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.compression import decompress
from resolver.digital_link import DigitalLink
from tests.resolver.scanning import scan
from tests.resolver.units import mint
from tests.resolver.verdicts import FILE

GTIN = "09506000134352"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
WRITTEN_BY_GS1S_TOOLKIT = json.loads(FILE.with_name("compressed_links.json").read_text())["links"]


def packed(*fields: tuple[int, int]) -> str:
    """Return numbers of so many bits each as base64url characters, filled up with zeros."""
    bits = "".join(f"{number:0{width}b}" for number, width in fields)
    bits += "0" * (-len(bits) % 6)
    return "".join(ALPHABET[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))


def digits(text: str) -> tuple[tuple[int, int], ...]:
    """Return characters that are all digits: encoding 0, a length of up to 20, one number."""
    width = {1: 4, 2: 7, 3: 10}[len(text)]
    return (0, 3), (len(text), 5), (int(text), width)


def test_what_gs1s_toolkit_wrote_is_read_back():
    assert len(WRITTEN_BY_GS1S_TOOLKIT) >= 300
    assert {path.count("/") for path, _ in WRITTEN_BY_GS1S_TOOLKIT} == {1, 3}
    for path, long_form in WRITTEN_BY_GS1S_TOOLKIT:
        found = decompress(path)
        assert found, path
        link, query = found
        assert link.canonical + (f"?{query}" if query else "") == long_form


@pytest.mark.parametrize("order", ["as the standard lists it", "as GS1's toolkit sorts it"])
def test_both_orders_of_lot_serial_and_expiry_are_read(order):
    lot, serial, expiry = digits("12"), digits("007"), ((271231, 20),)
    standard = order.startswith("as the standard")
    values = (*lot, *serial, *expiry) if standard else (*lot, *expiry, *serial)
    text = packed((0x1A, 8), (int(GTIN), 47), *values)
    assert decompress(f"/{text}") == (DigitalLink(GTIN, lot="12", serial="007"), "17=271231")


@pytest.mark.parametrize(
    "fields",
    [
        [(0x01, 8), (int(GTIN) + 1, 47)],  # a wrong check digit
        [(0x00, 8), (0, 60)],  # the key of a logistic unit
        [(0x01, 8), (int(GTIN), 47), (0x01, 8), (int(GTIN), 47)],  # a key twice
        [(0x01, 8), (int(GTIN), 47), (0x17, 8), (271399, 20)],  # no such day
        [(0x01, 8), (int(GTIN), 47), (0x21, 8), (5, 3), (1, 5), (0, 7)],  # no such encoding
        [(0x01, 8), (int(GTIN), 47), (0x21, 8), (0, 3), (20, 5), (0, 30)],  # ends too early
        [(0x01, 8), (int(GTIN), 47), (0x21, 8), (0, 3), (2, 5), (100, 7)],  # three digits in two
        [(0x01, 8), (int(GTIN), 47), (1, 1)],  # bits left over
        [(0x01, 8), (2**47 - 1, 47)],  # a number of 15 digits
        [(0xBB, 8), (0, 60)],  # no such combination
    ],
)
def test_what_is_no_compressed_trade_item_is_not_read(fields):
    assert decompress(f"/{packed(*fields)}") is None
    assert decompress(f"/01/{GTIN}/{packed(*fields)}") is None


@given(st.text(st.sampled_from(ALPHABET), max_size=80))
def test_no_text_does_anything_but_be_read_or_not(text):
    for path in (f"/{text}", f"/01/{GTIN}/{text}"):
        found = decompress(path)
        assert found is None or found[0].gtin.isdigit()


@pytest.mark.django_db(transaction=True)
@pytest.mark.plane("resolver")
@pytest.mark.usefixtures("connections")
def test_a_scan_of_a_compressed_code_is_answered_and_told_its_long_form(nordhav):
    minted = mint(nordhav, serials=["007"])
    whole = packed((0x0C, 8), (int(minted.gtin), 47), *digits("007"))
    rest = packed((0x21, 8), *digits("007"), (0x17, 8), (271231, 20))
    for path, inside in ((f"/{whole}", ""), (f"/01/{minted.gtin}/{rest}", "17=271231")):
        answer = scan(path, query="a=1", host="nordhav.example")
        both = f"{inside}&a=1" if inside else "a=1"
        assert (answer.status, answer.page) == (307, f"/p/{minted.tokens[0]}?{both}")
        long_form = f"/01/{minted.gtin}/21/007" + (f"?{inside}" if inside else "")
        same = f'<http://nordhav.example{long_form}>; rel="owl:sameAs"'
        assert answer.headers["Link"].startswith(f"{same}, <?linkType=linkset>")
    assert scan(f"/{whole}", "POST").status == 405
