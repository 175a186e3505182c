"""Starts children, waits until each works, and ends them all, whatever happens to itself.

Each child is a session of its own, so Ctrl-C on the terminal reaches only the supervisor, which
then ends the children in the reverse order of their start. A watchdog process on a pipe ends
them when the supervisor is killed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tieback.stack.errors import StackError, StackInterruptedError
from tieback.stack.logs import Logs

STOP_SECONDS = 30.0
_TURN = 0.05


@dataclass(frozen=True)
class Identity:
    """As whom a child runs: another user, or the same one seen through a command prefix."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()

    def options(self) -> dict[str, Any]:
        """Return the options of ``subprocess`` that make the change of user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True)
class Service:
    """One child to run: its command, and how to tell that it works and to make it stop."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    # A shell's children are ours to stop too; a server stops its own.
    signal_whole_group: bool = False
    identity: Identity = field(default_factory=Identity)
    # Text of a failure that passes by itself: the start is repeated for this many seconds.
    passing_failure: str = ""
    passing_seconds: float = 10.0
    # Give the child our own input and output instead of a log.
    foreground: bool = False


class Supervisor:
    """Owns the children of one stack."""

    def __init__(self, logs: Logs, *, lock_fd: int = -1) -> None:
        self._logs = logs
        self._children: dict[str, tuple[Service, subprocess.Popen[bytes]]] = {}
        self._expected: set[str] = set()
        self._signum = 0
        self._interrupts = 0
        self._watchdog = _start_watchdog(lock_fd)

    def interrupt(self, signum: int) -> None:
        """Make every wait end with ``StackInterruptedError``; twice: end children at once.

        Only sets what the waits look at, so a signal handler may call it.
        """
        self._signum = signum
        self._interrupts += 1

    def pause(self, seconds: float = _TURN) -> None:
        """Sleep a moment, unless asked to end."""
        if self._signum:
            raise StackInterruptedError(self._signum)
        time.sleep(seconds)

    def start(self, service: Service) -> None:
        """Start a child and register it with the watchdog."""
        if self.is_running(service.name):
            message = f"{service.name} is already running"
            raise StackError(message)
        self._forget(service.name)
        identity = service.identity
        with self._streams(service) as streams:
            process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - what to run is the caller's choice
                [*identity.prefix, *service.argv],
                env=dict(service.env),
                cwd=service.cwd,
                start_new_session=True,
                **streams,
                **identity.options(),
            )
        whole = int(service.signal_whole_group)
        self._tell(f"+ {process.pid} {int(service.stop_signal)} {whole}")
        self._children[service.name] = (service, process)
        if not service.foreground:
            self._logs.attach(service.name, process)

    def wait_ready(self, name: str) -> None:
        """Wait until the child works; its death or too long a wait is an error."""
        service, _ = self._children[name]
        started, pause = time.monotonic(), _TURN
        while True:
            code = self._children[name][1].poll()
            waited = time.monotonic() - started
            if code is not None:
                self._repeat_start(service, code, give_up=waited > service.passing_seconds)
            elif service.ready is None or service.ready():
                return
            elif waited > service.ready_seconds:
                message = f"{name} is not ready after {waited:.0f} s\n{self._last_lines(name)}"
                raise StackError(message)
            self.pause(pause)
            pause = min(pause * 1.5, 0.5)

    def run(self, service: Service) -> None:
        """Run a child to its end; a failure is an error that shows its last lines."""
        self.start(service)
        code = self.wait_end(service.name)
        if code:
            raise StackError(self._obituary(service.name, code))

    def wait_end(self, name: str) -> int:
        """Wait until one child ends by itself and return its exit code; watch the others."""
        process = self._children[name][1]
        self._expected.add(name)
        while (code := process.poll()) is None:
            self.check()
            self.pause()
        self._forget(name)
        return code

    def check(self) -> None:
        """Raise if a child has ended that was not asked to."""
        for name, (_, process) in self._children.items():
            code = process.poll()
            if code is not None and name not in self._expected:
                raise StackError(self._obituary(name, code))
        if self._watchdog.poll() is not None:
            message = "the watchdog process has ended"
            raise StackError(message)

    def stop(self, *names: str, seconds: float = STOP_SECONDS) -> None:
        """Stop children, the one named last first: ask all, wait, then end what is left."""
        chosen = [self._children[name] for name in reversed(names) if name in self._children]
        for service, process in chosen:
            self._expected.add(service.name)
            if process.poll() is None:
                _send(process.pid, service.stop_signal, whole=service.signal_whole_group)
                _send(process.pid, signal.SIGCONT, whole=True)
        deadline = time.monotonic() + seconds
        while any(process.poll() is None for _, process in chosen):
            if time.monotonic() > deadline or self._interrupts > 1:
                break
            time.sleep(_TURN)
        for service, _ in chosen:
            self._forget(service.name)

    def kill(self, name: str) -> None:
        """End a child and its process group at once, as a crash of the machine's memory would."""
        self._expected.add(name)
        self._forget(name)

    def send(self, name: str, signum: signal.Signals) -> None:
        """Send a signal to a child and its process group."""
        _send(self.pid(name), signum, whole=True)

    def pid(self, name: str) -> int:
        """Return the process id of a running child."""
        if not self.is_running(name):
            message = f"{name} is not running"
            raise StackError(message)
        return self._children[name][1].pid

    def is_running(self, name: str) -> bool:
        """Say whether a child was started and has not ended."""
        return name in self._children and self._children[name][1].poll() is None

    @property
    def names(self) -> list[str]:
        """The children, in the order of their start."""
        return list(self._children)

    def close(self) -> None:
        """Dismiss the watchdog; the children must have been stopped."""
        if self._watchdog.stdin:
            with contextlib.suppress(OSError):
                self._watchdog.stdin.close()
        self._watchdog.wait()

    def _repeat_start(self, service: Service, code: int, *, give_up: bool) -> None:
        passing = service.passing_failure
        if give_up or not passing or passing not in self._last_lines(service.name):
            raise StackError(self._obituary(service.name, code))
        self.start(service)

    def _forget(self, name: str) -> None:
        """End what is left of a child's process group and strike it from the lists."""
        if name not in self._children:
            return
        _, process = self._children.pop(name)
        _send(process.pid, signal.SIGKILL, whole=True)
        process.wait()
        self._tell(f"- {process.pid}")
        self._expected.discard(name)

    def _obituary(self, name: str, code: int) -> str:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        return f"{name} {how}\n{self._last_lines(name)}".rstrip()

    def _last_lines(self, name: str) -> str:
        return "\n".join(f"  {line}" for line in self._logs.tail(name))

    @contextlib.contextmanager
    def _streams(self, service: Service) -> Iterator[dict[str, Any]]:
        if service.foreground:
            yield {}
            return
        with self._logs.open(service.name) as output:
            yield {
                "stdin": subprocess.DEVNULL,
                "stdout": output,
                "stderr": subprocess.STDOUT,
            }

    def _tell(self, line: str) -> None:
        if self._watchdog.stdin:
            with contextlib.suppress(OSError):
                self._watchdog.stdin.write(line.encode() + b"\n")
                self._watchdog.stdin.flush()


def _start_watchdog(lock_fd: int) -> "subprocess.Popen[bytes]":
    script = Path(__file__).with_name("watchdog.py")
    return subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-I", str(script), str(lock_fd)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=() if lock_fd < 0 else (lock_fd,),
    )


def _send(pid: int, signum: signal.Signals, *, whole: bool) -> None:
    # macOS answers EPERM, not ESRCH, for a group of which only zombies are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signum) if whole else os.kill(pid, signum)
