"""Tokens and the text of codes."""

from collections import Counter
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minting import serials
from minting.serials import ALPHABET, generate_tokens, resolver_url

CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


def test_a_cycle_of_tokens_is_distinct_sorted_and_of_one_prefix():
    tokens = generate_tokens(20_000)
    assert len(set(tokens)) == 20_000
    assert tokens == sorted(tokens)
    assert len({token[:5] for token in tokens}) == 1


def test_two_cycles_share_no_prefix_in_practice():
    prefixes = [generate_tokens(1)[0][:5] for _ in range(200)]
    assert len(set(prefixes)) > 190


def test_a_token_fits_ai_21_and_has_no_look_alikes():
    (token,) = generate_tokens(1)
    assert len(token) == 20
    assert set(token) <= set(ALPHABET.decode())
    assert not set("01IOilo") & set(ALPHABET.decode())
    assert len(set(ALPHABET)) == 32


def test_letters_are_equally_likely_at_every_place():
    tails = "".join(token[5:] for token in generate_tokens(20_000))
    counts = Counter(tails)
    expected = len(tails) / 32
    # 300,000 letters: six standard deviations, wrong once in a hundred million runs.
    assert all(abs(count - expected) < 6 * (expected * 31 / 32) ** 0.5 for count in counts.values())


def test_a_duplicate_within_a_cycle_is_replaced(monkeypatch):
    texts = iter(["AAAAA", "B" * 30, "CCCCC", "D" * 15 + "E" * 15])
    monkeypatch.setattr(serials, "_random_text", lambda length: next(texts))
    assert generate_tokens(2) == ["CCCCC" + "D" * 15, "CCCCC" + "E" * 15]


def test_a_unit_with_a_gtin_gets_a_gs1_digital_link():
    url = resolver_url(base="https://id.example", gtin="09506000134352", token="ABC")
    assert url == "https://id.example/01/09506000134352/21/ABC"


def test_a_lot_stands_before_the_serial():
    url = resolver_url(base="https://id.example", gtin="09506000134352", lot="L1", token="ABC")
    assert url == "https://id.example/01/09506000134352/10/L1/21/ABC"


def test_a_unit_without_a_gtin_is_named_by_its_token_whatever_its_serial():
    assert resolver_url(base="https://id.example", gtin=None, token="AB", serial="S/1") == (
        "https://id.example/mu/AB"
    )


@pytest.mark.parametrize(("serial", "printed"), [("a/b", "a%2Fb"), ("A+B", "A%2BB"), ("x", "x")])
def test_reserved_characters_are_percent_encoded(serial, printed):
    url = resolver_url(base="https://id.example", gtin="09506000134352", token="T", serial=serial)
    assert url.endswith(f"/21/{printed}")


@given(st.text(CSET_82, min_size=1, max_size=20))
def test_any_serial_comes_back_from_its_url(serial):
    url = resolver_url(base="https://id.example", gtin="09506000134352", token="T", serial=serial)
    assert unquote(url.rsplit("/", 1)[1]) == serial
