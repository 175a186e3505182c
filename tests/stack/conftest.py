"""Stacks of their own for the tests of the stack, and the processes they leave."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tieback.stack import Stack
from tieback.stack.home import Home
from tieback.stack.logs import FileLogs
from tieback.stack.supervisor import Service, Supervisor

SMALL = {**os.environ, "TIEBACK_POSTGRES_SHARED_BUFFERS": "32MB", "TIEBACK_S3": "rclone"}


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """Run the data services for the tests of one module."""
    with Stack(free_ports=True, environ=SMALL) as stack:
        stack.start_services()
        yield stack


@pytest.fixture
def home_folder() -> Iterator[Path]:
    """Give a folder that the user PostgreSQL runs as can reach; pytest's own it cannot."""
    with Home.make_temporary() as home:
        yield home.path / "home"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """Give a supervisor that has no children yet."""
    supervisor = Supervisor(FileLogs(tmp_path))
    yield supervisor
    supervisor.stop(*supervisor.names, seconds=1)
    supervisor.close()


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., Service]:
    """Give a function that makes a child out of a line of shell."""

    def make(name: str, line: str, **options: object) -> Service:
        argv = ("/bin/sh", "-c", line)
        return Service(name=name, argv=argv, env=dict(os.environ), cwd=tmp_path, **options)  # type: ignore[arg-type]

    return make


def family(pid: int) -> list[psutil.Process]:
    """Return every process below one."""
    return psutil.Process(pid).children(recursive=True)


def left_over(processes: list[psutil.Process], *, seconds: float = 15) -> list[str]:
    """Return the processes that still run after at most ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        left = [process.pid for process in processes if _runs(process)]
        if not left or time.monotonic() > deadline:
            return [str(process) for process in processes if process.pid in left]
        time.sleep(0.05)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(true: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait for something that is about to happen."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
