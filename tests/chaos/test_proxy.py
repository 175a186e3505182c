"""The proxy's faults, as the two peers see them."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.conf import settings

from chaos.proxy import Proxy, Trap
from chaos.wire import HttpWire, PostgresWire


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says back what it is told."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(peer: socket.socket) -> None:
        with peer:
            while data := _received(peer):
                peer.sendall(data)

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(peer,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def _received(peer: socket.socket) -> bytes:
    try:
        return peer.recv(65_536)
    except OSError:
        return b""


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def said_back(peer: socket.socket, text: bytes) -> bytes:
    peer.sendall(text)
    return peer.recv(len(text))


def said_or_cut(peer: socket.socket, text: bytes) -> bytes:
    try:
        return said_back(peer, text)
    except OSError:
        return b""


def test_bytes_pass_both_ways(echo):
    with Proxy(echo) as proxy, connect(proxy) as peer:
        assert said_back(peer, b"hello") == b"hello"


def test_latency_is_added_to_each_direction(echo):
    with Proxy(echo) as proxy, connect(proxy) as peer:
        proxy.latency = 0.1
        began = time.perf_counter()
        said_back(peer, b"hello")
        assert time.perf_counter() - began >= 0.2


def test_silence_holds_bytes_back_and_speaking_again_lets_them_go(echo):
    with Proxy(echo) as proxy, connect(proxy) as peer:
        said_back(peer, b"before")
        proxy.fall_silent()
        time.sleep(0.05)
        peer.sendall(b"during")
        peer.settimeout(0.3)
        with pytest.raises(TimeoutError):
            peer.recv(10)
        proxy.speak_again()
        peer.settimeout(10)
        assert peer.recv(10) == b"during"


def test_a_cut_is_seen_as_a_reset(echo):
    with Proxy(echo) as proxy, connect(proxy) as peer:
        said_back(peer, b"hello")
        assert proxy.cut_all() == proxy.resets == 1
        with pytest.raises(ConnectionResetError):
            peer.recv(10)


def test_a_connection_is_cut_after_so_many_bytes(echo):
    with Proxy(echo) as proxy, connect(proxy) as peer:
        said_back(peer, b"hello")
        proxy.cut_after(1_000)
        said = [said_or_cut(peer, b"x" * 100) for _ in range(20)]
        assert said[0]
        assert not said[-1]
        assert proxy.resets == 1


def test_while_it_refuses_nobody_gets_through(echo):
    with Proxy(echo) as proxy:
        proxy.refuse(refusing=True)
        with connect(proxy) as peer:
            assert _received(peer) == b""
        proxy.refuse(refusing=False)
        with connect(proxy) as peer:
            assert said_back(peer, b"hello") == b"hello"


def test_a_trap_answers_in_the_servers_stead_once(echo):
    with Proxy(echo, wire=HttpWire, reply=b"HTTP/1.1 503 Busy\r\n\r\n") as proxy:
        proxy.arm(Trap.REPLY)
        with connect(proxy) as peer:
            peer.sendall(b"PUT / HTTP/1.1\r\n\r\n")
            assert peer.recv(100).startswith(b"HTTP/1.1 503")
        with connect(proxy) as peer:
            assert said_back(peer, b"PUT / HTTP/1.1\r\n\r\n").startswith(b"PUT")
        assert proxy.sprung[Trap.REPLY] == 1


@pytest.fixture
def session() -> Callable[[Proxy], "psycopg.Connection[tuple[object, ...]]"]:
    """Connect to the test database through a proxy."""
    database = settings.DATABASES["default"]

    def open_session(proxy: Proxy) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host="127.0.0.1",
            port=proxy.port,
            dbname=database["NAME"],
            user=database["USER"],
            password=database["PASSWORD"],
        )

    return open_session


def status_of(transaction: str, watcher: "psycopg.Connection[tuple[object, ...]]") -> str:
    """Return how a transaction ended, once the server knows."""
    until = time.monotonic() + 20
    while True:
        query = "select pg_xact_status(%s::text::xid8)"
        (status,) = watcher.execute(query, [transaction]).fetchone()
        if status != "in progress" or time.monotonic() > until:
            return status
        time.sleep(0.02)


@pytest.mark.django_db
@pytest.mark.parametrize(("trap", "took_effect"), [(Trap.BEFORE, False), (Trap.ANSWERED, True)])
def test_a_commit_cut_off_took_effect_or_not_as_the_trap_says(session, trap, took_effect):
    """The server itself is asked what became of the transaction."""
    database = settings.DATABASES["default"]

    def role_wire() -> PostgresWire:
        return PostgresWire(role=database["USER"].encode(), marker=b"pg_current_xact_id")

    with (
        Proxy(int(database["PORT"]), wire=role_wire, success=b"COMMIT\0") as proxy,
        session(proxy) as watcher,
        session(proxy) as sender,
    ):
        watcher.autocommit = True
        (transaction,) = sender.execute("select pg_current_xact_id()::text").fetchone()
        proxy.arm(trap)
        with pytest.raises(psycopg.OperationalError):
            sender.commit()
        assert status_of(transaction, watcher) == ("committed" if took_effect else "aborted")
        assert proxy.sprung[trap] == 1
        sender.close()
