"""Scans that come at the same time share a statement, and each has an answer of its own."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from minting.states import UnitStatus
from resolver import database, gathering, lookup
from resolver.database import NotWritten, Unavailable
from resolver.gathering import Question
from tests.resolver.on_loop import together
from tests.resolver.scan_rows import events
from tests.resolver.scanning import scan
from tests.resolver.units import mint, units_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
TOGETHER = 12


class Gate:
    """Lets the first statement go when it is told to, and counts the scans of each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        #: How many of them went out without a thread.
        self.by_loop = 0
        self.opened = threading.Event()
        self._fetch, self._send = gathering.fetch_here, gathering.send
        monkeypatch.setattr(gathering, "fetch_here", self.fetch)
        monkeypatch.setattr(gathering, "send", self.send)

    def fetch(self, query: str, arrays: tuple[str, ...], failed: Any = None) -> list[tuple]:
        self.sizes.append(arrays[0].count(",") + 1)
        if len(self.sizes) == 1:
            assert self.opened.wait(30)
        return self._fetch(query, arrays, failed)

    def send(self, loop: Any, query: str, arrays: tuple[str, ...], then: Callable) -> bool:
        if not self.sizes:
            return False
        goes = self._send(loop, query, arrays, then)
        if goes:
            self.sizes.append(arrays[0].count(",") + 1)
            self.by_loop += 1
        return goes


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(monkeypatch)
    yield gate
    gate.opened.set()


def ask_together(question: Question, gate: Gate, asked: list, ask: Callable) -> list:
    """Ask once, then all the others while the first one is on its way; return what became of it."""

    def outcome(one: object) -> object:
        try:
            return ask(one)
        except (Unavailable, ZeroDivisionError) as error:
            return type(error)
        finally:
            assert threading.current_thread() is threading.main_thread()

    def come() -> bool:
        if len(question._waiting) == len(asked) - 1:
            gate.opened.set()
        return bool(gate.sizes)

    works = [partial(outcome, one) for one in asked]
    return together(works, first_alone=come)


def test_those_that_come_meanwhile_share_one_statement(gate: Gate):
    question = Question(["number"], "select place, number::int * 2 from asked order by random()")
    asked = [str(number) for number in range(TOGETHER)]
    found = ask_together(question, gate, asked, lambda one: question.ask((one,)))
    assert found == [(number * 2,) for number in range(TOGETHER)]
    assert gate.sizes == [1, TOGETHER - 1]
    assert gate.by_loop == 1


def test_who_has_no_row_has_no_answer(gate: Gate):
    question = Question(["number"], "select place, number from asked where number <> '3'")
    asked = [str(number) for number in range(6)]
    found = ask_together(question, gate, asked, lambda one: question.ask((one,)))
    assert found == [None if one == "3" else (one,) for one in asked]


def test_values_come_to_the_server_as_they_are():
    question = Question(["one", "other"], "select place, one, other from asked")
    for text in ('a"b', "a\\b", "{a,b}", "a,b", "NULL", "", " ", "ü", "it's $1 %s"):
        assert question.ask((text, None)) == (text, None)


def test_a_value_that_the_server_cannot_read_is_the_trouble_of_one_scan(gate: Gate):
    question = Question(["number"], "select place, number::int from asked")
    asked = ["0", "1", "two", "3"]
    found = ask_together(question, gate, asked, lambda one: question.ask((one,)))
    assert found == [(0,), (1,), Unavailable, (3,)]


def test_what_cannot_be_written_is_told_to_each(gate: Gate):
    def refuse(*_: object) -> list[tuple]:
        raise NotWritten

    gate._fetch, gate._send = refuse, lambda *_: False
    question = Question(["number"], "select place from asked")
    found = ask_together(question, gate, list("0123"), lambda one: question.ask((one,)))
    assert found == [NotWritten] * 4


def test_an_error_of_ours_leaves_nobody_waiting(gate: Gate):
    def fail(*_: object) -> list[tuple]:
        raise ZeroDivisionError

    gate._fetch, gate._send = fail, lambda *_: False
    question = Question(["number"], "select place from asked")
    found = ask_together(question, gate, list("0123"), lambda one: question.ask((one,)))
    assert found == [ZeroDivisionError] * 4
    assert (question._waiting, question._is_asking) == ([], False)


