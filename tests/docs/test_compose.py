"""docker-compose.yml runs the same processes as the embedded stack, each with its own secrets."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.docs.compose import (
    SECRETS,
    environment_of,
    example,
    interpolated_names,
    ours,
    overlay,
    plane_of,
    project,
    services,
)
from tests.docs.markdown import ROOT
from tests.docs.reading import read_past_the_settings, variables
from tieback.planes import PLANES
from tieback.stack.processes import PROCESSES, STEPS

PORTS = {"web": "8000", "resolver": "8001", "console": "8002"}
VALUES = {"host": "0.0.0.0", "home": "/var/lib/tieback"}  # noqa: S104 - inside a container
SECRET_WORDS = re.compile(r"PASSWORD|SECRET|TOKEN|(?<!PUBLIC)_KEY")
LOAD_EVERYTHING = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "tieback.settings"
import django
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
"""
STEP_SERVICES = {"roles", "bucket", "migrate"}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the script that makes the secrets, in a folder of its own."""
    home = tmp_path_factory.mktemp("compose")
    (home / "deploy").mkdir()
    script = home / "deploy" / "make-secrets.sh"
    script.write_bytes((ROOT / "deploy" / "make-secrets.sh").read_bytes())
    subprocess.run(["sh", str(script)], check=True, capture_output=True)
    return home / "secrets"


def variables_of(service: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in service.get("environment", {}).items()}


def mounted(service: dict[str, Any]) -> set[str]:
    return set(service.get("secrets", []))


def sources() -> Iterator[Path]:
    for config in project()["configs"].values():
        yield ROOT / config["file"]


def test_files_follow_the_compose_specification() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec"),
            *(str(ROOT / name) for name in ("docker-compose.yml", "docker-compose.chain.yml")),
        ],
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_process_runs_the_embedded_stack_s_command_as_its_plane(process: Any) -> None:
    service = services()[process.name]
    values = {**VALUES, "name": process.name, "port": PORTS.get(process.name, "")}

    assert service["command"] == [part.format_map(values) for part in process.argv]
    assert plane_of(service) == process.plane


def test_migration_is_the_embedded_stack_s() -> None:
    (step,) = [step for step in STEPS if step.name == "migrate"]

    assert services()["migrate"]["command"] == list(step.argv)
    assert plane_of(services()["migrate"]) == step.plane


def test_nothing_of_ours_runs_but_known_processes_and_the_migration() -> None:
    assert set(ours()) == {process.name for process in PROCESSES} | {"migrate"}


@pytest.mark.parametrize("name", sorted(ours()))
def test_variables_of_our_processes_are_ones_the_code_reads(name: str) -> None:
    read = set(variables()) | read_past_the_settings()

    assert {given.removesuffix("_FILE") for given in variables_of(ours()[name])} - read == set()


@pytest.mark.parametrize("name", sorted(ours()))
def test_process_has_every_setting_it_cannot_do_without(name: str, secrets: Path) -> None:
    given = environment_of(ours()[name], secrets)
    # The folder exists in the container only.
    del given["PROMETHEUS_MULTIPROC_DIR"]
    done = subprocess.run(
        [sys.executable, "-c", LOAD_EVERYTHING],
        env={"PATH": os.defpath, **given},
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted(services()))
def test_no_secret_stands_in_the_file(name: str) -> None:
    for variable, value in variables_of(services()[name]).items():
        if SECRET_WORDS.search(variable):
            assert variable.endswith("_FILE"), variable
            assert value.startswith(SECRETS), variable


@pytest.mark.parametrize("name", sorted(services()))
def test_service_mounts_the_secrets_it_names_and_no_others(name: str) -> None:
    service = services()[name]
    named = {
        value.removeprefix(SECRETS)
        for value in variables_of(service).values()
        if value.startswith(SECRETS)
    }
    if "build" in service:
        assert mounted(service) == named
    else:
        assert named <= mounted(service)
    assert mounted(service) <= set(project()["secrets"])


@pytest.mark.parametrize("name", sorted(ours()))
def test_process_gets_the_password_and_the_key_of_its_own_plane_only(name: str) -> None:
    own = plane_of(ours()[name])
    passwords = {plane.password_variable.lower(): plane for plane in PLANES.values()}
    keys = {f"{plane.name}_secret_key": plane for plane in PLANES.values()}

    assert {passwords[each] for each in mounted(ours()[name]) & set(passwords)} == {own}
    assert {keys[each] for each in mounted(ours()[name]) & set(keys)} == {own}


def test_superuser_s_password_reaches_the_database_and_the_roles_step_only() -> None:
    holders = {name for name, each in services().items() if "postgres_password" in mounted(each)}

    assert holders == {"postgres", "roles"}


def test_every_secret_is_made_by_the_script_kept_on_a_second_run_and_ignored_by_git(
    secrets: Path,
) -> None:
    made = {path.name: path.read_bytes() for path in secrets.iterdir()}
    again = subprocess.run(
        ["sh", str(secrets.parent / "deploy" / "make-secrets.sh")], check=True, capture_output=True
    )

    assert set(made) == set(project()["secrets"])
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == made
    assert again.stdout == b""
    assert "/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_secrets_are_long_different_and_closed_to_other_users(secrets: Path) -> None:
    values = [path.read_text(encoding="utf-8") for path in secrets.iterdir()]

    assert len(set(values)) == len(values)
    assert min(map(len, values)) >= 20
    assert not any(map(str.isspace, "".join(values)))
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in secrets.iterdir()} == {0o444}


@pytest.mark.parametrize("name", sorted(services()))
def test_image_is_pinned_to_a_version(name: str) -> None:
    _, _, tag = services()[name]["image"].partition(":")

    assert re.search(r"\d", tag), "no version"


def test_our_image_carries_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]

    assert {each["image"] for each in ours().values()} == {f"tieback:{version}"}


@pytest.mark.parametrize("name", sorted(services()))
def test_ports_are_published_on_the_loopback_address(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in services()[name].get("ports", []))


@pytest.mark.parametrize("store", ["valkey", "s3"])
def test_resolver_shares_no_network_with_a_store(store: str) -> None:
    resolver, other = (set(services()[name]["networks"]) for name in ("resolver", store))

    assert resolver & other == set()


def test_services_that_need_each_other_share_a_network() -> None:
    needed = [("migrate", "postgres"), ("roles", "postgres"), ("resolver", "postgres")]
    for name in ("web", "console", "worker", "beat"):
        needed += [(name, store) for store in ("postgres", "valkey", "s3")]
    needed += [("prometheus", process.name) for process in PROCESSES]

    for one, other in needed:
        networks = (set(services()[name]["networks"]) for name in (one, other))
        assert set.intersection(*networks), (one, other)


def test_only_services_that_publish_a_port_leave_the_internal_networks() -> None:
    outer = {name for name, each in project()["networks"].items() if not each.get("internal")}
    for name, service in services().items():
        leaves = bool(outer & set(service.get("networks", [])))
        assert leaves == bool(service.get("ports")), name


def test_no_two_published_services_share_an_outer_network_but_those_of_operators() -> None:
    outer = {name for name, each in project()["networks"].items() if not each.get("internal")}
    published = {name: each for name, each in services().items() if each.get("ports")}
    for one, other in combinations(published, 2):
        shared = outer & set(published[one]["networks"]) & set(published[other]["networks"])
        assert shared <= {"operations"}, (one, other)


@pytest.mark.parametrize("name", sorted(set(services()) - STEP_SERVICES))
def test_lasting_service_restarts_and_is_watched(name: str) -> None:
    service = services()[name]

    assert service["restart"] == "unless-stopped"
    assert "healthcheck" in service or "build" in service, "only our image brings its own check"
    assert "disable" not in service.get("healthcheck", {})


@pytest.mark.parametrize("name", sorted(STEP_SERVICES))
def test_step_runs_once_and_is_waited_for(name: str) -> None:
    waits = [each.get("depends_on", {}).get(name) for each in services().values()]

    assert services()[name]["restart"] == "no"
    assert {"condition": "service_completed_successfully"} in waits


@pytest.mark.parametrize("name", sorted(ours()))
def test_process_runs_under_an_init_without_privileges_and_has_time_to_stop(name: str) -> None:
    service = ours()[name]

    assert service["init"] is True
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert int(service["stop_grace_period"].removesuffix("s")) > 30


def test_every_file_that_is_mounted_exists() -> None:
    assert [path for path in sources() if not path.is_file()] == []


def test_every_volume_config_and_network_is_used() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for kind in ("volumes", "configs", "networks"):
        for name in project()[kind]:
            assert len(re.findall(rf"\b{name}\b", text)) > 1, (kind, name)


def test_variables_of_the_file_are_explained_in_the_example_and_required_ones_are_set() -> None:
    text = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")
    asked = interpolated_names()

    assert {name for name in asked if not re.search(rf"^#?{name}=", text, re.MULTILINE)} == set()
    assert {name for name, kind in asked.items() if kind == "?"} == set(example())


def test_the_chain_gives_the_worker_alone_a_key_and_a_way_out() -> None:
    laid_over = overlay()["services"]

    assert set(laid_over) <= set(ours())
    assert [name for name, each in laid_over.items() if each.get("networks")] == ["worker"]
    assert [name for name, each in laid_over.items() if each.get("secrets")] == ["worker"]
    assert set(laid_over["worker"]["secrets"]) == set(overlay()["secrets"])
    read = set(variables()) | read_past_the_settings()
    for each in laid_over.values():
        assert {given.removesuffix("_FILE") for given in each["environment"]} <= read
    for secret in overlay()["secrets"].values():
        assert secret["file"].startswith("secrets/")
