"""Finds what a lane needs on this machine; what is missing is an error that says how to get it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

DEBIAN_POSTGRES = "/usr/lib/postgresql/{version}/bin"
# Debian puts servers where an ordinary user's PATH does not lead.
_SERVER_FOLDERS = ("/usr/sbin", "/usr/local/sbin")


class Missing(Exception):
    """A lane cannot run here; the message says what to do about it."""


def find_python(version: str, environ: Mapping[str, str]) -> Path:
    """Return an interpreter of this minor version: named, ours, on the PATH, or fetched by uv."""
    variable = f"PYTHON{version.replace('.', '')}"
    named = environ.get(variable)
    if named:
        if _version_of(named) != version:
            raise Missing(f"{variable}={named} is not a Python {version}")
        return Path(named)
    for candidate in _pythons(version, environ):
        if _version_of(candidate) == version:
            return Path(candidate)
    raise Missing(
        f"no Python {version} here, and uv could not fetch one: install it and say where,"
        f" {variable}=/path/to/python{version}"
    )


def _pythons(version: str, environ: Mapping[str, str]) -> Iterator[str]:
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        yield sys.executable
    for folder in environ.get("PATH", "").split(os.pathsep):
        # A shim may stand there for a version that it cannot start, so each one is tried.
        if folder and os.access(Path(folder, f"python{version}"), os.X_OK):
            yield str(Path(folder, f"python{version}"))
    pyenv = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/"), ".pyenv"))
    yield from map(str, sorted((pyenv / "versions").glob(f"{version}.*/bin/python{version}")))
    yield from _from_uv(version)


def _from_uv(version: str) -> Iterator[str]:
    """Ask uv for one it knows, and then for one it can fetch."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        return
    for step in ([], ["install"]):
        if step and _output(uv, "python", *step, version, seconds=300) is None:
            return
        found = _output(uv, "python", "find", "--managed-python", version, seconds=60)
        if found:
            yield found


def find_pgbouncer(environ: Mapping[str, str]) -> Path:
    """Return a PgBouncer."""
    path = os.pathsep.join((environ.get("PATH", ""), *_SERVER_FOLDERS))
    found = environ.get("PGBOUNCER") or shutil.which("pgbouncer", path=path)
    if found is None or _output(found, "--version") is None:
        raise Missing(
            "no PgBouncer here (Debian: apt install pgbouncer); another place: PGBOUNCER=/path"
        )
    return Path(found)


def find_postgres(version: str, environ: Mapping[str, str]) -> Path:
    """Return the folder with the programs of a PostgreSQL of this major version."""
    variable = f"POSTGRES{version}_BIN"
    folder = Path(environ.get(variable) or DEBIAN_POSTGRES.format(version=version))
    said = (_output(folder / "postgres", "--version") or "").split()
    if len(said) < 3 or said[2].split(".")[0] != version:
        raise Missing(
            f"no PostgreSQL {version} in {folder} (Debian: apt install postgresql-{version});"
            f" another place: {variable}=/path/to/bin"
        )
    return folder


def _version_of(python: str) -> str | None:
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    return _output(python, "-c", code)


def _output(*argv: object, seconds: float = 30) -> str | None:
    """Run a program; return what it printed, or ``None`` where it failed."""
    try:
        done = subprocess.run(
            [str(part) for part in argv],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