def test_scans_that_share_a_statement_are_each_written_down(nordhav, gate: Gate):
    minted = mint(nordhav, TOGETHER, status=UnitStatus.ACTIVE)
    paths = [minted.path(at) for at in range(TOGETHER)]
    question = lookup._BY_TOKEN.noted
    found = ask_together(question, gate, paths, lambda path: scan(path, host=minted.host))
    wanted = [f"/p/{token}" for token in minted.tokens]
    assert [answer.location for answer in found] == wanted
    assert gate.sizes == [1, TOGETHER - 1]
    assert sorted(event.unit_id for event in events()) == sorted(u.id for u in units_of(minted))


def test_more_threads_than_connections_wait_their_turn(connections):
    barrier = threading.Barrier(TOGETHER)

    def ask(number: int) -> object:
        barrier.wait(30)
        return database.fetch_one("select %s::int from pg_sleep(0.02)", (number,))

    with ThreadPoolExecutor(TOGETHER) as pool:
        found = list(pool.map(ask, range(TOGETHER)))
    assert found == [(number,) for number in range(TOGETHER)]
    assert len(connections) <= database.SESSIONS


def test_who_waits_too_long_for_a_connection_is_not_answered(monkeypatch):
    monkeypatch.setattr(database, "CONNECT_TIMEOUT_SECONDS", 0.01)
    monkeypatch.setattr(database._Sessions, "free", database.LifoQueue())
    with pytest.raises(Unavailable):
        database.fetch_one("select 1", ())


DOUBLED = "select place, number::int * 2 from asked"


def ask_on_loop(question: Question, *numbers: str) -> list[object]:
    return together([partial(question.ask, (number,)) for number in numbers])


