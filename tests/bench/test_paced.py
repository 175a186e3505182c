"""Scans at a fixed pace: counted from when they were due, and each answer looked at."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from threading import Event, Thread

import pytest

from bench.paced import CONNECTIONS, Pacer, requests_of, summary

RATE = 2000.0
TOKENS = [f"T{number:04}" for number in range(400)]


class Server:
    """Answers each scan with what ``answer`` makes of its token; None hangs up."""

    def __init__(self, answer: Callable[[str], bytes | None]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                if not line.startswith(b"GET "):
                    continue
                answer = self._answer(line.split()[1].decode().rpartition("/")[2])
                if answer is None:
                    return
                connection.sendall(answer)

    def close(self) -> None:
        self._listener.close()


def redirect(token: str) -> bytes:
    return f"HTTP/1.1 307 Temporary Redirect\r\nlocation: /p/{token}\r\n\r\n".encode()


@contextmanager
def scanned(tmp_path, answer: Callable[[str], bytes | None]) -> Iterator[Pacer]:
    file = tmp_path / "scans"
    file.write_text("".join(f"/mu/{token}\tPhone/1.0\n" for token in TOKENS))
    server = Server(answer)
    try:
        yield Pacer(server.address, cycle(requests_of(file, "codes.example")))
    finally:
        server.close()


def run_until(pacer: Pacer, over: Event):
    """Pace scans until ``over`` is set."""
    end, closing = os.pipe()

    def close() -> None:
        over.wait(30)
        os.close(closing)

    Thread(target=close, daemon=True).start()
    try:
        return pacer.run(RATE, end)
    finally:
        os.close(end)


def answers_after(count: int, over: Event, answer=redirect):
    """Answer, and end the run once so many scans have come."""
    seen: list[str] = []

    def answering(token: str) -> bytes | None:
        seen.append(token)
        if len(seen) >= count:
            over.set()
        return answer(token)

    return answering


def test_every_scan_is_answered_and_counted(tmp_path):
    over = Event()
    with scanned(tmp_path, answers_after(200, over)) as pacer:
        found = run_until(pacer, over)
    assert found.answered >= 200
    assert found.errors == 0
    assert 0 < found.p50_ms <= found.p99_ms


@pytest.mark.parametrize(
    "wrong",
    [
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /p/T9999\r\n\r\n",
        None,
    ],
    ids=["another status", "another page", "hung up"],
)
def test_an_answer_that_is_not_the_redirect_is_an_error(tmp_path, wrong):
    over = Event()

    def answer(token: str) -> bytes | None:
        return wrong if token in TOKENS[10:13] else redirect(token)

    with scanned(tmp_path, answers_after(200, over, answer)) as pacer:
        found = run_until(pacer, over)
    assert found.errors % 3 == 0
    assert found.errors >= 3
    assert found.answered >= 190


def test_scans_that_find_no_connection_free_wait_on_the_clock(tmp_path):
    """While every connection waits for its answer further scans fall due; none is left out."""
    over, released = Event(), Event()
    held: list[str] = []

    def answer(token: str) -> bytes:
        held.append(token)
        released.wait(30)
        return redirect(token)

    with scanned(tmp_path, answer) as pacer:

        def release() -> None:
            while len(pacer.waiting) < 50:
                released.wait(0.001)
            over.set()
            released.set()

        Thread(target=release, daemon=True).start()
        found = run_until(pacer, over)
    assert len(held) == found.answered
    assert found.answered >= CONNECTIONS + 50
    assert found.errors == 0


def test_what_was_seen_while_warming_up_does_not_count(tmp_path):
    orders, told = os.pipe()
    seen: list[str] = []

    def answer(token: str) -> bytes:
        seen.append(token)
        if len(seen) == 100:
            os.write(told, b"go")
        if len(seen) == 200:
            os.close(told)
        return redirect(token)

    with scanned(tmp_path, answer) as pacer:
        found = pacer.run(RATE, orders)
    os.close(orders)
    assert found.errors == 0
    assert 0 < found.answered <= len(seen) - 60


def test_a_tail_of_one_in_a_hundred_is_seen():
    found = summary([0.001] * 98 + [0.5] * 2, 0)
    assert (found.p50_ms, found.p99_ms) == (1.0, 500.0)
    assert summary([], 3).errors == 3
