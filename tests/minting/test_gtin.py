"""GTINs as people type them, and which brand's they are."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minting.gtin import (
    InvalidGtin,
    belongs_to_prefix,
    check_digit,
    is_valid,
    normalise,
)

bodies = st.sampled_from([7, 11, 12, 13]).flatmap(
    lambda length: st.text("0123456789", min_size=length, max_size=length)
)


@st.composite
def gtins(draw: st.DrawFn) -> str:
    body = draw(bodies)
    assume(body.strip("0"))
    return body + check_digit(body)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("96385074", "00000096385074"),
        ("036000291452", "00036000291452"),
        ("9524010000016", "09524010000016"),
        ("19524010000013", "19524010000013"),
        (" 9 524010-000016\n", "09524010000016"),
    ],
)
def test_every_length_is_stored_as_fourteen_digits(written: str, stored: str) -> None:
    assert normalise(written) == stored


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("", "enter the 8, 12, 13 or 14 digits"),
        ("   ", "enter the 8, 12, 13 or 14 digits"),
        ("952401000001", "should be 7, not 1"),
        ("9524010000017", "should be 6, not 7"),
        ("123456789", "has 8, 12, 13 or 14 digits and this has 9"),
        ("123456789012345", "this has 15"),
        ("952401000001X", "remove letters"),
        ("९५२४०१००००००१६", "remove letters"),
        ("9.52401E+12", "format the column as text"),
        ("9,52401E+12", "format the column as text"),
        ("00000000000000", "enter the one GS1 assigned"),
    ],
)
def test_a_refusal_says_what_to_do(written: str, remedy: str) -> None:
    with pytest.raises(InvalidGtin, match=remedy):
        normalise(written)
    assert not is_valid(written)


def test_invalid_gtin_is_a_value_error() -> None:
    assert issubclass(InvalidGtin, ValueError)


def test_a_check_digit_needs_digits_only() -> None:
    with pytest.raises(InvalidGtin, match="digits only"):
        check_digit("95240100000X")


@given(gtins())
def test_normalising_keeps_the_digits_and_can_be_repeated(gtin: str) -> None:
    stored = normalise(gtin)
    assert len(stored) == 14
    assert int(stored) == int(gtin)
    assert normalise(stored) == stored
    assert is_valid(gtin)


@given(gtins(), st.data())
def test_one_wrong_digit_is_always_noticed(gtin: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(gtin) - 1))
    wrong = data.draw(st.sampled_from("0123456789".replace(gtin[place], "")))
    assert not is_valid(gtin[:place] + wrong + gtin[place + 1 :])


@given(bodies)
def test_the_weighted_sum_with_the_check_digit_is_a_multiple_of_ten(body: str) -> None:
    digits = [int(digit) for digit in body + check_digit(body)]
    weighted = sum(d * (3 if i % 2 else 1) for i, d in enumerate(reversed(digits)))
    assert weighted % 10 == 0


@given(bodies)
def test_leading_zeros_do_not_change_the_check_digit(body: str) -> None:
    assert check_digit(body.zfill(13)) == check_digit(body)


@given(st.text())
def test_any_text_is_either_a_gtin_or_refused(text: str) -> None:
    if is_valid(text):
        assert len(normalise(text)) == 14
    else:
        with pytest.raises(InvalidGtin):
            normalise(text)


def test_a_prefix_is_compared_after_the_indicator_digit() -> None:
    assert belongs_to_prefix("09524010000016", ["9524010"])
    assert belongs_to_prefix("19524010000013", ["9524010"])
    assert not belongs_to_prefix("09524010000016", ["0952401"])


def test_any_of_several_prefixes_will_do_and_none_means_no() -> None:
    assert belongs_to_prefix("09524010000016", ["123456", "9524010"])
    assert not belongs_to_prefix("09524010000016", ["9524011", "952402"])
    assert not belongs_to_prefix("09524010000016", [])


@pytest.mark.parametrize("prefix", ["", "9", "95240", "9524010000016", "952401x", "९५२४०१०", " "])
def test_what_is_not_a_company_prefix_owns_nothing(prefix: str) -> None:
    assert not belongs_to_prefix("09524010000016", [prefix])


def test_a_upc_prefix_counts_with_its_leading_zero() -> None:
    assert belongs_to_prefix(normalise("036000291452"), ["0036000"])
    assert not belongs_to_prefix(normalise("036000291452"), ["036000"])


def test_a_gtin_8_belongs_to_no_company_prefix() -> None:
    assert not belongs_to_prefix(normalise("96385074"), ["963850", "000009", "0000096"])


def test_asking_about_no_gtin_is_refused_rather_than_answered() -> None:
    with pytest.raises(InvalidGtin):
        belongs_to_prefix("9524010", ["9524010"])


@given(st.text("0123456789", min_size=6, max_size=12), st.data())
def test_a_gtin_made_under_a_prefix_belongs_to_it(prefix: str, data: st.DataObject) -> None:
    assume(not prefix.startswith("00000"))
    rest = data.draw(st.text("0123456789", min_size=12 - len(prefix), max_size=12 - len(prefix)))
    indicator = data.draw(st.sampled_from("012345678"))
    body = indicator + prefix + rest
    assert belongs_to_prefix(body + check_digit(body), [prefix])
