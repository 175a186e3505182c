"""Scans that come at the same time share a statement, and each has an answer of its own."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from minting.states import UnitStatus
from resolver import database, gathering, lookup
from resolver.database import NotWritten, Unavailable
from resolver.gathering import Question
from tests.resolver.scan_rows import events
from tests.resolver.scanning import scan
from tests.resolver.units import mint, units_of
from tests.stack.conftest import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
TOGETHER = 12


class Gate:
    """Lets the first statement go when it is told to, and counts the scans of each."""

    def __init__(self, real: Callable) -> None:
        self.sizes: list[int] = []
        self.opened = threading.Event()
        self._real = real

    def __call__(self, query: str, arrays: tuple[str, ...]) -> list[tuple]:
        self.sizes.append(arrays[0].count(",") + 1)
        if len(self.sizes) == 1:
            assert self.opened.wait(30)
        return self._real(query, arrays)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(gathering.fetch_all)
    monkeypatch.setattr(gathering, "fetch_all", gate)
    yield gate
    gate.opened.set()


def ask_together(question: Question, gate: Gate, asked: list, ask: Callable) -> list:
    """Ask once, then all the others while the first one is on its way; return what became of it."""

    def outcome(one: object) -> object:
        try:
            return ask(one)
        except Unavailable as error:
            return type(error)

    with ThreadPoolExecutor(len(asked)) as pool:
        first = pool.submit(outcome, asked[0])
        wait_until(lambda: bool(gate.sizes))
        rest = [pool.submit(outcome, one) for one in asked[1:]]
        wait_until(lambda: len(question._waiting) == len(asked) - 1)
        gate.opened.set()
        return [future.result(30) for future in (first, *rest)]


def test_those_that_come_meanwhile_share_one_statement(gate: Gate):
    question = Question(["number"], "select place, number::int * 2 from asked order by random()")
    asked = [str(number) for number in range(TOGETHER)]
    found = ask_together(question, gate, asked, lambda one: question.ask((one,)))
    assert found == [(number * 2,) for number in range(TOGETHER)]
    assert gate.sizes == [1, TOGETHER - 1]


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


def test_what_cannot_be_written_is_told_to_each(gate: Gate, monkeypatch):
    def refuse(*_: object) -> list[tuple]:
        raise NotWritten

    gate._real = refuse
    question = Question(["number"], "select place from asked")
    found = ask_together(question, gate, list("0123"), lambda one: question.ask((one,)))
    assert found == [NotWritten] * 4


def test_an_error_of_ours_leaves_nobody_waiting(gate: Gate):
    def fail(*_: object) -> list[tuple]:
        raise ZeroDivisionError

    gate._real = fail
    question = Question(["number"], "select place from asked")

    def ask(one: str) -> object:
        try:
            return question.ask((one,))
        except ZeroDivisionError as error:
            return type(error)

    found = ask_together(question, gate, list("0123"), ask)
    # Whoever fetched met it, the others only had no answer.
    assert Counter(found) == {Unavailable: 2, ZeroDivisionError: 2}
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
