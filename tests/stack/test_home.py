"""The state directory: secrets and ports that stay, and what each process is told of them."""

import json
import os
import stat
from pathlib import Path

import pytest
from solders.keypair import Keypair

from resolver.staff_scans import public_key_of
from tieback.planes import OWNER, PLANES, RESOLVER, WEB
from tieback.stack import StackError, unprivileged
from tieback.stack.environment import Environment
from tieback.stack.home import Home
from tieback.stack.keypairs import address_of
from tieback.stack.ports import choose_ports, require_free
from tieback.stack.processes import PROCESSES, STEPS
from tieback.stack.s3 import s3_ports
from tieback.stack.secrets import FILE_NAME, NAMES, load_secrets


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    shell = {
        "PATH": os.defpath,
        "TIEBACK_OPS_PASSWORD": "another home's",
        "SECRET_KEY_FILE": "/elsewhere",
        "PGPASSWORD": "another cluster's",
        "TIEBACK_CYCLE_SIZE": "500",
        "no_proxy": "example.test",
    }
    ports = choose_ports(tmp_path, free=True, environ={})
    return Environment(tmp_path, ports, load_secrets(tmp_path), shell)


def test_secrets_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    first = load_secrets(tmp_path)

    assert load_secrets(tmp_path) == first
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert set(first) == set(NAMES)
    assert len(set(first.values())) == len(NAMES)


def test_secrets_differ_from_one_home_to_another(tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        home.mkdir()

    one, two = map(load_secrets, homes)

    assert not set(one.values()) & set(two.values())


def test_secret_added_by_a_later_version_joins_the_kept_ones(tmp_path: Path) -> None:
    kept = {"SECRET_KEY": "k" * 64}
    (tmp_path / FILE_NAME).write_text(json.dumps(kept))

    secrets = load_secrets(tmp_path)

    assert secrets["SECRET_KEY"] == "k" * 64
    assert set(secrets) == set(NAMES)


def test_damaged_secrets_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{")

    with pytest.raises(StackError, match="cannot read"):
        load_secrets(tmp_path)
    assert (tmp_path / FILE_NAME).read_text() == "{"


def test_process_knows_the_password_of_its_own_plane_only(environment: Environment) -> None:
    passwords = {plane.password_variable for plane in PLANES.values()}
    for plane in PLANES.values():
        assert set(environment.of_plane(plane)) & passwords == {plane.password_variable}


def test_resolver_and_migrations_know_neither_broker_nor_object_store(
    environment: Environment,
) -> None:
    for plane in (RESOLVER, OWNER):
        assert not {"REDIS_URL", "S3_SECRET_ACCESS_KEY"} & set(environment.of_plane(plane))
    assert {"REDIS_URL", "S3_SECRET_ACCESS_KEY"} <= set(environment.of_plane(WEB))


def test_web_alone_can_make_test_links_and_the_resolver_alone_can_check_them(
    environment: Environment,
) -> None:
    private, public = "TIEBACK_TEST_LINK_KEY", "TIEBACK_TEST_LINK_PUBLIC_KEYS"
    assert {name for name, plane in PLANES.items() if private in environment.of_plane(plane)} == {
        "web"
    }
    keys = environment.of_plane(RESOLVER)
    assert keys[public] == public_key_of(environment.of_plane(WEB)[private])
    assert private not in keys


def test_without_a_dev_chain_nobody_hears_of_a_chain(environment: Environment) -> None:
    for variables in (*map(environment.of_plane, PLANES.values()), environment.of_operator()):
        assert not [name for name in variables if name.startswith("SOLANA_")]


def test_workers_alone_have_the_payers_key(environment: Environment) -> None:
    environment.has_chain = True
    of_planes = {name: environment.of_plane(plane) for name, plane in PLANES.items()}
    having = {name for name, variables in of_planes.items() if "SOLANA_KEYPAIR" in variables}
    assert having == {"worker"}
    told = {name for name, variables in of_planes.items() if "SOLANA_RPC_URLS" in variables}
    assert told == {"web", "console", "worker"}
    assert {of_planes[name]["SOLANA_NETWORK"] for name in told} == {"devchain"}


def test_a_key_of_the_shell_reaches_nobody(tmp_path: Path) -> None:
    names = (
        *("SOLANA_KEYPAIR", "SOLANA_KEYPAIR_FILE", "SOLANA_TREE_CREATOR_KEYPAIR"),
        *("WALLET_PRIVATE_KEY", "WALLET_PATH", "SOLANA_KEY_NAME", "VAULT_TOKEN", "VAULT_ADDR"),
        *("SOLANA_NETWORK", "SOLANA_ALLOW_PUBLIC_NETWORK", "SOLANA_RPC_URL", "AWS_SESSION_TOKEN"),
    )
    ports = choose_ports(tmp_path, free=True, environ={})
    kept = load_secrets(tmp_path)
    environment = Environment(tmp_path, ports, kept, dict.fromkeys(names, "the shell's"))
    environment.has_chain = True
    for variables in (*map(environment.of_plane, PLANES.values()), environment.of_operator()):
        assert "the shell's" not in variables.values()


def test_the_payers_key_is_a_keypair_and_its_address_is_known(tmp_path: Path) -> None:
    kept = Keypair.from_base58_string(load_secrets(tmp_path)["SOLANA_KEYPAIR"])
    assert address_of(str(kept)) == str(kept.pubkey())


def test_another_homes_variables_in_the_shell_reach_nobody(environment: Environment) -> None:
    for variables in (environment.of_plane(WEB), environment.of_operator()):
        assert not {"SECRET_KEY_FILE", "PGPASSWORD"} & set(variables)
        assert "another home's" not in variables.values()


def test_tuning_in_the_shell_reaches_the_processes(environment: Environment) -> None:
    assert environment.of_plane(WEB)["TIEBACK_CYCLE_SIZE"] == "500"


def test_proxy_of_the_machine_is_not_used_between_processes(environment: Environment) -> None:
    bypass = environment.of_plane(WEB)["no_proxy"].split(",")
    assert {"127.0.0.1", "localhost", "example.test"} <= set(bypass)


def test_ports_stay_the_same_while_they_are_free(tmp_path: Path) -> None:
    first = choose_ports(tmp_path, free=False, environ={})

    assert choose_ports(tmp_path, free=False, environ={}) == first
    assert [first[name] for name in ("web", "resolver", "console")] == [8000, 8001, 8002]
    assert len(set(first.values())) == len(first)


def test_port_that_was_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    import socket

    first = choose_ports(tmp_path, free=False, environ={})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first["postgres"]))
        taken.listen()
        second = choose_ports(tmp_path, free=False, environ={})
        with pytest.raises(StackError, match=f"port {first['postgres']} for postgres is in use"):
            require_free(first, ["postgres"])

    assert second["postgres"] != first["postgres"]
    assert second["valkey"] == first["valkey"]


