"""`python -m tieback.stack`: exit codes, refusals, and nothing left after any end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stack.conftest import SMALL, family, left_over, wait_until
from tieback.stack.ports import free_ports

# Before the command there are the watchdog and three servers; PostgreSQL has children too.
LEAST_PROCESSES = 8
PAGES = ("TIEBACK_WEB_PORT", "TIEBACK_RESOLVER_PORT", "TIEBACK_CONSOLE_PORT")


def stack_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tieback.stack", *arguments]


@contextmanager
def started(home: Path, line: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a line of shell inside a stack; go on when the line has made the file ``ready``."""
    arguments = ("with", "--home", str(home), "--free-ports", "--", "sh", "-c", line)
    with subprocess.Popen(
        stack_command(*arguments), env=SMALL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_until(lambda: (home / "ready").exists() or process.poll() is not None)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_after(signum: signal.Signals, home_folder: Path) -> None:
    line = 'sleep 100 & touch "$TIEBACK_HOME/ready"; sleep 100'
    with started(home_folder, line) as process:
        processes = family(process.pid)
        assert len(processes) > LEAST_PROCESSES

        process.send_signal(signum)
        code = process.wait(timeout=30)

    assert code == (-signum if signum == signal.SIGKILL else 128 + signum)
    assert left_over(processes) == []


def test_next_stack_waits_for_the_clean_up_after_a_killed_one(home_folder: Path) -> None:
    with started(home_folder, 'touch "$TIEBACK_HOME/ready"; sleep 100') as process:
        process.kill()
        process.wait()
        (home_folder / "ready").unlink()

    again = subprocess.run(
        stack_command(
            "with", "--home", str(home_folder), "--free-ports", "--", "sh", "-c", "exit 7"
        ),
        check=False,
        env=SMALL,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (again.returncode, again.stderr) == (7, "")


@pytest.mark.parametrize(
    ("name", "variable"), [("web", "TIEBACK_WEB_PORT"), ("devchain", "TIEBACK_DEVCHAIN_PORT")]
)
def test_taken_page_port_is_refused_in_one_line(
    home_folder: Path, name: str, variable: str
) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        elsewhere = dict(zip(PAGES, map(str, free_ports(len(PAGES))), strict=True))
        done = subprocess.run(
            stack_command("up", "--home", str(home_folder)),
            check=False,
            env={**os.environ, **elsewhere, variable: port},
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert done.returncode == 1
    assert done.stderr == (
        f"tieback: port {port} for {name} is in use: set {variable} to another one\n"
    )
