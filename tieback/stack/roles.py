"""Makes the login roles and the database, by the script an operator of another cluster can run."""

from collections.abc import Mapping
from pathlib import Path

from tieback.planes import PLANES
from tieback.stack.postgres import Postgres
from tieback.stack.supervisor import Supervisor

SCRIPT = Path(__file__).with_name("roles.sql")


def ensure_roles(supervisor: Supervisor, postgres: Postgres, kept: Mapping[str, str]) -> None:
    """Create or update the five roles and the database."""
    variables = {"owner_createdb": "CREATEDB"}
    verifiers = _verifiers(postgres, kept)
    supervisor.run(postgres.psql(SCRIPT, variables=variables, env=verifiers))


def _verifiers(postgres: Postgres, kept: Mapping[str, str]) -> dict[str, str]:
    """Hash the passwords here: a statement that fails is logged, and must not carry one."""
    with postgres.connect() as connection:
        return {
            plane.password_variable: connection.pgconn.encrypt_password(
                kept[plane.password_variable].encode(), plane.role.encode(), b"scram-sha-256"
            ).decode()
            for plane in PLANES.values()
        }
