"""What answers scans in the bench: the resolver, and each of what it is measured beside.

All run at once, two processes each, and log in to the database with the resolver's role. A server
that cannot be had is left out, with the reason.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.peers.places import Places
from bench.system import PROJECT, System
from tieback.planes import RESOLVER
from tieback.stack.environment import DATABASE
from tieback.stack.ports import HOST, free_ports
from tieback.stack.probes import http_answers
from tieback.stack.processes import PROCESSES
from tieback.stack.supervisor import Service

# The resolver's setting that says whether a scan is recorded.
SCANS_RECORDED = "TIEBACK_SCANS_RECORDED"
# The names of the servers.
OURS, UNRECORDED, CALLABLE = "resolver", "unrecorded", "callable"
ASYNCPG, EXPRESS, DJANGO, NGINX = "asyncpg", "express", "django_orm", "nginx"
KINDS = (OURS, UNRECORDED, CALLABLE, ASYNCPG, EXPRESS, DJANGO, NGINX)
_HINT = "make bench-peers installs it"
_PEERS = Path(__file__).with_name("peers")
_SESSIONS_OF_ALL = 80
_NGINX = """\
daemon off;
worker_processes 2;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 10000000;
  absolute_redirect off;
  client_body_temp_path {folder};
  proxy_temp_path {folder};
  fastcgi_temp_path {folder};
  uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{
    listen {host}:{port};
    location / {{ add_header Cache-Control no-store; return 307 /p$uri; }}
  }}
}}
"""


class NotToBeHad(Exception):
    """A peer is not installed."""


@dataclass
class Servers:
    """The ports of those that run, and why the others do not."""

    ports: dict[str, int]
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Peers:
    """Starts the peers beside a running resolver.

    ``sample`` holds the variables by which the bare callable learns the resolver's statements.
    """

    system: System
    places: Places
    sample: Mapping[str, str]

    @contextmanager
    def running(self) -> Iterator[Servers]:
        """Start every server and wait until each answers; at the end stop all but the resolver."""
        with self.system.superuser() as superuser:
            # The role's own limit is for the resolver alone.
            superuser.execute(f"alter role {RESOLVER.role} connection limit {_SESSIONS_OF_ALL}")
        try:
            yield self._start()
        finally:
            self.system.stack.stop(*(name for name in KINDS if name != OURS))

    def _start(self) -> Servers:
        stack = self.system.stack
        stack.start(OURS, env={SCANS_RECORDED: "true"})
        stack.start(OURS, alias=UNRECORDED, env={SCANS_RECORDED: "false"})
        servers = Servers({name: stack.ports[name] for name in (OURS, UNRECORDED)})
        kinds: dict[str, Callable[[int], Service]] = {
            CALLABLE: self._callable,
            ASYNCPG: self._asyncpg,
            EXPRESS: self._express,
            DJANGO: self._django,
            NGINX: self._nginx,
        }
        for name, service_of in kinds.items():
            (port,) = free_ports(1)
            try:
                service = service_of(port)
            except NotToBeHad as error:
                servers.missing[name] = str(error)
                continue
            stack.supervisor.start(service)
            servers.ports[name] = port
        for name in servers.ports.keys() & kinds.keys():
            stack.supervisor.wait_ready(name)
        return servers

    def _callable(self, port: int) -> Service:
        # The resolver's own command, but for what it serves.
        (process,) = (process for process in PROCESSES if process.name == OURS)
        _, *words = (word.format(host=HOST, port=port) for word in process.argv)
        argv = (sys.executable, *words, "bench.peers.callable:application")
        metrics = self.system.stack.home / "metrics" / CALLABLE
        return self._service(
            CALLABLE,
            argv,
            port,
            cwd=PROJECT,
            env={
                **self.system.stack.environment(RESOLVER.name),
                **self.sample,
                SCANS_RECORDED: "true",
                "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            },
        )

    def _asyncpg(self, port: int) -> Service:
        argv = (
            *(self._program("granian"), "--interface", "asgi", "--loop", "uvloop"),
            *("--workers", "2", "--host", HOST, "--port", str(port), "asgi_asyncpg:application"),
        )
        return self._service(ASYNCPG, argv, port)

    def _django(self, port: int) -> Service:
        argv = (
            *(self._program("gunicorn"), "--workers", "2", "--worker-class", "gthread"),
            *("--threads", "4", "--bind", f"{HOST}:{port}", "--log-level", "warning"),
            "django_orm:application",
        )
        return self._service(DJANGO, argv, port)

    def _express(self, port: int) -> Service:
        folder = self.places.express()
        if folder is None:
            raise NotToBeHad(f"no Express: {_HINT}")
        return self._service(
            EXPRESS,
            (self._program("node"), str(_PEERS / "express.js")),
            port,
            env={
                "PORT": str(port),
                "NODE_ENV": "production",
                "NODE_PATH": f"{folder}/node_modules",
            },
            signal_whole_group=True,
        )

    def _nginx(self, port: int) -> Service:
        program = self.places.debian_program("nginx")
        if program is None:
            raise NotToBeHad(f"no nginx: {_HINT}")
        folder = self.system.stack.home / "nginx"
        folder.mkdir(exist_ok=True)
        settings = folder / "nginx.conf"
        settings.write_text(_NGINX.format(folder=folder, host=HOST, port=port), encoding="utf-8")
        argv = (str(program), "-e", str(folder / "error.log"), "-c", str(settings))
        return self._service(NGINX, argv, port, env=self.places.debian_environment())

    def _program(self, name: str) -> str:
        path = self.places.program(name)
        if path is None:
            raise NotToBeHad(f"no {name}: {_HINT}")
        return str(path)

    def _service(
        self,
        name: str,
        argv: tuple[str, ...],
        port: int,
        *,
        cwd: Path = _PEERS,
        env: Mapping[str, str] | None = None,
        signal_whole_group: bool = False,
    ) -> Service:
        stack = self.system.stack
        database = {
            "PGHOST": HOST,
            "PGPORT": str(stack.ports["postgres"]),
            "PGDATABASE": DATABASE,
            "PGUSER": RESOLVER.role,
            "PGPASSWORD": stack.secrets[RESOLVER.password_variable],
        }
        return Service(
            name=name,
            argv=argv,
            env={"PATH": os.environ.get("PATH", os.defpath), **database, **(env or {})},
            cwd=cwd,
            ready=partial(http_answers, port, self.sample["BENCH_LINK"]),
            signal_whole_group=signal_whole_group,
        )
