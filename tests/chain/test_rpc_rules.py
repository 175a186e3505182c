"""Which endpoints are asked: what answers mean, when a breaker opens, how often one may ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minting.chain.rpc.breaker import Breaker, State, Terms
from minting.chain.rpc.outcomes import Verdict, of_error, of_status
from minting.chain.rpc.rates import Bucket

TERMS = Terms(window=10, least=4, share=0.5, first_rest=2.0, longest_rest=30.0, probes=2)


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(TERMS)
    for _ in range(TERMS.least):
        breaker.failed(now)
    assert breaker.state is State.OPEN
    return breaker


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.ANSWERED),
        (400, Verdict.REFUSED),
        (404, Verdict.REFUSED),
        (429, Verdict.THROTTLED),
        (500, Verdict.FAILED),
        (503, Verdict.FAILED),
    ],
)
def test_a_status_says_whose_fault_it_is(status: int, verdict: Verdict):
    assert of_status(status).verdict is verdict


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3.0), ("0.5", 0.5), (None, 0.0), ("soon", 0.0), ("-1", 0.0)]
)
def test_a_throttled_request_waits_as_long_as_it_is_told_to(header: str | None, seconds: float):
    assert of_status(429, header).wait == seconds


@pytest.mark.parametrize("code", [-32600, -32601, -32602, -32700, -32002, -32003, -32015])
def test_our_own_bad_request_never_counts_against_an_endpoint(code: int):
    outcome = of_error(code)
    assert outcome.verdict is Verdict.REFUSED
    assert not outcome.counts_against_it
    assert not outcome.may_be_asked_elsewhere


@pytest.mark.parametrize("code", [-32603, -32005, -32016, -1, 12345])
def test_what_a_node_cannot_do_counts_against_it_and_another_may(code: int):
    assert of_error(code).counts_against_it
    assert of_error(code).may_be_asked_elsewhere


def test_some_providers_say_429_in_json():
    assert of_error(429).verdict is Verdict.THROTTLED
    assert not of_error(429).counts_against_it


def test_a_breaker_opens_where_enough_of_the_last_requests_failed():
    breaker = Breaker(TERMS)
    for _ in range(TERMS.least - 1):
        breaker.failed(0.0)
        assert breaker.admits(0.0)
    breaker.failed(0.0)
    assert not breaker.admits(0.0)


def test_a_failure_now_and_then_opens_nothing():
    breaker = Breaker(TERMS)
    for _ in range(50):
        breaker.succeeded()
        breaker.succeeded()
        breaker.failed(0.0)
        assert breaker.state is State.CLOSED


def test_an_open_breaker_rests_and_then_admits_exactly_its_probes():
    breaker = opened()
    assert not breaker.admits(1.99)
    assert [breaker.admits(2.0) for _ in range(10)] == [True, True] + [False] * 8
    assert breaker.state is State.HALF_OPEN


def test_all_probes_must_succeed_before_it_closes():
    breaker = opened()
    assert breaker.admits(2.0)
    assert breaker.admits(2.0)
    breaker.succeeded()
    assert breaker.state is State.HALF_OPEN
    breaker.succeeded()
    assert breaker.state is State.CLOSED
    assert breaker.admits(2.0)


def test_a_probe_that_fails_opens_it_again_for_twice_as_long():
    breaker, now, rests = opened(), 0.0, []
    for _ in range(7):
        began = now
        while not breaker.admits(now):
            now += 0.5
        rests.append(now - began)
        breaker.failed(now)
    assert rests == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_probe_that_says_nothing_is_given_back():
    breaker = opened()
    assert breaker.admits(2.0)
    assert breaker.admits(2.0)
    breaker.left_unsaid()
    assert breaker.admits(2.0)
    assert not breaker.admits(2.0)


def test_looking_at_a_breaker_uses_no_probe_up():
    breaker = opened()
    assert not breaker.might_admit(1.0)
    assert all(breaker.might_admit(2.0) for _ in range(10))
    assert breaker.admits(2.0)
    assert breaker.admits(2.0)
    assert not breaker.might_admit(2.0)


@given(st.lists(st.sampled_from(["ask", "wait", "succeed", "fail", "silent"]), max_size=200))
def test_a_half_open_breaker_never_has_more_than_its_probes_out(steps: list[str]):
    breaker, now, out = opened(), 0.0, 0
    for step in steps:
        was = breaker.state
        if step == "wait":
            now += 1.0
        elif step == "ask":
            admitted = breaker.admits(now)
            if breaker.state is State.HALF_OPEN:
                out = (0 if was is State.OPEN else out) + admitted
                assert out <= TERMS.probes
        elif was is State.HALF_OPEN and out:
            if step == "succeed":
                breaker.succeeded()
            elif step == "fail":
                breaker.failed(now)
            else:
                breaker.left_unsaid()
                out -= 1


def test_a_bucket_lets_a_burst_pass_and_then_so_many_a_second():
    bucket = Bucket(per_second=10, burst=3)
    waits = [bucket.seconds_to_wait(100.0) for _ in range(6)]
    assert waits == pytest.approx([0.0, 0.0, 0.0, 0.1, 0.2, 0.3])
    assert bucket.seconds_to_wait(100.4) == pytest.approx(0.0)
    assert bucket.seconds_to_wait(200.0) == 0.0


def test_no_rate_is_no_limit():
    bucket = Bucket(per_second=0)
    assert [bucket.seconds_to_wait(0.0) for _ in range(100)] == [0.0] * 100
