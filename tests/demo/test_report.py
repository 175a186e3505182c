"""What the demo prints for a check, and when it may say that all held."""

import io

from demo.report import Checks, rate, table


def test_a_check_that_holds_prints_one_line() -> None:
    checks = Checks(io.StringIO())
    assert checks.check("the sky is blue")
    assert checks.out.getvalue() == "  ok      the sky is blue\n"
    assert checks.all_held


def test_a_check_that_fails_says_why_and_how_often() -> None:
    checks = Checks(io.StringIO())
    assert not checks.check("packs", ["one", "two", "three", "four", "five"])
    assert checks.out.getvalue() == "  FAILED  packs: one; two; three; and 2 more\n"


def test_one_failed_check_among_good_ones_is_enough() -> None:
    checks = Checks(io.StringIO())
    checks.equal("sum", 2 + 2, 4)
    checks.equal("sum", 2 + 2, 5)
    assert "4 instead of 5" in checks.out.getvalue()
    assert (checks.held, checks.failed) == (1, 1)
    assert not checks.all_held


def test_stopping_early_is_a_failure() -> None:
    checks = Checks(io.StringIO())
    checks.check("start")
    checks.stop("the worker is gone")
    assert not checks.all_held


def test_no_checks_at_all_is_no_success() -> None:
    assert not Checks(io.StringIO()).all_held


def test_the_table_is_aligned() -> None:
    assert table([("a", "1"), ("long", "2")]) == "  a     1\n  long  2"


def test_a_rate_over_no_time_is_left_out() -> None:
    assert rate(10, 0.0, "units") == ""
    assert rate(1_000_000, 8, "units") == "125,000 units/s"
