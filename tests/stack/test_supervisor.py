"""The supervisor: children start in order, are watched, and all end with it."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.stack.conftest import family, left_over, wait_until
from tieback.stack import StackError, StackInterruptedError
from tieback.stack.logs import ConsoleLogs
from tieback.stack.supervisor import Service, Supervisor

Shell = Callable[..., Service]


def test_stopping_a_child_ends_its_grandchildren(supervisor: Supervisor, shell: Shell) -> None:
    supervisor.start(shell("parent", "sleep 100 & sleep 100"))
    processes = [psutil.Process(supervisor.pid("parent"))]
    wait_until(lambda: len(processes[0].children()) == 2)
    processes += processes[0].children()

    supervisor.stop("parent")

    assert left_over(processes, seconds=1) == []


def test_grandchildren_of_a_killed_child_do_not_outlive_it(
    supervisor: Supervisor, shell: Shell
) -> None:
    supervisor.start(shell("parent", "sleep 100 & sleep 100"))
    parent = psutil.Process(supervisor.pid("parent"))
    wait_until(lambda: len(parent.children()) == 2)
    processes = parent.children()

    supervisor.kill("parent")

    assert left_over(processes, seconds=1) == []
    supervisor.check()


def test_child_that_ignores_the_signal_is_killed_after_the_grace_period(
    supervisor: Supervisor, shell: Shell, tmp_path: Path
) -> None:
    supervisor.start(shell("stubborn", "trap '' TERM; touch armed; sleep 100"))
    wait_until((tmp_path / "armed").exists)
    processes = [psutil.Process(supervisor.pid("stubborn")), *family(supervisor.pid("stubborn"))]

    supervisor.stop("stubborn", seconds=0.3)

    assert left_over(processes, seconds=1) == []


def test_paused_child_can_be_stopped(supervisor: Supervisor, shell: Shell) -> None:
    supervisor.start(shell("paused", "sleep 100"))
    supervisor.send("paused", signal.SIGSTOP)
    started = time.monotonic()

    supervisor.stop("paused", seconds=10)

    assert time.monotonic() - started < 9
    assert not supervisor.is_running("paused")


def test_death_of_a_child_is_told_with_its_code_and_last_lines(
    supervisor: Supervisor, shell: Shell
) -> None:
    supervisor.start(shell("healthy", "sleep 100"))
    supervisor.start(shell("broken", "echo disk full >&2; exit 3"))
    wait_until(lambda: not supervisor.is_running("broken"))

    with pytest.raises(StackError, match=r"broken exited with 3\n  disk full"):
        supervisor.check()


def test_child_killed_by_someone_else_is_told_by_the_signals_name(
    supervisor: Supervisor, shell: Shell
) -> None:
    supervisor.start(shell("victim", "sleep 100"))
    psutil.Process(supervisor.pid("victim")).kill()
    wait_until(lambda: not supervisor.is_running("victim"))

    with pytest.raises(StackError, match="victim was killed by SIGKILL"):
        supervisor.check()


def test_death_of_a_child_ends_the_wait_for_another(supervisor: Supervisor, shell: Shell) -> None:
    supervisor.start(shell("server", "sleep 0.2; exit 4"))
    supervisor.start(shell("command", "sleep 100"))

    with pytest.raises(StackError, match="server exited with 4"):
        supervisor.wait_end("command")


def test_failed_step_is_told_with_its_last_lines(supervisor: Supervisor, shell: Shell) -> None:
    with pytest.raises(StackError, match=r"step exited with 1\n  no such table"):
        supervisor.run(shell("step", "echo no such table; exit 1"))


def test_start_waits_until_the_child_works(
    supervisor: Supervisor, shell: Shell, tmp_path: Path
) -> None:
    flag = tmp_path / "ready"
    supervisor.start(shell("slow", "sleep 0.3; touch ready; sleep 100", ready=flag.exists))

    supervisor.wait_ready("slow")

    assert flag.exists()


def test_child_that_never_works_is_an_error(supervisor: Supervisor, shell: Shell) -> None:
    supervisor.start(shell("mute", "sleep 100", ready=lambda: False, ready_seconds=0.2))

    with pytest.raises(StackError, match="mute is not ready after"):
        supervisor.wait_ready("mute")


def test_start_is_repeated_while_the_failure_passes(
    supervisor: Supervisor, shell: Shell, tmp_path: Path
) -> None:
    line = "echo >> tries; test $(wc -l < tries) -gt 2 || { echo still locked; exit 1; }; sleep 100"
    tries = tmp_path / "tries"
    works = lambda: tries.exists() and len(tries.read_text().splitlines()) > 2  # noqa: E731
    supervisor.start(shell("database", line, ready=works, passing_failure="still locked"))

    supervisor.wait_ready("database")

    assert supervisor.is_running("database")


def test_other_failures_are_not_repeated(supervisor: Supervisor, shell: Shell) -> None:
    child = shell("database", "echo broken; exit 1", ready=lambda: False, passing_failure="locked")
    supervisor.start(child)

    with pytest.raises(StackError, match="database exited with 1"):
        supervisor.wait_ready("database")


def test_interrupt_ends_every_wait(supervisor: Supervisor, shell: Shell) -> None:
    supervisor.start(shell("command", "sleep 100"))
    supervisor.interrupt(signal.SIGTERM)

    with pytest.raises(StackInterruptedError) as caught:
        supervisor.wait_end("command")
    assert caught.value.signum == signal.SIGTERM


def test_running_child_is_not_started_twice(supervisor: Supervisor, shell: Shell) -> None:
    supervisor.start(shell("single", "sleep 100"))

    with pytest.raises(StackError, match="single is already running"):
        supervisor.start(shell("single", "sleep 100"))


def test_loss_of_the_watchdog_is_an_error(tmp_path: Path, shell: Shell) -> None:
    before = family(psutil.Process().pid)
    supervisor = Supervisor(ConsoleLogs())
    (watchdog,) = set(family(psutil.Process().pid)) - set(before)
    supervisor.check()
    watchdog.kill()
    watchdog.wait()

    with pytest.raises(StackError, match="watchdog process has ended"):
        supervisor.check()
    supervisor.start(shell("late", "sleep 100"))
    supervisor.stop("late")
    supervisor.close()


def test_console_shows_each_line_whole_behind_the_childs_name(
    capsys: pytest.CaptureFixture[str], shell: Shell
) -> None:
    supervisor = Supervisor(ConsoleLogs())
    # Both go on after their lines: one that ends while another is waited for is a failure.
    lines = "for i in 1 2 3; do echo line $i; done; sleep 100"
    supervisor.start(shell("one", lines))
    supervisor.start(shell("two", lines))
    shown: list[str] = []
    wait_until(lambda: len(shown.extend(capsys.readouterr().out.splitlines()) or shown) == 6)
    supervisor.stop("one", "two")
    supervisor.close()

    expected = {f"{name:<15}| line {number}" for name in ("one", "two") for number in (1, 2, 3)}
    assert set(shown) == expected
