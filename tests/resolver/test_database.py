"""How the resolver's statements reach the server, and what becomes of what it answers."""

import os
import socket
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings

from minting.states import UnitStatus
from resolver import database
from resolver.database import NotWritten, Unavailable, fetch_one
from tests.resolver.scan_rows import events
from tests.resolver.scanning import scan
from tests.resolver.units import mint

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("past_the_pooler"),
]


_PREPARED = """
select count(*)::int from pg_prepared_statements where statement like 'select $1::int +%'
"""


@pytest.mark.usefixtures("connections")
def test_values_come_back_as_they_went():
    brand: UUID = uuid4()
    query = """select %(brand)s::uuid, %(text)s, %(none)s::int, %(flags)s::boolean, %(text)s,
                      %(number)s::bigint, %(list)s::text[], %(bytes)s::bytea"""
    values = {
        "brand": brand,
        "text": "it's ü \\ %s",
        "none": None,
        "flags": True,
        "number": -(2**63),
        "list": ["a", 'b"c', ""],
        "bytes": b"\x00\xff",
    }
    row = fetch_one(query, values)
    text = values["text"]
    assert row == (brand, text, None, True, text, -(2**63), ["a", 'b"c', ""], b"\x00\xff")


@pytest.mark.usefixtures("connections")
def test_parameters_may_have_no_names():
    assert fetch_one("select %s::int - %s::int", (7, 4)) == (3,)


@pytest.mark.usefixtures("connections")
def test_a_question_without_an_answer_has_none():
    assert fetch_one("select 1 where %s", (False,)) is None


def test_a_statement_is_prepared_once_and_serves_null_too(connections):
    for number in (1, None, 70_000):
        fetch_one("select %s::int + %s::int", (number, 1))
    assert fetch_one(_PREPARED, ()) == (1,)
    assert len(connections) == 1


def test_nothing_is_prepared_behind_a_pooler(connections, monkeypatch):
    monkeypatch.setitem(settings.DATABASES["default"]["OPTIONS"], "prepare_threshold", None)
    assert fetch_one("select %s::int + %s::int", (1, 2)) == (3,)
    assert fetch_one("select count(*)::int from pg_prepared_statements", ()) == (0,)


def test_a_statement_that_takes_too_long_ends_and_keeps_its_connection(connections):
    fetch_one("select set_config('statement_timeout', %s, false)", ("50ms",))
    with pytest.raises(Unavailable):
        fetch_one("select pg_sleep(%s)", (5,))
    assert fetch_one("select %s::int", (1,)) == (1,)
    assert len(connections) == 1


def losing_an_answer(monkeypatch: pytest.MonkeyPatch, connections: list) -> list[str]:
    """Cut the next statement's connection when it has taken effect; list the statements sent."""
    sent: list[str] = []
    send = database._Session._execute

    def lose(session: database._Session, statement: database._Statement, values: list) -> object:
        sent.append(statement.text.decode())
        answer = send(session, statement, values)
        if len(sent) > 1:
            return answer
        with socket.socket(fileno=os.dup(connections[0].fileno())) as its_socket:
            its_socket.shutdown(socket.SHUT_RDWR)
        return send(session, statement, values)

    monkeypatch.setattr(database._Session, "_execute", lose)
    return sent


def test_what_may_have_been_done_is_not_asked_again(connections, monkeypatch):
    fetch_one("select %s::int", (1,))
    sent = losing_an_answer(monkeypatch, connections)
    with pytest.raises(NotWritten):
        fetch_one("select %s::int + 1", (1,))
    assert len(sent) == 1
    assert fetch_one("select %s::int", (1,)) == (1,)


def test_a_scan_whose_answer_was_lost_is_answered_and_written_down_once(
    nordhav, connections, monkeypatch
):
    minted = mint(nordhav, status=UnitStatus.ACTIVE)
    assert scan(minted.path(), host=minted.host).status == 307
    sent = losing_an_answer(monkeypatch, connections)
    assert scan(minted.path(), host=minted.host).status == 307
    noted = ["insert into resolver_scanevent" in text for text in sent]
    assert (noted, len(events())) == ([True, False], 2)


def test_a_server_that_crashes_leaves_the_outcome_open(connections):
    fetch_one("select %s::int", (1,))
    connections[0].execute(
        """create function pg_temp.crash() returns int language plpgsql as
        $$ begin raise exception 'crash' using errcode = 'crash_shutdown'; end $$"""
    )
    with pytest.raises(NotWritten):
        fetch_one("select pg_temp.crash()", ())


def test_what_the_server_forgot_is_prepared_again(connections):
    fetch_one("select %s::int", (1,))
    connections[0].execute("deallocate all")
    assert fetch_one("select %s::int", (1,)) == (1,)
    assert len(connections) == 2


@pytest.mark.usefixtures("connections")
def test_an_error_of_the_statement_itself_is_no_answer():
    with pytest.raises(Unavailable) as raised:
        fetch_one("select 1 / %s::int", (0,))
    assert "division by zero" in str(raised.value.__cause__)


@pytest.mark.parametrize("code", ["TB001", "P0001"])
def test_an_error_that_a_function_made_up_is_no_answer(connections, code):
    fetch_one("select %s::int", (1,))
    connections[0].execute(
        f"""create function pg_temp.refuse() returns int language plpgsql as
        $$ begin raise exception 'never' using errcode = '{code}'; end $$"""
    )
    with pytest.raises(psycopg.DatabaseError, match="never"):
        database._run("select pg_temp.refuse()", ())


def test_no_two_statements_have_one_name():
    one, other = (database._statement(f"select {number}, %s") for number in range(2))
    assert one.name != other.name
