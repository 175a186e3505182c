"""Visitors: told apart within a day, not recognised on the next, unknown once the key is gone."""

import time
from types import SimpleNamespace

import pytest
from django.db import connection

from resolver import visitors
from resolver.database import Unavailable
from resolver.visitors import visitor_of
from tests.planes import acting_as
from tests.resolver.scanning import IPHONE, at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]

ADDRESS, OTHER = "198.51.100.7", "198.51.100.8"
DAY = 86_400


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time of a process that has just started, in seconds since 1970."""
    now = SimpleNamespace(seconds=1_790_000_000.0)
    monkeypatch.setattr(
        visitors,
        "time",
        SimpleNamespace(time=lambda: now.seconds, strftime=time.strftime, gmtime=time.gmtime),
    )
    forget(monkeypatch)
    return now


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process know no key, as after a restart."""
    monkeypatch.setattr(visitors._Key, "day", -1)
    monkeypatch.setattr(visitors._Key, "bytes", b"")


def test_a_person_is_one_visitor_all_day_and_another_one_is_another(clock):
    first = visitor_of(ADDRESS, IPHONE)
    assert first is not None
    assert -(2**63) <= first < 2**63
    clock.seconds += 3_600
    assert visitor_of(ADDRESS, IPHONE) == first
    assert len({first, visitor_of(OTHER, IPHONE), visitor_of(ADDRESS, "Mozilla/5.0")}) == 3


def test_the_next_day_a_person_is_another_visitor(clock):
    first = visitor_of(ADDRESS, IPHONE)
    clock.seconds += DAY
    assert visitor_of(ADDRESS, IPHONE) not in {None, first}


def test_every_process_knows_the_same_visitor(monkeypatch: pytest.MonkeyPatch):
    first = visitor_of(ADDRESS, IPHONE)
    forget(monkeypatch)
    assert visitor_of(ADDRESS, IPHONE) == first


def test_processes_that_begin_the_day_together_agree(monkeypatch: pytest.MonkeyPatch):
    def begin(_: int) -> int | None:
        visitors._learn(int(visitors.time.time() // DAY))
        return visitor_of(ADDRESS, IPHONE)

    at_once(6, begin)
    forget(monkeypatch)
    settled = visitor_of(ADDRESS, IPHONE)
    forget(monkeypatch)
    assert visitor_of(ADDRESS, IPHONE) == settled
    with acting_as("worker"), connection.cursor() as cursor:
        cursor.execute("select count(day) from resolver_visitorkey")
        assert cursor.fetchone() == (1,)


def test_without_its_key_a_number_leads_to_nobody(monkeypatch: pytest.MonkeyPatch):
    """Who holds the address cannot make the number again."""
    first = visitor_of(ADDRESS, IPHONE)
    with acting_as("worker"), connection.cursor() as cursor:
        cursor.execute("delete from resolver_visitorkey")
    forget(monkeypatch)
    assert visitor_of(ADDRESS, IPHONE) not in {None, first}


def test_without_address_or_database_nobody_is_counted(monkeypatch: pytest.MonkeyPatch):
    assert visitor_of("", IPHONE) is None

    def away(*_: object) -> None:
        raise Unavailable

    forget(monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr(visitors, "fetch_one", away)
        assert visitor_of(ADDRESS, IPHONE) is None
    assert visitor_of(ADDRESS, IPHONE) is not None
