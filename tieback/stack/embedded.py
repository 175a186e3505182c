"""One embedded stack: its data services, tieback's processes, and what they were given.

    with Stack(Path(".tieback")) as stack:
        stack.start_services()
        stack.migrate()
        stack.start_processes()
        stack.restart("worker")

Leaving the block stops everything. A child that ends on its own is found by ``check()``.
"""

import os
import signal
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tieback.planes import PLANES
from tieback.stack import secrets
from tieback.stack.devchain import NAME as DEVCHAIN
from tieback.stack.devchain import devchain_service, ensure_funds
from tieback.stack.environment import BUCKET, Environment
from tieback.stack.errors import StackError
from tieback.stack.home import Home
from tieback.stack.keypairs import address_of
from tieback.stack.logs import FileLogs, Logs
from tieback.stack.pgbouncer import pgbouncer_service
from tieback.stack.ports import HOST, choose_ports, free_ports, require_free
from tieback.stack.postgres import Postgres
from tieback.stack.probes import http_answers
from tieback.stack.processes import PROCESSES, STEPS, Process, Step
from tieback.stack.roles import ensure_roles
from tieback.stack.s3 import ensure_bucket, s3_ports, s3_service
from tieback.stack.secrets import load_secrets, write_private
from tieback.stack.supervisor import Service, Supervisor
from tieback.stack.valkey import valkey_service

PROJECT = Path(__file__).resolve().parents[2]
SERVICES = ("postgres", "valkey", "s3", "pgbouncer", DEVCHAIN)
_COMMAND = "command"
_PROCESSES = {process.name: process for process in PROCESSES}
_STEPS = {step.name: step for step in STEPS}
# How the programs of the process table are run without an activated virtual environment.
_PROGRAMS = {
    "python": (sys.executable,),
    "granian": (sys.executable, "-m", "granian"),
    "celery": (sys.executable, "-m", "celery"),
}


