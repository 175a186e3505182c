"""Where the lines of the children go: a file each, or this console behind the child's name.

Either way the last lines stay at hand, to be shown when a child ends on its own.
"""

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, Protocol

TAIL_LINES = 20
_NAME_WIDTH = 15


class Logs(Protocol):
    """Takes a child's output (standard output and error together)."""

    def open(self, name: str) -> "contextlib.AbstractContextManager[IO[bytes] | int]":
        """Return what to give the child as its output while it is being started."""

    def attach(self, name: str, process: "Popen[bytes]") -> None:
        """Begin to read a child that has started."""

    def tail(self, name: str) -> list[str]:
        """Return the child's last lines."""


class FileLogs:
    """One file per child; a child that is started again goes on in its file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: set[str] = set()

    def path(self, name: str) -> Path:
        """Return the file of one child."""
        return self._folder / f"{name}.log"

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open the child's file: emptied by the first start of this stack, then appended to."""
        mode = "ab" if name in self._opened else "wb"
        self._opened.add(name)
        with self.path(name).open(mode) as file:
            yield file

    def attach(self, name: str, process: "Popen[bytes]") -> None:
        """Do nothing: the child writes to its file itself."""

    def tail(self, name: str) -> list[str]:
        """Return the last lines of the file."""
        with self.path(name).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 16_384))
            return file.read().decode(errors="replace").splitlines()[-TAIL_LINES:]


class ConsoleLogs:
    """Every line goes to standard output as ``name | line``, whole."""

    def __init__(self) -> None:
        self._tails: dict[str, deque[str]] = {}
        self._readers: dict[str, threading.Thread] = {}
        self._writing = threading.Lock()

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[int]:
        """Ask for a pipe."""
        self._tails[name] = deque(maxlen=TAIL_LINES)
        yield PIPE

    def attach(self, name: str, process: "Popen[bytes]") -> None:
        """Read the pipe in a thread until its last writer closes it."""
        arguments = (name, process.stdout, self._tails[name])
        reader = threading.Thread(target=self._follow, args=arguments, daemon=True)
        self._readers[name] = reader
        reader.start()

    def tail(self, name: str) -> list[str]:
        """Return the last lines, after a moment for those still in the pipe."""
        self._readers[name].join(timeout=0.5)
        return list(self._tails[name])

    def _follow(self, name: str, stream: IO[bytes], tail: deque[str]) -> None:
        for raw in stream:
            line = raw.decode(errors="replace").rstrip("\n")
            tail.append(line)
            # With nobody listening any more the pipe must still be drained, or the child stalls.
            with self._writing, contextlib.suppress(OSError, ValueError):
                sys.stdout.write(f"{name:<{_NAME_WIDTH}}| {line}\n")
                sys.stdout.flush()
