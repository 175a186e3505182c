"""Settings behind a transaction pooler: what each plane is given, and what is refused."""

import json
from typing import Any

import pytest

from tests.platform.test_hardening import PRODUCTION, run

_ASK = """
import json
from django.conf import settings
told = settings.DATABASES["default"]
print(json.dumps([told["HOST"], told["DISABLE_SERVER_SIDE_CURSORS"], told["OPTIONS"]]))
"""
POOLED = {
    "DATABASE_URL": "postgresql://pooler.example:6432/tieback",
    "DATABASE_TRANSACTION_POOLING": "true",
}
DIRECT = {"DATABASE_DIRECT_URL": "postgresql://db.example:5432/tieback"}


def asked(**environment: str) -> list[Any]:
    done = run("-c", _ASK, **{**PRODUCTION, **environment})
    assert done.returncode == 0, done.stderr
    told: list[Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("plane", ["web", "worker", "resolver", "console"])
def test_behind_a_pooler_nothing_is_prepared_and_no_cursor_stays(plane: str):
    host, no_cursors, options = asked(TIEBACK_PLANE=plane, **POOLED, **DIRECT)
    assert (host, no_cursors) == ("pooler.example", True)
    assert options["prepare_threshold"] is None


def test_the_owner_goes_past_the_pooler():
    assert asked(TIEBACK_PLANE="owner", **POOLED, **DIRECT)[0] == "db.example"


def test_the_owner_is_refused_where_no_way_past_the_pooler_is_known():
    done = run("-c", _ASK, **{**PRODUCTION, **POOLED, "TIEBACK_PLANE": "owner"})
    assert done.returncode
    assert "DATABASE_DIRECT_URL is not set" in done.stderr


def test_without_a_pooler_statements_may_be_prepared():
    host, no_cursors, options = asked()
    assert (host, no_cursors) == ("db.example", False)
    assert "prepare_threshold" not in options
