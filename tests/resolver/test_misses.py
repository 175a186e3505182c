"""Whoever asks for codes that are not there is held back; whoever scans what exists never is."""

from collections import Counter

import pytest

from resolver import misses
from resolver.misses import MissLimit
from resolver.networks import NOWHERE, address_of, place_of
from tests.factories import BrandWorld
from tests.resolver.scanning import at_once, counted, scan
from tests.resolver.units import mint

SHOP, OTHER, PROXY = "198.51.100.7", "203.0.113.9", "10.0.0.1"
GUESSES = "/01/09506000134352/21/GUESS"


class Clock:
    """A clock that the test turns."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limited(monkeypatch, settings, clock) -> MissLimit:
    """Allow 10 misses a minute, by a clock that stands still."""
    settings.TIEBACK_MISSES_PER_MINUTE = 10
    limit = MissLimit(clock=clock)
    monkeypatch.setattr(misses, "_limit", limit)
    return limit


def test_a_bucket_holds_a_minutes_misses_and_then_says_how_long_to_wait(clock):
    limit = MissLimit(clock=clock)
    assert [limit.take("net", 6) for _ in range(7)] == [0] * 6 + [10]


def test_a_bucket_fills_up_evenly_and_no_further(clock):
    limit = MissLimit(clock=clock)
    for _ in range(6):
        limit.take("net", 6)
    clock.now += 9.9
    assert limit.take("net", 6) == 1
    clock.now += 0.2
    assert limit.take("net", 6) == 0
    clock.now += 3600
    assert [limit.take("net", 6) for _ in range(7)] == [0] * 6 + [10]


def test_waiting_is_not_made_longer_by_asking_meanwhile(clock):
    limit = MissLimit(clock=clock)
    waits = [limit.take("net", 6) for _ in range(50)]
    assert waits[6:] == [10] * 44


def test_each_network_has_its_own_bucket(clock):
    limit = MissLimit(clock=clock)
    assert [limit.take(net, 1) for net in ("a", "b", "a")] == [0, 0, 60]


def test_memory_is_bounded_and_the_network_that_was_quiet_for_longest_goes(clock):
    limit = MissLimit(clock=clock, most=100)
    for at in range(10_000):
        limit.take(f"net {at}", 1)
        limit.take("loud", 1)
    assert len(limit) == 100
    assert limit.take("loud", 1) == 60


def test_threads_that_miss_together_take_no_more_than_there_is(clock):
    limit = MissLimit(clock=clock)
    told = at_once(8, lambda _: [limit.take("net", 100) for _ in range(50)])
    assert Counter(wait == 0 for waits in told for wait in waits) == {True: 100, False: 300}


@pytest.mark.parametrize(
    ("remote", "heard", "trusted", "network"),
    [
        (SHOP, None, 0, "198.51.100.0/24"),
        ("2001:db8:1:2::3", None, 0, "2001:db8:1::/48"),
        ("::ffff:198.51.100.7", None, 0, "198.51.100.0/24"),
        (SHOP, OTHER, 0, "198.51.100.0/24"),
        (PROXY, SHOP, 1, "198.51.100.0/24"),
        (PROXY, f"{OTHER}, {SHOP}", 1, "198.51.100.0/24"),
        (PROXY, f"{SHOP}, 10.0.0.2", 2, "198.51.100.0/24"),
        # not by way of all proxies
        (SHOP, OTHER, 2, "198.51.100.0/24"),
        (SHOP, None, 1, "198.51.100.0/24"),
        (PROXY, f"{SHOP}:4711", 1, "198.51.100.0/24"),
        (PROXY, "[2001:db8:1::3]:4711", 1, "2001:db8:1::/48"),
        (PROXY, "' or 1=1", 1, NOWHERE.network),
        ("", None, 0, NOWHERE.network),
        (None, None, 0, NOWHERE.network),
    ],
)
def test_the_network_is_that_of_whom_the_outermost_trusted_proxy_heard(
    settings, remote: str | None, heard: str | None, trusted: int, network: str
):
    environ = {"REMOTE_ADDR": remote, "HTTP_X_FORWARDED_FOR": heard}
    present = {name: value for name, value in environ.items() if value is not None}
    settings.TIEBACK_TRUSTED_PROXIES = trusted
    assert place_of(address_of(present)).network == network


@pytest.mark.django_db(transaction=True)
@pytest.mark.plane("resolver")
@pytest.mark.usefixtures("connections")
class TestScans:
    """The limit where codes are answered."""

    def test_five_hundred_phones_behind_one_address_are_all_answered(
        self, nordhav: BrandWorld, limited
    ):
        minted = mint(nordhav, 20)
        answers = [scan(minted.path(at % 20), remote=SHOP) for at in range(500)]
        assert {answer.status for answer in answers} == {307}
        assert len(limited) == 0

    def test_whoever_guesses_is_stopped_and_known_codes_go_on(self, nordhav, limited):
        minted = mint(nordhav)
        before = counted("too_many")
        statuses = [scan(f"{GUESSES}{at}", remote=SHOP).status for at in range(100)]
        assert Counter(statuses) == {404: 10, 429: 90}
        assert counted("too_many") == before + 90
        assert scan(minted.path(), remote=SHOP).status == 307
        assert scan(f"/01/{minted.gtin}", remote=SHOP).status == 307

    def test_the_answer_says_when_to_come_again_and_then_is_as_before(
        self, nordhav, limited, clock
    ):
        for at in range(10):
            scan(f"{GUESSES}{at}", remote=SHOP)
        answer = scan(GUESSES, remote=SHOP)
        assert answer.status == 429
        assert answer.headers["Retry-After"] == "6"
        assert "Codes that exist are answered" in answer.body
        assert answer.headers["Cache-Control"] == "no-store"
        clock.now += 6
        assert scan(GUESSES, remote=SHOP).status == 404

    def test_malformed_codes_count_and_corrected_ones_do_not(self, nordhav, limited):
        minted = mint(nordhav)
        short = f"/01/{minted.gtin.removeprefix('0')}/21/{minted.tokens[0]}"
        for _ in range(20):
            assert scan(short, remote=SHOP).status == 307
        statuses = [scan("/01/1", remote=SHOP).status for _ in range(12)]
        assert statuses == [400] * 10 + [429] * 2

    def test_neighbours_are_not_held_back(self, nordhav, limited):
        for at in range(20):
            scan(f"{GUESSES}{at}", remote=SHOP)
        assert scan(GUESSES, remote=OTHER).status == 404
        assert scan(GUESSES, remote="198.51.100.250").status == 429

    def test_a_header_of_the_clients_own_buys_nothing(self, nordhav, limited):
        statuses = [
            scan(f"{GUESSES}{at}", remote=SHOP, x_forwarded_for=f"10.0.{at}.1").status
            for at in range(12)
        ]
        assert statuses == [404] * 10 + [429] * 2

    def test_zero_counts_nothing(self, nordhav, limited, settings):
        settings.TIEBACK_MISSES_PER_MINUTE = 0
        assert {scan(f"{GUESSES}{at}", remote=SHOP).status for at in range(50)} == {404}
        assert len(limited) == 0
