"""Starting a process: what it waits for, what it refuses to start with, and how it tells."""

import json
import logging
import os
import subprocess
import sys
import urllib.request
from itertools import pairwise

import pytest
import structlog
from django.core.checks import run_checks
from django.test import override_settings
from prometheus_client import generate_latest

from minting.chain.wallets.given import GivenKey
from tests.platform.test_health import closed_port
from tieback import metrics, startup
from tieback.logs import logging_config


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """The pauses a waiting process makes, without making them."""
    made: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        made.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(startup.time, "sleep", sleep)
    monkeypatch.setattr(startup.time, "monotonic", lambda: now[0])
    return made


def failing(times: int):
    """Return a probe that fails so many times before it succeeds."""
    left = [times]

    def probe() -> None:
        if left[0]:
            left[0] -= 1
            raise ConnectionError("not yet")

    return probe


def test_nothing_is_waited_for_when_all_is_there(pauses):
    startup.wait_for("database", failing(0), seconds=60)
    assert pauses == []


def test_a_process_waits_longer_each_time_and_says_for_what(pauses, caplog):
    startup.wait_for("database", failing(7), seconds=60)
    assert pauses[0] == 0.1
    assert all(later == min(earlier * 2, 2.0) for earlier, later in pairwise(pauses))
    told = [record.msg for record in caplog.records]
    assert {(line["event"], line["waiting_for"]) for line in told} == {("waiting", "database")}


def test_a_process_gives_up_with_the_last_error(pauses):
    with pytest.raises(ConnectionError, match="not yet"):
        startup.wait_for("database", failing(1_000), seconds=10)
    assert 8 <= sum(pauses) <= 10


@pytest.mark.django_db
def test_the_database_is_asked_with_the_processs_own_role():
    startup.wait_for_database()


def test_a_database_that_is_not_there_ends_the_start(settings, monkeypatch):
    settings.TIEBACK_STARTUP_WAIT_SECONDS = 0
    monkeypatch.setitem(settings.DATABASES["default"], "PORT", str(closed_port()))
    with pytest.raises(Exception, match="connection"):
        startup.wait_for_database()


# Checks between settings -----------------------------------------------------------------------


def found(*, deploy: bool = False, **changed: object) -> list[tuple[str, str]]:
    with override_settings(**changed):
        messages = run_checks(include_deployment_checks=deploy)
    return [(message.id or "", message.hint or "") for message in messages]


def test_timeouts_in_the_wrong_order_are_named_with_what_to_change():
    assert found(TIEBACK_LEASE_SECONDS=100.0) == [
        ("tieback.E001", "Lower TASK_TIME_LIMIT or raise TIEBACK_LEASE_SECONDS.")
    ]
    assert [name for name, _ in found(BROKER_VISIBILITY_TIMEOUT=60)] == ["tieback.E001"]


def test_a_crash_point_does_not_go_to_production():
    named = [name for name, _ in found(deploy=True, TIEBACK_CRASH_POINT="mint.claimed")]
    assert "tieback.E002" in named


def test_metrics_without_a_token_are_pointed_out():
    assert "tieback.W003" in [name for name, _ in found(deploy=True, METRICS_TOKEN="")]
    assert "tieback.W003" not in [name for name, _ in found(deploy=True, METRICS_TOKEN="x" * 32)]


def test_a_resolver_behind_a_proxy_that_it_does_not_count_is_pointed_out():
    behind = {
        "TIEBACK_PLANE": "resolver",
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
        "TIEBACK_MISSES_PER_MINUTE": 120,
    }
    uncounted, counted = ({**behind, "TIEBACK_TRUSTED_PROXIES": number} for number in (0, 1))
    assert "tieback.W004" in [name for name, _ in found(deploy=True, **uncounted)]
    assert "tieback.W004" not in [name for name, _ in found(deploy=True, **counted)]


def test_a_resolver_whose_database_of_places_cannot_be_read_is_pointed_out(tmp_path):
    lost = str(tmp_path / "places.mmdb")
    hint = "Name a whole .mmdb file with IPv4 and IPv6, or unset TIEBACK_GEOIP_DATABASE."
    assert found(TIEBACK_PLANE="resolver", TIEBACK_GEOIP_DATABASE=lost) == [("tieback.W007", hint)]
    assert found(TIEBACK_PLANE="resolver", TIEBACK_GEOIP_DATABASE="") == []
    assert found(TIEBACK_PLANE="web", TIEBACK_GEOIP_DATABASE=lost) == []


def test_a_key_on_a_public_network_that_is_not_named_twice_is_an_error():
    key = GivenKey("SOLANA_KEY_NAME", source="aws-kms", name="alias/payer")
    on_mainnet = {"SOLANA_NETWORK": "mainnet-beta", "SOLANA_PAYER": key}
    assert found(**on_mainnet) == [
        (
            "tieback.E005",
            "Set SOLANA_ALLOW_PUBLIC_NETWORK=mainnet-beta, or unset the key.",
        )
    ]
    assert found(**on_mainnet, SOLANA_ALLOW_PUBLIC_NETWORK="mainnet-beta") == []
    assert found(SOLANA_NETWORK="mainnet-beta") == []


# Logs and metrics ------------------------------------------------------------------------------


def test_a_line_of_the_log_is_one_json_object_with_its_context():
    config = logging_config(level="INFO", as_json=True)["formatters"]["structured"]
    options = {name: value for name, value in config.items() if name != "()"}
    formatter = config["()"](**options)
    with structlog.contextvars.bound_contextvars(request_id="find-me"):
        record = logging.LogRecord("tieback", logging.INFO, "", 0, "two\nlines", (), None)
        line = formatter.format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["event"], told["request_id"], told["level"]) == ("two\nlines", "find-me", "info")


def test_processes_of_a_group_share_their_metrics_through_files(monkeypatch, tmp_path):
    assert metrics.registry() is metrics.REGISTRY
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert metrics.registry() is not metrics.REGISTRY
    assert b"".join(metrics.exposition()) == b""


_POOL_CHILD = """
import os, sys
import django
from celery.signals import worker_process_init
import tieback.celery
django.setup()
from tieback import metrics
metrics.MINTS_SUCCEEDED.inc()
child = os.fork()
if not child:
    worker_process_init.send(sender=None)
    own = f"counter_{os.getpid()}.db"
    os._exit(own not in os.listdir(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_pool_child_has_its_own_files_of_metrics_before_its_first_task(tmp_path):
    variables = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "TIEBACK_PLANE": "worker"}
    done = subprocess.run(
        [sys.executable, "-c", _POOL_CHILD],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_process_without_http_serves_its_metrics_on_a_port_of_its_own():
    metrics.serve_in_background(0)
    port = closed_port()
    metrics.serve_in_background(port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        assert b"mints_succeeded_total" in answer.read()
    assert b"mints_succeeded_total" in generate_latest(metrics.registry())
