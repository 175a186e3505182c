"""Telling a line that broke from a statement that failed."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Barrier

import psycopg
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, InternalError, connection, transaction

from chaos.proxy import Proxy
from minting.interruptions import is_interruption, was_undone
from tieback import celery
from tieback.brands.scoping import brand_scope
from tieback.broken_lines import line_broke

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


@pytest.mark.parametrize(
    ("cause", "is_of_the_line"),
    [
        # A pooler's word after the server's last one.
        (psycopg.InternalError("received 2 results from command 'COMMIT'"), True),
        (psycopg.errors.InFailedSqlTransaction("commands are ignored"), False),
    ],
)
def test_a_commit_that_was_answered_twice_is_of_the_line(cause, is_of_the_line):
    connection.ensure_connection()
    error = InternalError(str(cause))
    error.__cause__ = cause
    assert (line_broke(error), is_interruption(error)) == (is_of_the_line, is_of_the_line)


def lock(number: int) -> None:
    connection.cursor().execute("select pg_advisory_xact_lock(%s)", [0x7465_7300 + number])


def test_a_transaction_ended_in_a_deadlock_is_no_error_of_the_work():
    both = Barrier(2, timeout=20)

    def take(first: int, second: int) -> DatabaseError | None:
        try:
            with transaction.atomic():
                lock(first)
                both.wait()
                lock(second)
        except DatabaseError as error:
            return error
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(take, *order) for order in ((1, 2), (2, 1))]
        (error,) = [ended for done in found if (ended := done.result(60))]
    assert error.__cause__.sqlstate == "40P01"
    assert was_undone(error)
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        connection.cursor().execute("select 1 / 0")
    assert not was_undone(caught.value)


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
