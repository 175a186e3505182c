"""tieback's processes in the stack, with small servers in their place."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.conftest import SMALL, wait_until
from tieback.planes import PLANES, WEB, WORKER
from tieback.stack import Stack, StackError, embedded
from tieback.stack.processes import Process, Step

# Answers each GET with the variables it was started with.
SERVER = """
import http.server, json, os, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())
port = sys.argv[1] if len(sys.argv) > 1 else os.environ["PROMETHEUS_PORT"]
http.server.HTTPServer(("127.0.0.1", int(port)), Page).serve_forever()
"""
TABLE = {
    "web": Process("web", WEB, ("python", "-c", "{code}", "{port}"), ready="/health/liveness"),
    "worker": Process("worker", WORKER, ("python", "-c", "{code}"), ready="/metrics"),
    "beat": Process("beat", WORKER, ("python", "-c", "import time; time.sleep(100)")),
}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    code = tmp_path / "server.py"
    code.write_text(SERVER)
    table = {
        name: Process(name, entry.plane, _argv(entry, code), ready=entry.ready)
        for name, entry in TABLE.items()
    }
    monkeypatch.setattr(embedded, "_PROCESSES", table)
    with Stack(tmp_path / "home", free_ports=True, environ=SMALL) as stack:
        yield stack


def _argv(entry: Process, code: Path) -> tuple[str, ...]:
    if "{code}" not in entry.argv:
        return entry.argv
    return ("python", str(code), *(word for word in entry.argv if word == "{port}"))


def variables(stack: Stack, name: str) -> dict[str, str]:
    """Ask a running process for the variables it was started with."""
    with urllib.request.urlopen(stack.url(name), timeout=5) as answer:  # noqa: S310
        return json.load(answer)  # type: ignore[no-any-return]


def test_processes_are_started_with_the_variables_of_their_plane(stack: Stack) -> None:
    stack.start_processes(["web", "worker", "beat"])

    web, worker = variables(stack, "web"), variables(stack, "worker")
    assert web["TIEBACK_PLANE"] == "web"
    assert "TIEBACK_WORKER_PASSWORD" not in web
    assert "PROMETHEUS_PORT" not in web
    assert worker["PROMETHEUS_PORT"] == str(stack.ports["worker"])
    assert stack.supervisor.names == ["web", "worker", "beat"]


def test_each_process_group_counts_in_a_folder_of_its_own_emptied_at_its_start(
    stack: Stack,
) -> None:
    left_from_last_run = stack.home / "metrics" / "web" / "counter_1.db"
    left_from_last_run.parent.mkdir(parents=True)
    left_from_last_run.touch()

    stack.start_processes(["web", "worker"])

    folders = {variables(stack, name)["PROMETHEUS_MULTIPROC_DIR"] for name in ("web", "worker")}
    assert folders == {str(stack.home / "metrics" / name) for name in ("web", "worker")}
    assert not left_from_last_run.exists()

    left_from_last_run.touch()
    stack.restart("web")
    assert not left_from_last_run.exists()


def test_second_worker_runs_beside_the_first_with_variables_of_its_own(stack: Stack) -> None:
    stack.start_processes(["worker"])

    stack.start("worker", alias="worker-2", env={"TIEBACK_CYCLE_SIZE": "10"})

    assert stack.ports["worker-2"] != stack.ports["worker"]
    assert variables(stack, "worker-2")["TIEBACK_CYCLE_SIZE"] == "10"
    assert "TIEBACK_CYCLE_SIZE" not in variables(stack, "worker")


def test_restarted_process_is_another_one_at_the_same_address(stack: Stack) -> None:
    stack.start_processes(["web"])
    before = stack.pid("web"), stack.url("web")

    stack.restart("web")

    assert stack.pid("web") != before[0]
    assert stack.url("web") == before[1]
    assert variables(stack, "web")["TIEBACK_PLANE"] == "web"


def test_processes_end_before_the_services_they_use(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = (
        "trap 'sleep 0.2; echo $1 >> $2/order; exit' TERM; touch $2/$1;"
        " while :; do sleep 0.02; done"
    )
    argv = ("shell", "-c", line, "sh", "{name}", "{home}")
    monkeypatch.setattr(embedded, "_PROGRAMS", {"shell": ("/bin/sh",)})
    monkeypatch.setattr(embedded, "SERVICES", ("web",))
    table = {name: Process(name, WEB, argv) for name in ("web", "beat")}
    monkeypatch.setattr(embedded, "_PROCESSES", table)
    stack.start_processes(table)
    wait_until(lambda: all((stack.home / name).exists() for name in table))

    stack.stop()

    assert (stack.home / "order").read_text().split() == ["beat", "web"]


def test_killed_process_does_not_end_the_stack_and_can_be_started_again(stack: Stack) -> None:
    stack.start_processes(["web"])

    stack.kill("web")
    stack.check()
    with pytest.raises(StackError, match="web is not running"):
        stack.pid("web")
    stack.start("web")

    assert variables(stack, "web")["TIEBACK_PLANE"] == "web"


def test_data_service_is_not_started_alone_before_it_was_prepared(stack: Stack) -> None:
    with pytest.raises(StackError, match=r"postgres is started by start_services\(\)"):
        stack.start("postgres")


def test_failed_migration_is_told_with_its_last_lines(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Step("migrate", WEB, ("python", "-c", "import sys; sys.exit('no such column')"))
    monkeypatch.setattr(embedded, "_STEPS", {"migrate": step})

    with pytest.raises(StackError, match=r"migrate exited with 1\n  no such column"):
        stack.migrate()


def test_command_that_does_not_exist_is_told_by_name(stack: Stack) -> None:
    with pytest.raises(StackError, match="cannot run nonesuch: No such file or directory"):
        stack.command(["nonesuch"])


def test_command_gets_every_planes_variables_and_its_exit_code_is_returned(stack: Stack) -> None:
    passwords = (plane.password_variable for plane in PLANES.values())
    tests = [f'test "${name}" = {stack.secrets[name]}' for name in passwords]

    assert stack.command(["sh", "-c", " && ".join([*tests, "exit 7"])]) == 7


def test_command_killed_by_a_signal_returns_its_negative_number(stack: Stack) -> None:
    assert stack.command(["sh", "-c", "kill -TERM $$"]) == -15
