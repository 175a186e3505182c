"""Scans at a fixed pace, whatever the server does; latency counts from when a scan was due.

A client that waits for one answer before it sends the next question leaves out the very questions
that a slow server keeps waiting. This one asks 300 times a second over 32 connections, and a scan
that finds none free waits in line, on the clock.

Runs in a process of its own: says ``ready`` when it is connected and scans to warm up, forgets the
latencies so far at a line on its input, ends at the end of it, and prints one line of JSON.
"""

import argparse
import json
import os
import random
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

RATE_PER_S = 300
CONNECTIONS = 32
_PATIENCE_SECONDS = 10.0
_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class Paced:
    """What a run has seen; latencies in milliseconds."""

    answered: int
    errors: int
    p50_ms: float
    p99_ms: float


class _Connection:
    """One keep-alive connection with at most one scan under way."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._open()

    def _open(self) -> None:
        self.socket = socket.create_connection(self._address, timeout=_PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes, expected: bytes, due: float) -> None:
        self.expected, self.due, self._seen = expected, due, b""
        # A connection that the server has closed is found out by its answer.
        with suppress(OSError):
            self.socket.sendall(request)

    def receive(self) -> bool | None:
        """Read on; return None while the answer is not whole, else whether it is right."""
        try:
            block = self.socket.recv(65_536)
        except OSError:
            block = b""
        if not block:
            self.socket.close()
            self._open()
            return False
        self._seen += block
        if _END_OF_HEAD not in self._seen:
            return None
        return self._seen.startswith(b"HTTP/1.1 307 ") and self.expected in self._seen


class Pacer:
    """Sends scans when they are due, and gathers the latencies."""

    def __init__(self, address: tuple[str, int], requests: Iterator[tuple[bytes, bytes]]) -> None:
        self._requests = requests
        # In turn, since a connection belongs to one of the server's processes.
        self._free = deque(_Connection(address) for _ in range(CONNECTIONS))
        self._busy: dict[socket.socket, _Connection] = {}
        self.waiting: deque[float] = deque()
        self._seconds: list[float] = []
        self._errors = 0

    def run(self, rate: float, orders: int) -> Paced:
        """Scan ``rate`` times a second until told to end, then wait for the last answers.

        ``orders`` is the file descriptor of a pipe: what is written to it ends the warm-up, its
        end ends the run.
        """
        began, sent = time.perf_counter(), 0
        while True:
            due = began + sent / rate
            wait = due - time.perf_counter()
            if wait <= 0:
                self.waiting.append(due)
                sent += 1
                self._send_waiting()
            elif not self._read(wait, orders):
                break
        deadline = time.perf_counter() + _PATIENCE_SECONDS
        while self._busy and time.perf_counter() < deadline:
            self._read(0.05)
            self._send_waiting()
        self._errors += len(self._busy) + len(self.waiting)
        return summary(self._seconds, self._errors)

    def _send_waiting(self) -> None:
        while self.waiting and self._free:
            connection = self._free.popleft()
            connection.send(*next(self._requests), self.waiting.popleft())
            self._busy[connection.socket] = connection

    def _read(self, wait: float, *orders: int) -> bool:
        """Wait for answers, to the microsecond, and for orders; return False for the end."""
        watched: list[Any] = [*self._busy, *orders]
        readable, _, _ = select.select(watched, [], [], wait)
        now = time.perf_counter()
        for one in readable:
            if one in self._busy:
                self._receive(one, now)
            elif os.read(one, 64):
                self._seconds.clear()
            else:
                return False
        return True

    def _receive(self, readable: socket.socket, now: float) -> None:
        connection = self._busy[readable]
        right = connection.receive()
        if right is None:
            return
        del self._busy[readable]
        self._free.append(connection)
        if right:
            self._seconds.append(now - connection.due)
        else:
            self._errors += 1
        self._send_waiting()


def summary(seconds: list[float], errors: int) -> Paced:
    """Return the figures of a run that answered at least one scan."""
    ordered = sorted(seconds)
    if not ordered:
        return Paced(0, errors, 0.0, 0.0)
    half, most = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return Paced(len(ordered), errors, 1000 * half, 1000 * most)


def requests_of(file: Path, host: str) -> list[tuple[bytes, bytes]]:
    """Return each scan of a file as a request and the Location it must lead to."""
    made = []
    for line in file.read_text(encoding="ascii").splitlines():
        path, agent = line.split("\t")
        token = path.rpartition("/")[2]
        head = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\n"
            "Accept: text/html,*/*;q=0.8\r\nAccept-Language: de-DE,de;q=0.9\r\n\r\n"
        )
        made.append((head.encode(), f"/p/{token}\r\n".encode()))
    return made


def _go_first() -> None:
    """Stand for phones, which wait for no processor of the server's: run before other processes.

    Where that is not allowed, what the pacer itself has to wait is in the latencies.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def main() -> None:
    """Run as told by the arguments and the input."""
    parser = argparse.ArgumentParser(prog="python -m bench.paced", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("host")
    options = parser.parse_args()
    _go_first()
    requests = requests_of(options.file, options.host)
    # Each run scans others: the codes of the last one are in the database's memory.
    random.shuffle(requests)
    pacer = Pacer(("127.0.0.1", options.port), cycle(requests))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    found = pacer.run(RATE_PER_S, sys.stdin.fileno())
    sys.stdout.write(json.dumps(asdict(found)) + "\n")


if __name__ == "__main__":
    main()
