"""The Dockerfile builds from files that exist, without a secret, and runs as an ordinary user."""

import os
import re
import runpy
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec

import pytest
from django.conf import settings

from tests.docs.compose import ours, plane_of
from tests.docs.markdown import ROOT
from tieback.planes import PLANES

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PRODUCTION = ROOT / "requirements-production.lock"
RUNTIME = ROOT / "requirements.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def instructions() -> list[tuple[str, str]]:
    """Return each instruction with its arguments, continued lines joined."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line]


def copied() -> list[str]:
    """Return what is copied from the project."""
    arguments = [rest for word, rest in instructions() if word == "COPY" and "--from" not in rest]
    return [source for line in arguments for source in line.split()[:-1]]


def packages_in(lock: str) -> dict[str, str]:
    """Return a lock's entries, hashes and conditions included, by package."""
    entries = re.split(r"\n(?=\S)", lock.strip())
    return {re.split(r"[=\s]", entry)[0]: entry for entry in entries}


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_exists(source: str) -> None:
    assert (ROOT / source).exists()


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_reaches_the_build(source: str) -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert "*" in rules
    assert f"!{source}" in rules


def test_nothing_else_reaches_the_build() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(copied())


def test_build_never_sees_a_secret_or_the_state_of_a_developer() -> None:
    assert not any(
        fnmatch(name, pattern)
        for pattern in copied()
        for name in (".env", ".git", ".tieback", ".venv", "secrets", "secrets/web_secret_key")
    )


def test_every_app_of_ours_is_copied() -> None:
    ours_installed = {
        name.split(".")[0]
        for name in settings.INSTALLED_APPS
        if (ROOT / name.split(".")[0]).is_dir()
    }

    assert ours_installed <= set(copied())
    assert {folder.name for entry in settings.TEMPLATES for folder in entry["DIRS"]} <= set(
        copied()
    )


def test_secret_of_the_build_is_made_and_forgotten_in_one_line() -> None:
    arguments = [rest for word, rest in instructions() if word in {"ARG", "ENV"}]
    runs = [rest for word, rest in instructions() if word == "RUN" and "SECRET_KEY" in rest]

    assert not any(re.search("SECRET|PASSWORD|TOKEN|_KEY", line) for line in arguments)
    assert len(runs) == 1
    assert runs[0].startswith('secret="$(python -c')


def test_image_runs_as_an_ordinary_user_and_is_asked_whether_it_is_ready() -> None:
    last = dict(instructions())

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"])
    assert "deploy/healthcheck.py" in last["HEALTHCHECK"]
    assert last["STOPSIGNAL"] == "SIGTERM"


def test_image_installs_by_hash_and_from_wheels_only() -> None:
    (install,) = [rest for word, rest in instructions() if "--require-hashes" in rest]

    assert "requirements-production.lock" in install
    assert "--only-binary=:all:" in install


@pytest.mark.parametrize("name", sorted(ours()))
def test_command_of_a_service_names_what_is_there(name: str) -> None:
    match ours()[name]["command"]:
        case ["granian", *_, target]:
            assert find_spec(target.partition(":")[0])
        case ["python", "-m", module, *_]:
            assert find_spec(module)
        case ["celery", "-A", package, *_]:
            assert find_spec(f"{package}.celery")
        case ["python", script, *_]:
            assert (ROOT / script).is_file()
        case command:
            pytest.fail(f"unknown command {command}")


def test_production_lock_pins_what_the_runtime_lock_pins() -> None:
    production, runtime = (
        packages_in(path.read_text(encoding="utf-8")) for path in (PRODUCTION, RUNTIME)
    )

    assert {name: runtime.get(name) for name in production} == production


def test_production_lock_has_everything_the_code_asks_for_and_no_embedded_server() -> None:
    locked = set(packages_in(PRODUCTION.read_text(encoding="utf-8")))

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[\[<>=~!; ]", line)[0].lower() for line in requirements}

    assert names(PROJECT["project"]["dependencies"]) <= locked
    assert names(PROJECT["dependency-groups"]["embedded"]) & locked == set()


def test_production_lock_has_a_hash_for_every_package_and_no_address() -> None:
    text = PRODUCTION.read_text(encoding="utf-8")

    assert all("--hash=sha256:" in entry for entry in packages_in(text).values())
    assert "://" not in text


class Asked(BaseHTTPRequestHandler):
    """Answers with the server's status, and remembers the path."""

    def do_GET(self) -> None:
        self.server.asked = self.path  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Asked) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def health(plane: str, **environ: object) -> "subprocess.CompletedProcess[str]":
    given = {name: str(value) for name, value in environ.items()}
    return subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "healthcheck.py")],
        env={"PATH": os.defpath, "http_proxy": "http://127.0.0.1:9", **given}
        | {"TIEBACK_PLANE": plane},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("plane", "variable", "path"),
    [
        ("web", "TIEBACK_WEB_PORT", "/health/readiness"),
        ("console", "TIEBACK_CONSOLE_PORT", "/health/readiness"),
        ("resolver", "TIEBACK_RESOLVER_PORT", "/health/readiness"),
        ("worker", "PROMETHEUS_PORT", "/metrics"),
    ],
)
def test_health_check_asks_its_own_plane_past_any_proxy(
    server: HTTPServer, plane: str, variable: str, path: str
) -> None:
    server.status = 200  # type: ignore[attr-defined]

    done = health(plane, **{variable: server.server_port})

    assert done.returncode == 0, done.stderr
    assert server.asked == path  # type: ignore[attr-defined]


def test_health_check_fails_where_the_process_is_not_ready(server: HTTPServer) -> None:
    server.status = 503  # type: ignore[attr-defined]

    done = health("web", TIEBACK_WEB_PORT=server.server_port)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_health_check_fails_where_nothing_listens(server: HTTPServer) -> None:
    port = server.server_port
    server.server_close()

    assert health("resolver", TIEBACK_RESOLVER_PORT=port).returncode == 1


def test_health_check_knows_every_plane_that_runs_as_a_process() -> None:
    known = runpy.run_path(str(ROOT / "deploy" / "healthcheck.py"))["READY"]

    assert set(known) == set(PLANES) - {"owner"}
    assert set(known) == {plane_of(each).name for each in ours().values()} - {"owner"}
