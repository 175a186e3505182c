"""Crash points: obeyed where fault injection asks for them, and nothing at all in production."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from minting import crashpoints
from minting.crash_orders import InjectedError, Order

_REACH = """
import django
django.setup()
from minting import crashpoints
crashpoints.reach("mint.claimed")
print("alive", crashpoints.reach.__name__)
"""
PROJECT = Path(crashpoints.__file__).parents[1]


def reach_in_a_process(**variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _REACH],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tieback.settings", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_armed_point_kills_the_process_that_reaches_it():
    assert reach_in_a_process(TIEBACK_CRASH_POINT="mint.claimed").returncode == -9


def test_production_passes_an_armed_point_by():
    done = reach_in_a_process(
        TIEBACK_CRASH_POINT="mint.claimed", TIEBACK_ENV="production", ALLOWED_HOSTS="a.example"
    )
    assert done.stdout.split() == ["alive", "_pass_by"], done.stderr


def test_where_nothing_is_armed_reaching_a_point_is_an_empty_function():
    assert crashpoints.reach.__name__ == "_pass_by"


@pytest.fixture
def orders(tmp_path, settings) -> Path:
    settings.TIEBACK_CRASH_POINT = f"@{tmp_path}"
    return tmp_path


def give(folder: Path, **fields: object) -> None:
    fields = {"action": "error", "witness": str(folder / "witness"), **fields}
    (folder / "1.json").write_text(json.dumps(fields))


def test_an_error_is_raised_as_often_as_was_ordered(orders):
    give(orders, point="mint.inserted", times=2)
    for _ in range(2):
        with pytest.raises(InjectedError):
            crashpoints._look_for_orders("mint.inserted")
    crashpoints._look_for_orders("mint.inserted")
    assert len(list(orders.glob("witness*"))) == 2


def test_an_order_concerns_its_job_and_its_cycle_alone(orders):
    give(orders, point="mint.inserted", job="this", cycle=3)
    with structlog.contextvars.bound_contextvars(mint_job_id="another", cycle=3):
        crashpoints._look_for_orders("mint.inserted")
    with structlog.contextvars.bound_contextvars(mint_job_id="this", cycle=2):
        crashpoints._look_for_orders("mint.inserted")
    with (
        structlog.contextvars.bound_contextvars(mint_job_id="this", cycle=3),
        pytest.raises(InjectedError),
    ):
        crashpoints._look_for_orders("mint.inserted")


def test_an_order_taken_back_is_forgotten(orders):
    give(orders, point="mint.inserted", times=0)
    (orders / "1.json").unlink()
    crashpoints._look_for_orders("mint.inserted")


def test_the_witness_says_who_signed_where(tmp_path):
    order = Order("mint.inserted", witness=str(tmp_path / "witness"))
    assert order.is_taken("mint.inserted")
    assert not order.is_taken("mint.inserted")
    assert (tmp_path / "witness").read_text().split()[:2] == ["mint.inserted", str(os.getpid())]
