"""What a scan found reaches the page it leads to, and no other."""

import time
from unittest.mock import patch

import pytest

from resolver.finding import LASTS_SECONDS, NOTHING, Finding, TagVerdict, read, signed

TOKEN, OTHER = "0123456789ABCDEFGHJKMN", "0123456789ABCDEFGHJKMP"
FIRST = Finding(is_first_scan=True)
ALL = [
    Finding(is_first_scan=is_first, is_test=is_test, tag=tag)
    for is_first in (False, True)
    for is_test in (False, True)
    for tag in (None, *TagVerdict)
]


@pytest.mark.parametrize("finding", ALL)
def test_the_page_reads_what_the_scan_found(finding):
    assert read(TOKEN, signed(TOKEN, finding)) == finding


def test_what_was_found_of_one_unit_says_nothing_of_another():
    assert read(OTHER, signed(TOKEN, FIRST)) == NOTHING


@pytest.mark.parametrize("text", ["", "first", "first~", "first~1vT6b2~", "~~", "first~x~y"])
def test_a_finding_that_nobody_signed_is_none(text):
    assert read(TOKEN, text) == NOTHING


def test_a_finding_is_shown_while_the_page_is_looked_at_and_not_later():
    found = signed(TOKEN, FIRST)
    now = time.time()
    with patch("django.core.signing.time.time", return_value=now + LASTS_SECONDS - 2):
        assert read(TOKEN, found) == FIRST
    with patch("django.core.signing.time.time", return_value=now + LASTS_SECONDS + 2):
        assert read(TOKEN, found) == NOTHING


def test_a_finding_needs_no_escaping_in_an_address():
    unreserved = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
    assert all(set(signed(TOKEN, finding)) <= unreserved for finding in ALL)
