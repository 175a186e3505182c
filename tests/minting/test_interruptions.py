"""Telling a line that broke from a statement that failed."""

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, connection, transaction

from chaos.proxy import Proxy
from minting.interruptions import connection_is_lost
from tieback import celery
from tieback.brands.scoping import brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]


@pytest.fixture
def proxy(monkeypatch):
    """Reach the database through a proxy, and no longer after the test."""
    with Proxy(int(connection.settings_dict["PORT"])) as proxy:
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", str(proxy.port))
        yield proxy
        connection.close()


def cut_in(scope: Callable[[], AbstractContextManager[None]], proxy: Proxy) -> None:
    with scope(), connection.cursor() as cursor:
        cursor.execute("select 1")
        assert proxy.cut_all() == 1
        cursor.execute("select 2")


@pytest.mark.parametrize("scope", [transaction.atomic, lambda: brand_scope(uuid.uuid4())])
def test_a_line_cut_without_a_word_is_no_error_of_the_work(proxy, scope):
    with pytest.raises(DatabaseError) as caught:
        cut_in(scope, proxy)
    # Django has connected anew by now, and would call the connection usable.
    assert connection.is_usable()
    assert connection_is_lost(caught.value)


def test_a_statement_that_failed_is_an_error_of_the_work():
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        connection.cursor().execute("select 1 / 0")
    assert not connection_is_lost(caught.value)


def test_the_soft_time_limit_reaches_nothing_between_two_tasks():
    celery._raise_in_task(10, None)


def test_the_soft_time_limit_ends_a_task():
    @celery.app.task(name="tests.overdue")
    def overdue() -> None:
        celery._raise_in_task(10, None)

    with pytest.raises(SoftTimeLimitExceeded):
        overdue.apply(throw=True)


def test_periodic_work_outlives_a_busy_worker_and_a_wrong_clock():
    expiries = [entry["options"]["expires"] for entry in celery.app.conf.beat_schedule.values()]
    assert expiries
    assert min(expiries) >= 300
