"""A test scan by staff shows the page, activates nothing, and says that it is a test."""

import secrets
import time
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command

from minting.states import UnitStatus
from resolver.private_query import split
from resolver.staff_scans import (
    PARAMETER,
    LinkRefused,
    check,
    public_key_of,
    sign,
)
from resolver.traffic import TrafficClass
from tests.factories import BrandWorld
from tests.resolver.linking import add_link
from tests.resolver.scan_rows import events
from tests.resolver.scanning import counted, scan
from tests.resolver.units import mint, units_of, waiting_activations

TOKEN, OTHER = "23456789ABCDEFGHJKMN", "23456789ABCDEFGHJKMP"
KEY = secrets.token_hex(32)
PUBLIC = public_key_of(KEY)
# Far away, and the same in every process that runs the tests.
ENDS = 2**33

of_the_database = (
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
)


def with_database(test):
    for mark in of_the_database:
        test = mark(test)
    return test


def link(token: str, settings, *, ends: int = ENDS) -> str:
    return f"{PARAMETER}={sign(token, settings.TIEBACK_TEST_LINK_KEY, ends=ends)}"


def test_the_keys_are_those_of_rfc_8032():
    """Section 7.1, test 1."""
    private = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    assert (
        public_key_of(private) == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )


def test_the_command_prints_the_public_key_and_nothing_else(settings, capsys):
    settings.TIEBACK_TEST_LINK_KEY = KEY
    call_command("test_link_public_key")
    assert capsys.readouterr().out == f"{PUBLIC}\n"
    settings.TIEBACK_TEST_LINK_KEY = ""
    with pytest.raises(CommandError, match="is not set"):
        call_command("test_link_public_key")


def test_a_link_is_valid_for_its_unit_while_it_lives():
    text = sign(TOKEN, KEY, ends=ENDS)
    check(TOKEN, text, [PUBLIC])
    later = patch("resolver.staff_scans.time.time", return_value=ENDS + 1)
    with later, pytest.raises(LinkRefused, match="has ended"):
        check(TOKEN, text, [PUBLIC])


def test_a_link_holds_while_its_key_is_being_changed():
    text = sign(TOKEN, KEY, ends=ENDS)
    check(TOKEN, text, [public_key_of(secrets.token_hex(32)), PUBLIC])


@pytest.mark.parametrize("keys", [[], [public_key_of(secrets.token_hex(32))]])
def test_a_link_that_no_known_key_has_signed_is_refused(keys: list[str]):
    with pytest.raises(LinkRefused, match="not made for this item"):
        check(TOKEN, sign(TOKEN, KEY, ends=ENDS), keys)


def test_a_link_of_one_unit_is_none_of_another():
    with pytest.raises(LinkRefused, match="not made for this item"):
        check(OTHER, sign(TOKEN, KEY, ends=ENDS), [PUBLIC])


def test_a_link_cannot_be_made_to_live_longer():
    _, signature = sign(TOKEN, KEY, ends=ENDS).split(".")
    with pytest.raises(LinkRefused, match="changed"):
        check(TOKEN, f"{ENDS + 1}.{signature}", [PUBLIC])


@pytest.mark.parametrize(
    "text",
    ["", ".", "1", "x.y", "1" * 99, f"{ENDS}.", f"{ENDS}.{'A' * 85}", "٣" * 10 + "." + "A" * 86],
)
def test_a_text_that_is_no_link_is_refused(text: str):
    with pytest.raises(LinkRefused, match="not complete"):
        check(TOKEN, text, [PUBLIC])


@pytest.mark.parametrize(
    ("query", "passed_on", "test_link"),
    [
        ("", "", None),
        ("a=1&b=%20", "a=1&b=%20", None),
        ("mytestscan=1", "mytestscan=1", None),
        (f"{PARAMETER}=x", "", "x"),
        (f"a=1&{PARAMETER}=x&&b", "a=1&&b", "x"),
        (f"{PARAMETER}=&{PARAMETER}=x", "", ""),
    ],
)
def test_a_query_is_parted(query: str, passed_on: str, test_link: str | None):
    assert split(query)[:2] == (passed_on, test_link)


@with_database
def test_a_test_scan_shows_the_page_says_what_it_is_and_activates_nothing(
    nordhav: BrandWorld, settings
):
    minted = mint(nordhav)
    before = counted("tested")
    answer = scan(minted.path(), query=f"a=1&{link(minted.tokens[0], settings)}")
    assert (answer.status, answer.page) == (307, f"/p/{minted.tokens[0]}?a=1")
    assert answer.finding.is_test
    assert not answer.finding.is_first_scan
    assert PARAMETER not in answer.location
    assert units_of(minted)[0].status == UnitStatus.MINTED
    assert waiting_activations() == 0
    assert counted("tested") == before + 1


@with_database
def test_a_test_scan_leaves_the_first_scan_to_whoever_comes_next(nordhav, settings):
    minted = mint(nordhav)
    for _ in range(3):
        scan(minted.path(), query=link(minted.tokens[0], settings))
    assert scan(minted.path()).finding.is_first_scan


@with_database
@pytest.mark.parametrize("fault", ["forged", "of another unit", "ended"])
def test_a_bad_link_answers_a_page_that_helps_and_activates_nothing(nordhav, settings, fault):
    minted = mint(nordhav, 2)
    ends = int(time.time()) - 1 if fault == "ended" else ENDS
    query = link(minted.tokens[fault == "of another unit"], settings, ends=ends)
    answer = scan(minted.path(), query=query + ("A" if fault == "forged" else ""))
    assert answer.status == 403
    assert "Nothing was activated" in answer.body
    assert "Location" not in answer.headers
    assert {unit.status for unit in units_of(minted)} == {UnitStatus.MINTED}
    assert waiting_activations() == 0


@with_database
def test_without_a_public_key_every_link_is_refused(nordhav, settings):
    minted = mint(nordhav)
    query = link(minted.tokens[0], settings)
    settings.TIEBACK_TEST_LINK_PUBLIC_KEYS = []
    assert scan(minted.path(), query=query).status == 403


@with_database
def test_a_test_link_to_a_code_that_is_not_known_is_not_found(nordhav, settings):
    answer = scan(f"/mu/{TOKEN}", query=link(TOKEN, settings))
    assert answer.status == 404


@with_database
def test_only_a_link_that_holds_makes_a_scan_a_test(nordhav, settings):
    minted = mint(nordhav)
    scan(f"/mu/{TOKEN}", query="testscan=1")
    scan(minted.path(), query="testscan=1")
    scan(minted.path(), query="testscan=1", user_agent="curl/8")
    scan(minted.path(), query=link(minted.tokens[0], settings))
    classes = (TrafficClass.PERSON, TrafficClass.PERSON, TrafficClass.MACHINE, TrafficClass.TEST)
    assert [event.traffic for event in events()] == [one.value for one in classes]
    assert units_of(minted)[0].status == UnitStatus.MINTED


@with_database
def test_a_test_scan_shows_the_page_here_wherever_the_brand_leads(nordhav, settings):
    minted = mint(nordhav)
    add_link(nordhav, "gs1:pip", "https://shop.example/", is_default=True)
    answer = scan(minted.path(), query=link(minted.tokens[0], settings))
    assert (answer.page, answer.finding.is_test) == (f"/p/{minted.tokens[0]}", True)
