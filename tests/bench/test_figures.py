"""What a run keeps of its figures, and the rows it makes of them."""

import json

import pytest

from bench.figures import LIMITS, TARGETS, Figures
from bench.load import rate_of
from bench.resolving import RATIOS, ratios
from bench.rows import rows
from bench.servers import KINDS
from bench.system import PROJECT, BenchFailed


def test_rounds_give_their_median_and_their_range(tmp_path):
    figures = Figures()
    figures.note_rounds("resolver.redirects_per_s", [30.0, 10.0, 20.0])
    figures.leave_out("resolver.vs_express", "no Express")
    figures.write(tmp_path / "bench.json", units=5, rounds=3)
    report = json.loads((tmp_path / "bench.json").read_text())
    assert report["figures"] == {"resolver.redirects_per_s": 20.0}
    assert report["ranges"] == {"resolver.redirects_per_s": [10.0, 30.0]}
    assert report["not_run"] == {"resolver.vs_express": "no Express"}
    assert (report["units"], report["rounds"]) == (5, 3)


def test_figures_below_their_target_or_above_their_limit_are_missed():
    figures = Figures()
    figures.note("resolver.vs_callable", 0.69)
    figures.note("resolver.p99_minting_ms", 25.01)
    figures.note("resolver.vs_express", 1.3)
    figures.note("resolver.paced_errors", 0)
    assert figures.missed == ["resolver.vs_callable", "resolver.p99_minting_ms"]


def test_what_was_not_run_is_not_missed():
    figures = Figures()
    figures.leave_out("resolver.vs_callable", "no wrk")
    assert figures.missed == []


def test_a_ratio_is_taken_within_each_round():
    assert ratios([10.0, 40.0], [5.0, 10.0]) == [2.0, 4.0]


@pytest.mark.parametrize(
    "found",
    [
        {"answered": 9, "wrong": 1, "microseconds": 10, "lost": 0},
        {"answered": 9, "wrong": 0, "microseconds": 10, "lost": 1},
        {"answered": 0, "wrong": 0, "microseconds": 10, "lost": 0},
    ],
)
def test_one_wrong_or_lost_answer_ends_the_run(found):
    with pytest.raises(BenchFailed, match="not redirected"):
        rate_of(f"Running 4s test\n{json.dumps(found)}\n")


def test_a_rate_is_answers_over_seconds():
    found = {"answered": 500, "wrong": 0, "microseconds": 250_000, "lost": 0}
    assert rate_of(f"\n{json.dumps(found)}\n") == 2000


def test_rows_keep_what_the_table_says_and_take_the_new_values():
    table = "text\n| `a.b` | 1 |  | beside |\n| `c.d` | 2 | about 7 |  |\n"
    assert list(rows(table, {"a.b": 12_345.6, "resolver.vs_callable": 0.756})) == [
        "| `a.b` | 12,346 |  | beside |",
        "| `c.d` | 2 | about 7 |  |",
        "| `resolver.vs_callable` | 0.76 | ≥ 0.7 |  |",
    ]


def test_every_figure_of_the_resolver_has_its_row():
    measured = {name for name in (*TARGETS, *LIMITS) if name.startswith("resolver.")}
    measured |= {figure for figure, _, _ in RATIOS}
    measured |= {f"resolver.{name}_per_s" for name in KINDS[1:]}
    table = (PROJECT / "docs/measurements.md").read_text()
    added = list(rows(table, dict.fromkeys(measured, 1.0)))[len(list(rows(table, {}))) :]
    assert added == []
