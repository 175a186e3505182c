"""The list of scenarios, what a run of each size holds, and the report it makes."""

import pytest

from chaos.record import NotRun, Record
from chaos.report import summary
from chaos.scenarios import DEFAULT, FULL, SCENARIOS, SMALL
from minting.crash_orders import NAMES


def faults(size: str, *names: str) -> int:
    return sum(s.count(size) for s in SCENARIOS if s.name in names)


def test_names_are_given_once():
    names = [scenario.name for scenario in SCENARIOS]
    assert len(names) == len(set(names))


def test_at_least_twelve_crash_points_are_met():
    assert len(set(NAMES)) >= 12


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_a_larger_size_injects_no_fewer_faults(scenario):
    assert scenario.count(SMALL) <= scenario.count(DEFAULT) <= scenario.count(FULL)
    assert scenario.count(DEFAULT)


def test_the_sizes_are_those_that_are_promised():
    assert (faults(DEFAULT, "kills"), faults(FULL, "kills")) == (60, 500)
    assert (faults(DEFAULT, "pauses"), faults(FULL, "pauses")) == (20, 100)
    assert faults(FULL, "database_restarts") == 100
    assert faults(FULL, "database_sessions") == faults(FULL, "commit_unknown") == 200
    assert faults(FULL, "broker_losses", "broker_silence") == 120
    database = ("database_restarts", "database_sessions", "commit_unknown", "database_network")
    assert faults(DEFAULT, *database) >= 20
    assert faults(DEFAULT, "broker_losses", "broker_silence") == 20
    # One of six ends a session of the database, the others kill.
    assert (faults(DEFAULT, "chain_assets"), faults(FULL, "chain_assets")) == (24, 240)
    assert faults(FULL, "chain") == 200


def test_a_fault_that_met_no_job_is_counted_apart(capsys):
    record = Record("kills", "a job survives")
    record.count("kill child at mint.claimed")
    record.count("kill child anywhere", working=False)
    report = summary([record], seed=7, size=SMALL, seconds=1.0)
    assert report["faults"] == {"kill child at mint.claimed": 1}
    assert report["faults_while_idle"] == {"kill child anywhere": 1}
    assert report["crash_points"] == {"mint.claimed": 1}


def test_one_broken_invariant_is_named_with_its_scenario():
    good, bad = Record("kills", ""), Record("pauses", "")
    good.invariants, bad.invariants = {"I1": "ok", "I2": "ok"}, {"I1": "two units", "I2": "ok"}
    report = summary([good, bad], seed=7, size=SMALL, seconds=1.0)
    assert report["invariants"]["I1"] == "pauses: two units"
    assert report["invariants"]["I2"] == "ok"
    assert (good.is_good, bad.is_good) == (True, False)


def test_a_figure_outside_its_bound_is_a_problem():
    record = Record("kills", "")
    record.figure("recovery_p95_s", 12.5, at_most=11)
    record.figure("submit_p99_s", 0.5, at_most=2)
    assert record.problems == ["recovery_p95_s is 12.500, allowed 11"]


def test_where_time_is_not_judged_a_figure_is_kept_and_a_count_has_its_bound():
    record = Record("kills", "", judges_time=False)
    record.figure("recovery_p95_s", 12.5, at_most=11)
    record.figure("jobs_not_let_go", 3, at_most=2)
    assert record.figures["recovery_p95_s"] == 12.5
    assert record.problems == ["jobs_not_let_go is 3.000, allowed 2"]


def test_assets_are_not_tried_without_the_programs_that_make_them(monkeypatch):
    monkeypatch.delenv("DEVCHAIN_PROGRAMS_DIR", raising=False)
    (scenario,) = (scenario for scenario in SCENARIOS if scenario.name == "chain_assets")
    with pytest.raises(NotRun, match="DEVCHAIN_PROGRAMS_DIR"):
        scenario.run(None, 1)


def test_what_was_not_run_is_said():
    record = Record("clocks", "")
    record.not_run = "no libfaketime here"
    report = summary([record], seed=7, size=SMALL, seconds=1.0)
    assert report["not_run"] == {"clocks": "no libfaketime here"}
