"""Finding the COMMIT worth cutting in what a client sends."""

import struct

import pytest

from chaos.wire import HttpWire, PostgresWire

INSERT = b"\ninsert into minting_mintunit (token) select 'A'"


def message(tag: bytes, body: bytes) -> bytes:
    return tag + struct.pack("!I", len(body) + 4) + body


def startup(user: bytes = b"tieback_worker") -> bytes:
    return message(b"", struct.pack("!I", 196_608) + b"user\0" + user + b"\0database\0t\0\0")


def query(text: bytes) -> bytes:
    return message(b"Q", text + b"\0")


def prepared(text: bytes) -> bytes:
    parse = message(b"P", b"s\0" + text + b"\0\0\0")
    return parse + message(b"B", b"\0s\0" + bytes(6)) + message(b"E", b"\0" + bytes(4))


@pytest.fixture
def wire() -> PostgresWire:
    wire = PostgresWire()
    wire.feed(message(b"", struct.pack("!I", 80_877_103)))
    wire.feed(startup())
    return wire


@pytest.mark.parametrize("say", [query, prepared])
def test_the_commit_of_a_cycle_is_seen(wire, say):
    assert not wire.feed(say(b"BEGIN"))
    assert not wire.feed(say(INSERT))
    assert wire.feed(say(b"COMMIT"))


@pytest.mark.parametrize("say", [query, prepared])
def test_a_commit_of_anything_else_goes_by(wire, say):
    wire.feed(say(INSERT))
    wire.feed(say(b"ROLLBACK"))
    wire.feed(say(b"update minting_mintjob set fence = fence + 1"))
    assert not wire.feed(say(b"COMMIT"))


def test_a_savepoint_ends_no_transaction(wire):
    wire.feed(query(INSERT))
    wire.feed(query(b"ROLLBACK TO SAVEPOINT a"))
    assert wire.feed(query(b"COMMIT"))


def test_another_roles_commit_goes_by():
    wire = PostgresWire()
    wire.feed(startup(b"tieback_app") + query(INSERT))
    assert not wire.feed(query(b"COMMIT"))


def test_long_messages_cut_anywhere_are_followed(wire):
    sent = query(INSERT + b"X" * 300_000) + query(b"COMMIT")
    pieces = [sent[at : at + 997] for at in range(0, len(sent), 997)]
    assert [wire.feed(piece) for piece in pieces].count(True) == 1


def test_a_put_is_told_from_a_get():
    wire = HttpWire()
    assert wire.feed(b"PUT /tieback/a HTTP/1.1\r\n")
    assert not wire.feed(b"GET /tieback/a HTTP/1.1\r\n")
