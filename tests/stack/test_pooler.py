"""Another PostgreSQL, or a pooler before it: who is told which address, and what is refused."""

from pathlib import Path

import pytest

from tests.stack.conftest import SMALL
from tieback.planes import PLANES
from tieback.stack import Stack, StackError
from tieback.stack.environment import Environment
from tieback.stack.pgbouncer import pgbouncer_service
from tieback.stack.secrets import NAMES

PORTS = {"postgres": 1, "pgbouncer": 2, "valkey": 3, "s3": 4, "web": 5, "console": 6, "resolver": 7}
SECRET = "5e" * 32
KEPT = dict.fromkeys(NAMES, SECRET)


def test_every_plane_is_sent_to_the_pooler_and_told_the_way_past_it(tmp_path: Path) -> None:
    environment = Environment(tmp_path, PORTS, KEPT, {})
    for plane in PLANES.values():
        variables = environment.of_plane(plane)
        assert variables["DATABASE_URL"] == "postgresql://127.0.0.1:2/tieback"
        assert variables["DATABASE_DIRECT_URL"] == "postgresql://127.0.0.1:1/tieback"
        assert variables["DATABASE_TRANSACTION_POOLING"] == "true"


def test_without_a_pooler_nobody_is_told_of_one(tmp_path: Path) -> None:
    ports = {name: port for name, port in PORTS.items() if name != "pgbouncer"}
    inherited = {"DATABASE_DIRECT_URL": "postgresql://elsewhere/x", "LANG": "C"}
    variables = Environment(tmp_path, ports, KEPT, inherited).of_operator()
    assert variables["DATABASE_URL"] == "postgresql://127.0.0.1:1/tieback"
    assert not {"DATABASE_DIRECT_URL", "DATABASE_TRANSACTION_POOLING"} & set(variables)


def test_a_pooler_that_is_not_there_is_refused_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="apt install pgbouncer"):
        pgbouncer_service(tmp_path / "none", tmp_path, ports=PORTS, kept=KEPT)


def test_a_postgres_that_is_not_there_is_refused_with_what_to_install(tmp_path: Path) -> None:
    environ = {**SMALL, "TIEBACK_POSTGRES_BIN": str(tmp_path)}
    with (
        pytest.raises(StackError, match="apt install postgresql"),
        Stack(free_ports=True, environ=environ),
    ):
        pass


def test_a_poolers_passwords_are_in_a_file_for_its_own_eyes(tmp_path: Path) -> None:
    service = pgbouncer_service(Path("/bin/true"), tmp_path, ports=PORTS, kept=KEPT)
    users = tmp_path / "users.txt"
    assert users.stat().st_mode & 0o077 == 0
    assert users.read_text().count(SECRET) == len(PLANES)
    assert SECRET not in " ".join(service.argv)
    assert "pool_mode = transaction" in (tmp_path / "pgbouncer.ini").read_text()
