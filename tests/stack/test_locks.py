"""The lock files hold what pyproject.toml asks for, by hash, and no address."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["embedded"]]
WANTED = {
    "requirements.lock": RUNTIME,
    "requirements-dev.lock": [*RUNTIME, *PROJECT["dependency-groups"]["dev"]],
    "requirements-peers.lock": PROJECT["dependency-groups"]["peers"],
}


def locked(name: str) -> dict[str, set[str]]:
    """Return the versions a lock file pins, by package."""
    pins: dict[str, set[str]] = {}
    for package, version in re.findall(
        r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", (ROOT / name).read_text(), re.MULTILINE
    ):
        pins.setdefault(canonicalize_name(package), set()).add(version)
    return pins


@pytest.mark.parametrize("name", WANTED)
def test_lock_satisfies_every_requirement(name: str) -> None:
    pins = locked(name)
    for requirement in map(Requirement, WANTED[name]):
        versions = pins.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement} is not locked"
        assert all(map(requirement.specifier.contains, versions)), f"{requirement}: {versions}"


@pytest.mark.parametrize("name", WANTED)
def test_lock_has_a_hash_for_every_package_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())

    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_peers_run_on_the_same_server_and_driver_as_we_do() -> None:
    runtime, peers = locked("requirements.lock"), locked("requirements-peers.lock")

    for package in ("granian", "django", "psycopg"):
        assert peers[package] == runtime[package]


def test_lock_of_node_packages_has_a_hash_for_each_and_no_address() -> None:
    lock = json.loads((ROOT / "bench/peers/package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}

    assert {"node_modules/express", "node_modules/pg"} <= packages.keys()
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name


def test_development_lock_contains_the_runtime_lock() -> None:
    runtime, development = locked("requirements.lock"), locked("requirements-dev.lock")

    assert {package: development.get(package) for package in runtime} == runtime
