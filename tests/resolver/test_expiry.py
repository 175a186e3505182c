"""The expiry date that a code states."""

from datetime import date

import pytest

from resolver.expiry import expiry_of

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("query", "expires"),
    [
        ("", None),
        ("x=1", None),
        ("17=271231", date(2027, 12, 31)),
        ("a=b&17=240200", date(2024, 2, 29)),
        ("17=760101", date(2076, 1, 1)),
        ("17=770101", date(1977, 1, 1)),
        ("17=271399", None),
        ("17=27", None),
        ("17=271231&17=261231", None),
        ("15=271231", None),
    ],
)
def test_a_date_is_read_where_there_is_one(query, expires):
    assert expiry_of(query, TODAY) == expires


def test_the_century_is_the_one_that_is_nearest():
    assert expiry_of("17=010101", date(2099, 1, 1)) == date(2101, 1, 1)
