"""Prometheus asks processes that exist on ports they listen on, and alerts name real metrics."""

import re
from typing import Any

import pytest
import yaml

from tests.docs.compose import ours, project, services
from tests.docs.markdown import ROOT, names_in, rows, text_of
from tests.docs.measured import counters, gauges, histograms, series

FUNCTIONS = {"absent", "by", "for", "increase", "min", "rate", "sum", "and", "or", "unless"}


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "deploy" / name).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def targets() -> list[tuple[str, int, dict[str, Any]]]:
    """Return each service that is asked, its port and the whole entry."""
    found = []
    for job in read("prometheus.yml")["scrape_configs"]:
        for entry in job.get("dns_sd_configs", []):
            found += [(name, entry["port"], job) for name in entry["names"]]
        for entry in job.get("static_configs", []):
            found += [(*_split(target), job) for target in entry["targets"]]
    return found


def _split(target: str) -> tuple[str, int]:
    name, _, port = target.partition(":")
    return name, int(port)


def alerts() -> list[dict[str, Any]]:
    return [rule for group in read("alerts.yml")["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("target", targets(), ids=lambda target: f"{target[0]}:{target[1]}")
def test_what_is_asked_listens_there(target: tuple[str, int, dict[str, Any]]) -> None:
    name, port, _ = target
    service = services()[name]
    listens = {*service["command"], str(service["environment"].get("PROMETHEUS_PORT"))}

    assert str(port) in listens


def test_every_process_is_asked() -> None:
    assert {name for name, _, _ in targets()} == set(ours()) - {"migrate"}


def test_what_asks_for_a_token_gets_it() -> None:
    for name, _, job in targets():
        asks = "PROMETHEUS_PORT" not in services()[name]["environment"]
        assert ("authorization" in job) == asks, name
    assert "metrics_token" in services()["prometheus"]["secrets"]


def test_console_answers_to_the_name_it_is_asked_by() -> None:
    hosts = services()["console"]["environment"]["ALLOWED_HOSTS"].split(",")

    assert "console" in hosts


def test_rules_are_mounted_where_they_are_looked_for() -> None:
    mounted = {entry["target"] for entry in services()["prometheus"]["configs"]}

    assert set(read("prometheus.yml")["rule_files"]) < mounted
    assert {entry["source"] for entry in services()["prometheus"]["configs"]} <= set(
        project()["configs"]
    )


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_alert_watches_metrics_that_exist(alert: dict[str, Any]) -> None:
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", alert["expr"])
    words = set(re.findall(r"[a-z_][a-z_0-9]*", bare)) - FUNCTIONS

    assert words
    assert words <= series()


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_alert_has_a_rank_and_a_place_in_the_handbook(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"warn", "page"}
    assert f"`{alert['alert']}`" in text_of("operations.md")


def test_handbook_lists_every_metric_of_our_own_and_no_other() -> None:
    listed = {
        name
        for row in rows(text_of("operations.md"), "metric")
        for name in names_in(row[0])
        if "_" in name
    }

    assert listed == gauges() | counters() | histograms()


def test_handbook_lists_each_metric_and_each_alert_once() -> None:
    for kind in ("metric", "alert"):
        listed = [name for row in rows(text_of("operations.md"), kind) for name in names_in(row[0])]
        names = [name for name in listed if "_" in name or name.startswith("Tieback")]

        assert names
        assert len(names) == len(set(names))
