"""Telling a line that broke from a statement that failed."""

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Event

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, connection, transaction

from chaos.proxy import Proxy
from minting.interruptions import is_interruption
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
    assert is_interruption(caught.value)


def test_a_statement_that_failed_is_an_error_of_the_work():
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        connection.cursor().execute("select 1 / 0")
    assert not is_interruption(caught.value)


def lock(number: int) -> None:
    connection.cursor().execute("select pg_advisory_xact_lock(%s)", [0x7465_7300 + number])


def wait_for_a_waiter() -> None:
    query = """select exists (select from pg_locks where locktype = 'advisory' and not granted
                and database = (select oid from pg_database where datname = current_database()))"""
    with connection.cursor() as cursor:
        while cursor.execute(query).fetchone() != (True,):
            time.sleep(0.01)


def test_a_transaction_ended_in_a_deadlock_is_no_error_of_the_work():
    held = Event()

    def lock_the_other_way_round() -> None:
        with transaction.atomic():
            lock(2)
            held.set()
            # Who waits first finds the deadlock, and is ended.
            wait_for_a_waiter()
            lock(1)
        connection.close()

    with ThreadPoolExecutor(1) as other:
        done = other.submit(lock_the_other_way_round)
        with transaction.atomic():
            lock(1)
            assert held.wait(20)
            with pytest.raises(DatabaseError) as caught:
                lock(2)
            transaction.set_rollback(True)
        done.result(20)
    assert caught.value.__cause__.sqlstate == "40P01"
    assert is_interruption(caught.value)


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
