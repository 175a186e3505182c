"""Which endpoints are asked: what answers mean, when a breaker opens, how often one may ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minting.chain.rpc.breaker import Breaker, State, Terms
from minting.chain.rpc.outcomes import LONGEST_WAIT, Verdict, of_answer, of_error, of_status
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
        (301, Verdict.FAILED),
        (400, Verdict.REFUSED),
        (401, Verdict.FAILED),
        (404, Verdict.FAILED),
        (429, Verdict.THROTTLED),
        (500, Verdict.FAILED),
        (503, Verdict.FAILED),
    ],
)
def test_a_status_says_whose_fault_it_is(status: int, verdict: Verdict):
    assert of_status(status).verdict is verdict


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *(("3", 3.0), ("0.5", 0.5), (None, 0.0), ("soon", 0.0), ("-1", 0.0), ("nan", 0.0)),
        *(("1e9", LONGEST_WAIT), ("inf", LONGEST_WAIT)),
        ("Sun, 22 Nov 2026 08:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 07:59:00 GMT", 0.0),
    ],
)
def test_a_throttled_request_waits_as_long_as_it_is_told_to(header: str | None, seconds: float):
    assert of_status(429, header, "Sun, 22 Nov 2026 08:00:00 GMT").wait == seconds


@pytest.mark.parametrize("date", [None, "", "today", "Sun, 22 Nov 2026 08:00:00"])
def test_a_moment_says_nothing_without_the_answers_own(date: str | None):
    assert of_status(503, "Sun, 22 Nov 2026 08:00:30 GMT", date).wait == 0.0


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (200, None, Verdict.ANSWERED),
        (200, -32602, Verdict.REFUSED),
        (400, -32602, Verdict.REFUSED),
        (500, -32602, Verdict.REFUSED),
        (404, -32601, Verdict.LACKING),
        (503, -32603, Verdict.FAILED),
        # Providers say these beside a key that has ended, and beside too many requests.
        (401, -32600, Verdict.FAILED),
        (403, -32601, Verdict.FAILED),
        (429, -32007, Verdict.THROTTLED),
    ],
)
def test_an_error_inside_an_http_error_decides_where_both_are_of_the_request(
    status: int, code: int | None, verdict: Verdict
):
    assert of_answer(status, code).verdict is verdict


@pytest.mark.parametrize("code", [-32600, -32602, -32700, -32002, -32003, -32015])
def test_our_own_bad_request_never_counts_against_an_endpoint(code: int):
    outcome = of_error(code)
    assert outcome.verdict is Verdict.REFUSED
    assert not outcome.counts_against_it
    assert not outcome.may_be_asked_elsewhere


@pytest.mark.parametrize("code", [-32601, -32001, -32004, -32007, -32009, -32011])
def test_what_a_node_has_not_got_another_may_have_and_it_is_no_failure(code: int):
    assert of_error(code).verdict is Verdict.LACKING
    assert not of_error(code).counts_against_it
    assert of_error(code).may_be_asked_elsewhere


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


def test_a_breaker_goes_on_where_another_process_has_left_it():
    breaker = Breaker(TERMS)
    breaker.resume(State.OPEN, 100.0, rest=7.0, opened_times=3)
    assert breaker.rest(100.0) == 7.0
    assert not breaker.admits(106.9)
    assert breaker.admits(107.0)
    breaker.failed(107.0)
    assert breaker.rest(107.0) == 16.0, "the fourth rest in a row"


def test_what_another_process_was_trying_is_tried_from_the_first_probe():
    breaker = Breaker(TERMS)
    breaker.resume(State.HALF_OPEN, 100.0, rest=0.0, opened_times=1)
    assert [breaker.admits(100.0) for _ in range(3)] == [True, True, False]


def test_a_breaker_that_was_closed_elsewhere_has_forgotten_why_it_opened():
    breaker = opened()
    breaker.resume(State.CLOSED, 1.0, rest=0.0, opened_times=0)
    assert breaker.admits(1.0)
    breaker.failed(1.0)
    assert breaker.state is State.CLOSED


def test_a_closed_breaker_keeps_counting_where_nobody_knows_better():
    breaker = Breaker(TERMS)
    for _ in range(TERMS.least - 1):
        breaker.failed(0.0)
    breaker.resume(State.CLOSED, 0.0, rest=0.0, opened_times=0)
    breaker.failed(0.0)
    assert breaker.state is State.OPEN


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


def test_looking_into_a_bucket_takes_nothing_from_it():
    bucket = Bucket(per_second=10, burst=1)
    assert [bucket.would_wait(5.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.seconds_to_wait(5.0) == 0.0
    assert [bucket.would_wait(5.0) for _ in range(3)] == pytest.approx([0.1, 0.1, 0.1])
    assert bucket.would_wait(5.0, 3) == pytest.approx(0.3)


def test_no_rate_is_no_limit():
    bucket = Bucket(per_second=0)
    assert [bucket.seconds_to_wait(0.0) for _ in range(100)] == [0.0] * 100