def test_page_ports_come_from_the_environment(tmp_path: Path) -> None:
    named = {"TIEBACK_WEB_PORT": "9100", "TIEBACK_CONSOLE_PORT": "9102"}

    ports = choose_ports(tmp_path, free=False, environ=named)
    older_name = choose_ports(tmp_path, free=False, environ={"MINTING_SERVICE_PORT": "9200"})

    assert (ports["web"], ports["resolver"], ports["console"]) == (9100, 8001, 9102)
    assert older_name["web"] == 9200


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1"])
def test_port_that_is_no_port_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(StackError, match=r"TIEBACK_WEB_PORT=.* is not a port number"):
        choose_ports(tmp_path, free=False, environ={"TIEBACK_WEB_PORT": value})


def test_wiping_empties_a_home_and_keeps_the_lock(tmp_path: Path) -> None:
    with Home(tmp_path / "home") as home:
        load_secrets(home.path)
        home.folder("postgres", "data")

        home.wipe()

        assert [entry.name for entry in home.path.iterdir()] == ["lock"]


def test_folder_that_is_no_home_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with Home(tmp_path) as home, pytest.raises(StackError, match="not emptied"):
        home.wipe()

    assert (tmp_path / "thesis.txt").exists()


def test_temporary_home_goes_away() -> None:
    with Home.make_temporary() as home:
        load_secrets(home.path)
        assert home.path.exists()

    assert not home.path.exists()


def test_unknown_object_store_is_refused() -> None:
    with pytest.raises(StackError, match="TIEBACK_S3=minio is none of rclone, seaweedfs"):
        s3_ports("minio")


def test_root_without_any_way_to_run_postgresql_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(unprivileged, "_can_run", lambda *_: False)

    with pytest.raises(StackError, match="PostgreSQL cannot run as root") as caught:
        unprivileged.choose_identity(tmp_path / "postgres", tmp_path)
    assert "\n" not in str(caught.value)


def test_ordinary_user_runs_postgresql_as_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    identity = unprivileged.choose_identity(tmp_path / "postgres", tmp_path)

    assert (identity.uid, identity.prefix) == (None, ())


def test_process_table_names_each_process_once_and_no_secret() -> None:
    names = [entry.name for entry in (*PROCESSES, *STEPS)]
    words = {word for entry in (*PROCESSES, *STEPS) for word in entry.argv}

    assert len(set(names)) == len(names)
    assert {process.plane.name for process in PROCESSES} == {"web", "console", "resolver", "worker"}
    assert not any("secret" in word.lower() or "://" in word for word in words)