@pytest.fixture
def ready(connections: list) -> Question:
    """A question that a connection is ready for, so that no thread is needed."""
    question = Question(["number"], DOUBLED)
    assert ask_on_loop(question, "1", "2") == [(2,), (4,)]
    assert len(connections) == 1
    return question


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is left to threads."""
    left: list[object] = []
    fetch = gathering.fetch_here

    def note(*given: Any) -> list[tuple]:
        left.append(given)
        return fetch(*given)

    monkeypatch.setattr(gathering, "fetch_here", note)
    return left


def test_a_statement_that_is_known_to_a_connection_needs_no_thread(ready: Question, threads: list):
    assert ask_on_loop(ready, "3", "4", "5") == [(6,), (8,), (10,)]
    assert ask_on_loop(ready, "6") == [(12,)]
    assert not threads


def test_nothing_is_prepared_behind_a_pooler_by_the_loop_either(settings, monkeypatch, threads):
    monkeypatch.setitem(settings.DATABASES["default"]["OPTIONS"], "prepare_threshold", None)
    question = Question(["number"], DOUBLED)
    assert ask_on_loop(question, "1", "2") == [(2,), (4,)]
    assert len(threads) == 1
    assert ask_on_loop(question, "3") == [(6,)]
    assert len(threads) == 1


def test_a_connection_that_ended_while_idle_is_replaced_unnoticed(
    ready: Question, connections: list
):
    _cut(connections[0])
    assert ask_on_loop(ready, "3", "4") == [(6,), (8,)]
    assert len(connections) == 2


@pytest.fixture
def slow(connections: list) -> Question:
    """A question that takes as long as it says, and a connection that is ready for it."""
    question = Question(["seconds"], "select place, pg_sleep(seconds::float)::text from asked")
    assert ask_on_loop(question, "0") == [("",)]
    return question


def test_what_was_asked_of_a_connection_that_ended_may_have_been_done(
    slow: Question, connections: list, monkeypatch
):
    send = database._Session.send

    def lose(*given: Any) -> None:
        send(*given)
        _cut(connections[0])

    with monkeypatch.context() as cut:
        cut.setattr(database._Session, "send", lose)
        found = ask_on_loop(slow, "0.4", "0.4")
    assert [type(one) for one in found] == [NotWritten, NotWritten]
    assert ask_on_loop(slow, "0") == [("",)]


@pytest.mark.usefixtures("past_the_pooler")
def test_a_session_that_is_ended_while_it_is_asked_leaves_the_outcome_open(
    slow: Question, connections: list
):
    def end() -> None:
        pid = connections[0].info.backend_pid
        database.fetch_one("select pg_terminate_backend(%s::int)", (pid,))

    threading.Timer(0.05, end).start()
    found = ask_on_loop(slow, "0.4", "0.4")
    assert [type(one) for one in found] == [NotWritten, NotWritten]
    assert ask_on_loop(slow, "0") == [("",)]


@pytest.mark.usefixtures("past_the_pooler")
def test_a_statement_that_takes_too_long_is_no_answer_and_keeps_its_connection(
    slow: Question, connections: list
):
    connections[0].execute("select set_config('statement_timeout', '50ms', false)")
    assert [type(one) for one in ask_on_loop(slow, "5", "0")] == [Unavailable, Unavailable]
    assert ask_on_loop(slow, "0") == [("",)]
    assert len(connections) == 1


@pytest.mark.usefixtures("past_the_pooler")
def test_what_the_server_forgot_is_asked_again_by_a_thread(
    ready: Question, connections: list, threads: list
):
    connections[0].execute("deallocate all")
    assert ask_on_loop(ready, "3", "4") == [(6,), (8,)]
    assert (len(threads), len(connections)) == (1, 2)


def test_a_value_that_cannot_be_read_is_the_trouble_of_one_scan_on_the_loop_too(ready: Question):
    found = ask_on_loop(ready, "1", "two", "3")
    assert [found[0], type(found[1]), found[2]] == [(2,), Unavailable, (6,)]


def test_a_server_that_says_nothing_is_given_up(slow: Question, connections: list, monkeypatch):
    monkeypatch.setattr(database, "LONGEST_SECONDS", 0.05)
    # What the session is told of a connection that is given up: nobody knows what it has done.
    assert [type(one) for one in ask_on_loop(slow, "0.3", "0")] == [NotWritten, NotWritten]
    assert connections[0].closed


def test_more_scans_than_a_statement_takes_are_asked_for_by_the_next(gate: Gate):
    question = Question(["number"], DOUBLED)
    gate.opened.set()
    asked = [str(number) for number in range(gathering.MOST_TOGETHER + 2)]
    assert ask_on_loop(question, *asked) == [(2 * int(number),) for number in asked]
    assert gate.sizes == [gathering.MOST_TOGETHER, 2]


@pytest.mark.usefixtures("past_the_pooler")
def test_a_statement_larger_than_a_socket_takes_at_once_is_written_to_its_end(connections: list):
    long = Question(["text"], "select place, length(text) from asked")
    assert ask_on_loop(long, "x") == [(1,)]
    with socket.socket(fileno=os.dup(connections[0].fileno())) as its_socket:
        its_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    texts = ["x" * 100_000 for _ in range(40)]
    assert ask_on_loop(long, *texts) == [(100_000,)] * 40
    assert len(connections) == 1


def test_what_cannot_be_sent_at_all_is_the_trouble_of_one_scan(ready: Question, connections: list):
    found = ask_on_loop(ready, "1", "\0", "3")
    assert [found[0], type(found[1]), found[2]] == [(2,), Unavailable, (6,)]
    assert ask_on_loop(ready, "4") == [(8,)]


def test_who_waits_too_long_for_a_thread_is_not_asked_for(connections: list, monkeypatch):
    sleeps = [partial(database.fetch_one, "select pg_sleep(%s)::text", (0.3,)) for _ in range(12)]
    assert together(sleeps[: database.SESSIONS]) == [("",)] * database.SESSIONS
    monkeypatch.setattr(database, "CONNECT_TIMEOUT_SECONDS", 0.2)
    found = together(sleeps)
    assert found[: database.SESSIONS] == [("",)] * database.SESSIONS
    assert {type(one) for one in found[database.SESSIONS :]} == {Unavailable}


def test_others_go_on_while_a_statement_is_under_way(ready: Question, slow: Question):
    order: list[str] = []

    def ask(question: Question, value: str, name: str) -> None:
        question.ask((value,))
        order.append(name)

    together([partial(ask, slow, "0.2", "slow"), partial(ask, ready, "1", "quick")])
    assert order == ["quick", "slow"]


def _cut(connection: Any) -> None:
    with socket.socket(fileno=os.dup(connection.fileno())) as its_socket:
        its_socket.shutdown(socket.SHUT_RDWR)