class Stack:
    """The stack of one home. ``None`` for a home means a temporary one."""

    def __init__(
        self,
        home: Path | None = None,
        *,
        free_ports: bool = False,
        fresh: bool = False,
        logs: Logs | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._home = Home(home) if home else Home.make_temporary()
        self._free_ports = free_ports
        self._fresh = fresh
        self._logs = logs
        self._environ = dict(os.environ if environ is None else environ)
        self._s3_kind = self._environ.get("TIEBACK_S3") or "rclone"
        self._pgbouncer = _path(self._environ.get("TIEBACK_PGBOUNCER"))
        self._services: dict[str, Service] = {}
        self.ports: dict[str, int] = {}
        self.secrets: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._home.__enter__()
        try:
            self._open()
        except BaseException:
            self._home.__exit__(None, None, None)
            raise
        return self

    def _open(self) -> None:
        if self._fresh:
            self._home.wipe()
        home = self._home.path
        self.secrets = load_secrets(home)
        self.ports = choose_ports(
            home,
            free=self._free_ports,
            environ=self._environ,
            further=(*s3_ports(self._s3_kind), *(["pgbouncer"] if self._pgbouncer else [])),
        )
        self._env = Environment(home, self.ports, self.secrets, self._environ)
        write_private(home / "env", self._env.as_shell())
        logs = self._logs or FileLogs(self._home.folder("log"))
        self.supervisor = Supervisor(logs, lock_fd=self._home.lock_fd)
        self.postgres = Postgres(
            self._home.folder("postgres", mode=0o700),
            port=self.ports["postgres"],
            password=self.secrets[secrets.POSTGRES_SUPERUSER],
            shared_buffers=self._environ.get("TIEBACK_POSTGRES_SHARED_BUFFERS") or "512MB",
            outlives_machine=not self._home.temporary,
            binaries=_path(self._environ.get("TIEBACK_POSTGRES_BIN")),
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        finally:
            self.supervisor.close()
            self._home.__exit__(kind, error, trace)

    @property
    def home(self) -> Path:
        """The state directory."""
        return self._home.path

    def url(self, name: str) -> str:
        """Return the address of a page server or the object store."""
        return f"http://{HOST}:{self.ports[name]}"

    def environment(self, plane: str | None = None) -> dict[str, str]:
        """Return the variables of a process of one plane; of all planes without a name."""
        return self._env.of_plane(PLANES[plane]) if plane else self._env.of_operator()

    def require_free_ports(self) -> None:
        """Refuse at once if a page server could not listen: better than after a long start."""
        require_free(self.ports, (*_PROCESSES, DEVCHAIN))

    @property
    def payer(self) -> str:
        """The address that pays on the dev chain."""
        return address_of(self.secrets[secrets.PAYER])

    def start_services(self, *, devchain: bool = False) -> None:
        """Start PostgreSQL, Valkey and S3, and make the roles, the database and the bucket.

        With a dev chain, whose payer has lamports, processes started from now on know of it.
        """
        key_id, secret = self.secrets[secrets.S3_KEY_ID], self.secrets[secrets.S3_SECRET]
        self._start_all(
            [
                self.postgres.prepare(self.supervisor),
                valkey_service(
                    self._home.folder("valkey"),
                    port=self.ports["valkey"],
                    password=self.secrets[secrets.REDIS],
                ),
                s3_service(
                    self._s3_kind,
                    self._home.folder("s3"),
                    ports=self.ports,
                    key_id=key_id,
                    secret=secret,
                ),
            ]
        )
        ensure_roles(self.supervisor, self.postgres, self.secrets)
        ensure_bucket(self.supervisor, BUCKET, port=self.ports["s3"], key_id=key_id, secret=secret)
        if self._pgbouncer:
            folder = self._home.folder("pgbouncer")
            pooler = pgbouncer_service(self._pgbouncer, folder, ports=self.ports, kept=self.secrets)
            self._start_all([pooler])

        if devchain:
            self._start_devchain()

    def _start_devchain(self) -> None:
        folder, port = self._home.folder(DEVCHAIN), self.ports[DEVCHAIN]
        require_free(self.ports, [DEVCHAIN])
        self._start_all(
            [devchain_service(folder, port=port, environ=self._environ, project=PROJECT)]
        )
        ensure_funds(port, self.payer)
        self._env.has_chain = True
        write_private(self.home / "env", self._env.as_shell())

    def migrate(self, *, code: Path = PROJECT) -> None:
        """Bring the schema up to date, or to what another checkout of tieback knows."""
        self._run(_STEPS["migrate"], code=code)

    def fill_template(self, script: Path) -> None:
        """Run a script as the superuser where PostgreSQL copies new databases from."""
        self.supervisor.run(self.postgres.psql(script.resolve(), database="template1"))

    def create_operator(self) -> None:
        """Make the first operator of the console, if there is none."""
        name = secrets.OPERATOR
        self._run(_STEPS["create_operator"], env={name: self.secrets[name]})

    def start_processes(self, names: Iterable[str] = tuple(_PROCESSES)) -> None:
        """Start tieback's own processes and wait until all of them work."""
        chosen = [_PROCESSES[name] for name in names]
        require_free(self.ports, [process.name for process in chosen])
        self._start_all([self._service(process) for process in chosen])

    def start(
        self,
        name: str,
        *,
        alias: str | None = None,
        env: Mapping[str, str] | None = None,
        code: Path = PROJECT,
    ) -> None:
        """Start one service or process (again), with further variables if given.

        With an alias a second one of its kind runs beside the first, on a port of its own.
        ``code`` is another checkout of tieback, for a process of an earlier release.
        """
        if alias is None and env is None and name in self._services:
            service = self._services[name]
        elif name in SERVICES:
            message = f"{name} is started by start_services()"
            raise StackError(message)
        else:
            service = self._service(_PROCESSES[name], alias=alias, env=env)
        self._start_all([replace(service, cwd=code) if code != PROJECT else service])

    def stop(self, *names: str) -> None:
        """Stop the named children in reverse order of naming, or all: processes before services."""
        if names:
            self.supervisor.stop(*names)
            return
        running = self.supervisor.names
        # A command uses the processes, the processes use the services.
        self.supervisor.stop(_COMMAND)
        self.supervisor.stop(*(name for name in running if name not in SERVICES))
        self.supervisor.stop(*(name for name in running if name in SERVICES))

    def restart(self, name: str) -> None:
        """Stop one child and start it as it was."""
        service = self._services[name]
        self.stop(name)
        self._start_all([service])

    def kill(self, name: str) -> None:
        """End one child by SIGKILL, as a crash would; the rest of the stack goes on."""
        self.supervisor.kill(name)

    def send(self, name: str, signum: signal.Signals) -> None:
        """Send a signal, SIGSTOP for example, to a child and its process group."""
        self.supervisor.send(name, signum)

    def pid(self, name: str) -> int:
        """Return the process id of a running child."""
        return self.supervisor.pid(name)

    def check(self) -> None:
        """Raise ``StackError`` if a child has ended without being asked to."""
        self.supervisor.check()

    def command(self, argv: list[str], *, env: Mapping[str, str] | None = None) -> int:
        """Run a command in the foreground with every plane's variables; return its exit code."""
        service = Service(
            name=_COMMAND,
            argv=argv,
            env={**self.environment(), **(env or {})},
            cwd=Path.cwd(),
            stop_signal=signal.SIGINT,
            signal_whole_group=True,
            foreground=True,
        )
        try:
            self.supervisor.start(service)
        except OSError as error:
            message = f"cannot run {argv[0]}: {error.strerror}"
            raise StackError(message) from error
        return self.supervisor.wait_end(service.name)

    def _start_all(self, services: list[Service]) -> None:
        for service in services:
            self._services[service.name] = service
            _empty_metrics(service)
            self.supervisor.start(service)
        for service in services:
            self.supervisor.wait_ready(service.name)

    def _run(
        self, step: Step, *, env: Mapping[str, str] | None = None, code: Path = PROJECT
    ) -> None:
        self.supervisor.run(
            Service(
                name=step.name,
                argv=_argv(step.argv),
                env={**self._env.of_plane(step.plane), **(env or {})},
                cwd=code,
            )
        )

    def _service(
        self,
        process: Process,
        *,
        alias: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Service:
        name = alias or process.name
        if process.ready and name not in self.ports:
            self.ports[name] = free_ports(1)[0]
        port = self.ports.get(name, 0)
        values = {"host": HOST, "port": str(port), "home": str(self.home), "name": name}
        variables = self._env.of_plane(process.plane)
        variables["PROMETHEUS_MULTIPROC_DIR"] = str(self._home.folder("metrics", name))
        if process.ready and "{port}" not in " ".join(process.argv):
            variables["PROMETHEUS_PORT"] = str(port)
        service = Service(
            name=name,
            argv=_argv(process.argv, values),
            env={**variables, **(env or {})},
            cwd=PROJECT,
        )
        if not process.ready:
            return service
        return replace(service, ready=partial(http_answers, port, process.ready))


def _path(value: str | None) -> Path | None:
    return Path(value) if value else None


def _empty_metrics(service: Service) -> None:
    """Remove the metric files of the process group's last run: they would be counted again."""
    if folder := service.env.get("PROMETHEUS_MULTIPROC_DIR"):
        for file in Path(folder).iterdir():
            file.unlink()


def _argv(argv: tuple[str, ...], values: Mapping[str, str] | None = None) -> tuple[str, ...]:
    program, *rest = argv
    return (*_PROGRAMS[program], *(part.format_map(values or {}) for part in rest))
