"""The lanes: what each one needs, and the run of the whole suite with it."""

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from matrix.environments import environment_of
from matrix.parts import Missing, find_pgbouncer, find_postgres, find_python

PROJECT = Path(__file__).resolve().parents[1]
_LAST_LINES = 40


@dataclass(frozen=True)
class Setting:
    """What a lane runs with: an interpreter and further variables of the stack."""

    python: Path = Path(sys.executable)
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lane:
    """One run of the suite. ``prepare`` finds the parts, or raises ``Missing``."""

    name: str
    about: str
    prepare: Callable[[Mapping[str, str], Path], Setting]


@dataclass(frozen=True)
class Result:
    """How a lane ended: ``passed``, ``failed`` or ``missing``; and its last word."""

    lane: str
    outcome: str
    seconds: float
    said: str


def _python(version: str, environ: Mapping[str, str], home: Path) -> Setting:
    found = find_python(version, environ)
    return Setting(environment_of(found, home / f"python{version}"))


def _pgbouncer(environ: Mapping[str, str], home: Path) -> Setting:
    return Setting(variables={"TIEBACK_PGBOUNCER": str(find_pgbouncer(environ))})


def _postgres(version: str, environ: Mapping[str, str], home: Path) -> Setting:
    return Setting(variables={"TIEBACK_POSTGRES_BIN": str(find_postgres(version, environ))})


LANES = (
    Lane("python-3.11", "the oldest Python", partial(_python, "3.11")),
    Lane("python-3.13", "the newest Python", partial(_python, "3.13")),
    Lane("pgbouncer", "PgBouncer in transaction mode before PostgreSQL", _pgbouncer),
    Lane("postgresql-15", "the oldest PostgreSQL", partial(_postgres, "15")),
)


def run(lane: Lane, *, environ: Mapping[str, str], home: Path, arguments: list[str]) -> Result:
    """Run the suite in one lane, its output into a file of ``home`` and its end to the caller."""
    began = time.monotonic()
    try:
        setting = lane.prepare(environ, home)
    except Missing as missing:
        return Result(lane.name, "missing", time.monotonic() - began, str(missing))
    except subprocess.CalledProcessError as error:
        said = f"the lock does not install: {' '.join(error.cmd[:4])} … exited {error.returncode}"
        return Result(lane.name, "failed", time.monotonic() - began, said)
    log = home / f"{lane.name}.log"
    with log.open("wb") as output:
        code = _end_of(command(setting, arguments), setting, environ, output)
    lines = last_lines(log)
    said = lines[-1].strip("= ") if lines else "it printed nothing"
    if code:
        sys.stderr.write("\n".join(f"  {line}" for line in lines) + f"\n  all of it: {log}\n")
    return Result(lane.name, "failed" if code else "passed", time.monotonic() - began, said)


def command(setting: Setting, arguments: list[str]) -> list[str]:
    """Return the command of a lane: a stack of its own around pytest."""
    python = str(setting.python)
    return [
        *(python, "-m", "tieback.stack", "with", "--temporary", "--free-ports"),
        *("--template", "tests/emptying.sql", "--", "env", "TIEBACK_PLANE=web"),
        *(python, "-m", "pytest", "-n", "2", *arguments),
    ]


def _end_of(argv: list[str], setting: Setting, environ: Mapping[str, str], output: BinaryIO) -> int:
    variables = {"TIEBACK_POSTGRES_SHARED_BUFFERS": "128MB", **environ, **setting.variables}
    with subprocess.Popen(
        argv,
        cwd=PROJECT,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            return process.wait()
        except BaseException:
            # The stack ends its servers and everything below it, and nothing else.
            process.terminate()
            process.wait()
            raise


def last_lines(log: Path) -> list[str]:
    """Return the end of what a lane printed."""
    with log.open(encoding="utf-8", errors="replace") as text:
        return [line.rstrip("\n") for line in deque(text, _LAST_LINES) if line.strip()]


def inherited() -> dict[str, str]:
    """Return our variables without those that say which database or pooler another stack has."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in {"TIEBACK_PGBOUNCER", "TIEBACK_POSTGRES_BIN"}
    }
