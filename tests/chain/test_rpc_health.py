"""What is known of an endpoint, which of several comes first, and what of an address is shown."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minting.chain.rpc.addresses import host_of, is_address, shown, without_secrets
from minting.chain.rpc.breaker import State
from minting.chain.rpc.health import Health
from minting.chain.rpc.latency import FIRST_HEDGE, LATEST_HEDGE, SOONEST_HEDGE, Latency
from minting.chain.rpc.order import MOST_SLOTS_BEHIND, in_order, slots_behind
from minting.chain.rpc.outcomes import (
    ANSWERED,
    FAILED,
    LACKING,
    REFUSED,
    THROTTLED,
    Outcome,
    Verdict,
)

KEYED = "https://user:pass-word-1@eu.rpc.example:8443/v2/0123456789abcdef?api-key=hush%20hush&x=1"


@dataclass
class Known:
    """An endpoint as far as its rank is concerned."""

    position: int = 1
    health: Health = field(default_factory=Health)
    wait: float = 0.0


def known(position: int = 1, *, latency: float | None = None, **more: float) -> Known:
    one = Known(position, wait=more.pop("wait", 0.0))
    for name, value in more.items():
        setattr(one.health, name, value)
    one.health.latency.average = latency
    return one


def note(health: Health, *outcomes: Outcome, now: float = 0.0) -> Health:
    for outcome in outcomes:
        health.note(outcome, now, seconds=0.1, said="said")
    return health


# Health


def test_failures_raise_the_rate_and_answers_lower_it():
    health = note(Health(), *[FAILED] * 3)
    raised = health.failure_rate
    assert 0.2 < raised < 0.4
    note(health, *[ANSWERED] * 20)
    assert health.failure_rate < raised / 5


@given(st.lists(st.sampled_from([ANSWERED, FAILED, REFUSED, LACKING, THROTTLED]), max_size=100))
def test_a_rate_of_failures_is_a_share(outcomes: list[Outcome]):
    assert 0 <= note(Health(), *outcomes).failure_rate <= 1


@pytest.mark.parametrize("outcome", [REFUSED, LACKING, THROTTLED])
def test_what_is_no_failure_changes_neither_rate_nor_breaker(outcome: Outcome):
    health = note(Health(), *[outcome] * 50)
    assert (health.failure_rate, health.state, health.unsaved.failures) == (0, State.CLOSED, 0)


def test_too_many_without_a_time_is_waited_for_twice_as_long_each_time():
    health, now, rests = Health(), 0.0, []
    for _ in range(8):
        note(health, THROTTLED, now=now)
        rests.append(health.rest(now))
        now += health.rest(now)
    assert rests == [0.5, 1, 2, 4, 8, 16, 30, 30]
    note(health, ANSWERED, now=now)
    note(health, THROTTLED, now=now)
    assert health.rest(now) == 0.5


def test_many_told_too_many_at_once_are_told_once():
    health = note(Health(), *[THROTTLED] * 64)
    assert health.rest(0.0) == 0.5


def test_a_time_that_is_asked_for_is_kept_whatever_else_is_said():
    health = note(Health(), Outcome(Verdict.THROTTLED, wait=9.0), THROTTLED, ANSWERED)
    assert health.rest(0.0) == 9.0
    assert not health.admits(8.9)
    assert health.admits(9.0)


def test_what_could_not_be_written_down_is_kept_and_added():
    health = note(Health(), ANSWERED, FAILED, now=5.0)
    taken = health.take_unsaved()
    assert not health.is_unsaved
    note(health, ANSWERED, now=7.0)
    health.give_back(taken)
    kept = health.unsaved
    assert (kept.successes, kept.failures) == (2, 1)
    assert (kept.succeeded_at, kept.failed_at, kept.noted_at) == (7.0, 5.0, 7.0)


def test_an_endpoint_that_another_process_found_throttled_is_left_alone_here_too():
    health = Health()
    health.resume(State.CLOSED, 100.0, rest=5.0, opened_times=0)
    assert not health.might_admit(104.9)
    assert health.might_admit(105.0)
    health.resume(State.CLOSED, 101.0, rest=0.0, opened_times=0)
    assert health.might_admit(101.0), "a person has forgiven it"


# Latency and hedging


def test_nothing_known_hedges_after_a_usual_time():
    assert Latency().hedge_after == FIRST_HEDGE


def test_a_steady_endpoint_is_hedged_soon_and_one_that_varies_later():
    steady, varies = Latency(), Latency()
    for turn in range(100):
        steady.note(0.1)
        varies.note(0.05 if turn % 2 else 0.15)
    assert steady.average == pytest.approx(0.1)
    assert steady.hedge_after == pytest.approx(0.1, abs=0.01)
    assert varies.hedge_after > 0.2


@given(st.lists(st.floats(min_value=0, max_value=1000), min_size=1, max_size=50))
def test_a_hedge_is_never_too_soon_and_never_too_late(answers: list[float]):
    latency = Latency()
    for seconds in answers:
        latency.note(seconds)
    assert SOONEST_HEDGE <= latency.hedge_after <= LATEST_HEDGE


def test_few_answers_take_longer_than_the_time_to_hedge():
    """Of an endpoint that is as it was: some percent at most are asked for twice."""
    latency, late = Latency(), 0
    for turn in range(2_000):
        seconds = 0.08 + 0.04 * ((turn * 7919) % 100) / 100
        late += turn > 100 and seconds > latency.hedge_after
        latency.note(seconds)
    assert late < 100


def test_an_answer_that_was_given_up_makes_an_endpoint_slower_and_never_faster():
    latency = Latency()
    latency.note(1.0)
    latency.note_at_least(0.1)
    assert latency.average == 1.0
    latency.note_at_least(5.0)
    assert latency.average is not None
    assert latency.average > 1.0


# Order


def test_who_is_preferred_comes_first_among_those_that_do_well():
    first, second = known(1, latency=0.4), known(2, latency=0.01)
    assert in_order([second, first]) == [first, second]


def test_among_equals_the_faster_one_comes_first():
    slow, quick = known(latency=0.3), known(latency=0.1)
    assert in_order([slow, quick]) == [quick, slow]


def test_health_comes_before_preference():
    good, failing, slow = known(9, latency=0.1), known(1, failure_rate=0.5), known(2, latency=5.0)
    tried, behind = known(3), known(4, slots_behind=MOST_SLOTS_BEHIND + 1)
    tried.health.resume(State.HALF_OPEN, 0.0, rest=0.0, opened_times=1)
    assert in_order([behind, tried, slow, failing, good]) == [good, failing, slow, tried, behind]


def test_who_was_given_up_for_a_hedge_comes_after_the_others():
    slow, quick = known(1), known(2, latency=0.1)
    slow.health.gave_up(FIRST_HEDGE + 0.01)
    assert in_order([slow, quick]) == [quick, slow]


def test_all_being_slow_nobody_is():
    ones = [known(1, latency=5.0), known(2, latency=4.0)]
    assert in_order(ones) == ones


def test_who_has_to_be_waited_for_comes_after_who_does_as_well_and_has_not():
    limited, free = known(1, wait=0.2), known(2)
    failing = known(3, failure_rate=0.9)
    listed = [limited, free, failing]
    assert in_order(listed, lambda one: one.wait) == [free, limited, failing]


@pytest.mark.parametrize(
    ("slots", "behind"),
    [
        ([], []),
        ([None, None], [None, None]),
        ([1_000], [0]),
        ([1_000, 700], [0, 300]),
        ([1_000, None, 700], [0, None, 300]),
        # One that is far ahead of all others makes nobody else late.
        ([1_000_000, 700, 699], [0, 0, 1]),
        ([1_000, 1_000, 700], [0, 0, 300]),
    ],
)
def test_how_far_each_is_behind(slots: list[int | None], behind: list[int | None]):
    assert slots_behind(slots) == behind


# Addresses


@pytest.mark.parametrize(
    "address", [KEYED, "http://127.0.0.1:8899/flaky", "https://rpc.example", "http://[::1]:8899"]
)
def test_addresses_are_such(address: str):
    assert is_address(address)


@pytest.mark.parametrize(
    "text",
    [
        *("", "rpc.example", "ftp://rpc.example", "wss://rpc.example", "http://[::1"),
        *("https://", "https:///path", "https://rpc.example:x"),
        *("https://rpc.example/#part", "https://rpc.example/a b"),
    ],
)
def test_what_is_no_address_is_none(text: str):
    assert not is_address(text)


def test_of_an_address_scheme_and_host_are_shown_and_no_more():
    assert shown(KEYED) == "https://eu.rpc.example"
    assert host_of(KEYED) == "eu.rpc.example"
    for text in ("no address, but a secret", "http://[secret"):
        assert "secret" not in shown(text)


def test_what_an_endpoint_says_is_told_without_its_keys():
    said = f"key 0123456789abcdef of user pass-word-1 (hush hush) has ended, see {KEYED} or v2"
    assert without_secrets(said, KEYED) == "key … of user … (…) has ended, see … or v2"
