"""The lanes of `make test-matrix`: each finds its part or says how to get it; none is skipped."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from matrix import lanes
from matrix.__main__ import main
from matrix.environments import environment_of
from matrix.lanes import LANES, Lane, Setting, command, run
from matrix.parts import Missing, find_pgbouncer, find_postgres, find_python

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
NOTHING: dict[str, str] = {"PATH": "", "HOME": "/nowhere"}


@pytest.fixture
def program(tmp_path: Path):
    """Return a function that makes a program that prints a line."""

    def make(path: str, said: str, code: int = 0) -> Path:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"#!/bin/sh\necho '{said}'\nexit {code}\n")
        target.chmod(0o755)
        return target

    return make


@pytest.fixture
def no_uv(monkeypatch) -> None:
    monkeypatch.setattr("matrix.parts._from_uv", lambda _: iter(()))


def test_the_promised_versions_have_a_lane_each():
    assert [lane.name for lane in LANES] == [
        "python-3.11",
        "python-3.13",
        "pgbouncer",
        "postgresql-15",
    ]


def test_the_python_that_runs_this_is_found_without_a_search():
    assert find_python(MINOR, NOTHING) == Path(sys.executable)


@pytest.mark.usefixtures("no_uv")
def test_a_shim_that_starts_nothing_is_passed_over(program):
    shim = program("shims/python3.99", "command not found", code=127)
    real = program("bin/python3.99", "3.99")
    path = os.pathsep.join(map(str, (shim.parent, real.parent)))
    assert find_python("3.99", {"PATH": path}) == real


@pytest.mark.usefixtures("no_uv")
def test_a_python_of_pyenv_is_found(program, tmp_path: Path):
    real = program("versions/3.99.1/bin/python3.99", "3.99")
    assert find_python("3.99", {"PYENV_ROOT": str(tmp_path)}) == real


@pytest.mark.usefixtures("no_uv")
def test_a_python_that_is_nowhere_is_missing_and_says_which_variable_names_it():
    with pytest.raises(Missing, match=r"PYTHON399=/path/to/python3\.99"):
        find_python("3.99", NOTHING)


def test_a_named_python_of_another_version_is_refused_and_not_replaced():
    with pytest.raises(Missing, match=r"is not a Python 3\.99"):
        find_python("3.99", {"PYTHON399": sys.executable})


def test_a_missing_pgbouncer_names_the_package(monkeypatch):
    monkeypatch.setattr("matrix.parts._SERVER_FOLDERS", ())
    with pytest.raises(Missing, match="apt install pgbouncer"):
        find_pgbouncer(NOTHING)


def test_a_named_pgbouncer_is_taken(program):
    named = program("pgbouncer", "PgBouncer 1.18.0")
    assert find_pgbouncer({"PGBOUNCER": str(named)}) == named


def test_a_postgres_of_another_version_is_missing_and_names_the_package(program):
    folder = program("bin/postgres", "postgres (PostgreSQL) 16.2 (Debian 16.2-1)").parent
    with pytest.raises(Missing, match="apt install postgresql-15"):
        find_postgres("15", {"POSTGRES15_BIN": str(folder)})
    assert find_postgres("16", {"POSTGRES16_BIN": str(folder)}) == folder


def test_the_running_pythons_environment_is_used_as_it_is(tmp_path: Path):
    assert environment_of(Path(sys.executable), tmp_path) == Path(sys.executable)


def test_another_pythons_environment_is_made_once_for_a_lock(tmp_path: Path, monkeypatch):
    made: list[list[str]] = []

    def record(argv: list[str], *, check: bool) -> None:
        made.append(argv)
        if "venv" in argv:
            (tmp_path / "env/bin").mkdir(parents=True)
            (tmp_path / "env/bin/python").touch()

    monkeypatch.setattr(subprocess, "run", record)
    for _ in range(2):
        found = environment_of(Path("/opt/python3.99"), tmp_path / "env")
    assert found == tmp_path / "env/bin/python"
    assert [argv[1:3] for argv in made] == [["-m", "venv"], ["-m", "pip"]]
    assert "--require-hashes" in made[1]


def test_a_lane_runs_pytest_inside_a_stack_of_its_own_that_is_thrown_away():
    line = " ".join(command(Setting(Path("/opt/python")), ["-k", "x"]))
    assert "/opt/python -m tieback.stack with --temporary --free-ports --template" in line
    assert line.endswith("/opt/python -m pytest -n 2 -k x")


@pytest.fixture
def suite(monkeypatch):
    """Put a line of shell in the suite's place."""

    def replace(line: str) -> None:
        monkeypatch.setattr(lanes, "command", lambda setting, arguments: ["sh", "-c", line])

    return replace


LANE = Lane("a-lane", "for a test", lambda environ, home: Setting(variables={"PART": "here"}))


def test_a_lane_that_passes_tells_its_last_line(suite, tmp_path: Path):
    suite('echo "part $PART"; echo "=== 3 passed in 0.1s ==="')
    result = run(LANE, environ=os.environ, home=tmp_path, arguments=[])
    assert (result.outcome, result.said) == ("passed", "3 passed in 0.1s")
    assert (tmp_path / "a-lane.log").read_text().startswith("part here\n")


def test_a_lane_that_fails_shows_its_end_and_where_all_of_it_is(suite, tmp_path: Path, capsys):
    suite("echo FAILED test_x; echo '=== 1 failed ==='; exit 1")
    result = run(LANE, environ=os.environ, home=tmp_path, arguments=[])
    assert (result.outcome, result.said) == ("failed", "1 failed")
    told = capsys.readouterr().err
    assert "FAILED test_x" in told
    assert str(tmp_path / "a-lane.log") in told


def test_an_interrupted_lane_ends_what_it_started(suite, tmp_path: Path, monkeypatch):
    suite(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    waits = subprocess.Popen.wait
    calls: list[int] = []

    def interrupted(process: "subprocess.Popen[bytes]", timeout: float | None = None) -> int:
        calls.append(process.pid)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return waits(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(LANE, environ=os.environ, home=tmp_path, arguments=[])
    with pytest.raises(ProcessLookupError):
        os.kill(calls[0], 0)


def test_a_missing_part_fails_the_run_and_the_other_lanes_are_run(
    suite, tmp_path: Path, monkeypatch, capsys
):
    def nothing(environ: object, home: Path) -> Setting:
        raise Missing("no such part: apt install part")

    suite("echo '=== 3 passed ==='")
    both = (Lane("absent", "cannot be run", nothing), LANE)
    monkeypatch.setattr("matrix.__main__.LANES", both)
    monkeypatch.setattr("matrix.__main__.signal.signal", lambda *_: None)
    monkeypatch.setenv("TIEBACK_HOME", str(tmp_path))
    assert main([]) == 1
    told = capsys.readouterr().out
    assert "no such part: apt install part" in told
    assert told.endswith("1 passed, 1 failed\n")
    kept = json.loads((tmp_path / "matrix.json").read_text())["lanes"]
    assert {name: lane["outcome"] for name, lane in kept.items()} == {
        "absent": "missing",
        "a-lane": "passed",
    }
    assert main(["a-lane"]) == 0


def test_a_lane_nobody_knows_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["postgresql-9"])
    assert "postgresql-15" in capsys.readouterr().err
