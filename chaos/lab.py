"""The system on which faults are tried: the embedded stack, two brands, and proxies between.

Web, beat and workers reach PostgreSQL, the broker and the object store through a proxy each, so
that connections can be made to fail. Two workers run, or one could not take over from the other.
"""

import json
import os
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import urllib3

from bench.system import BenchFailed, System, wait_until
from chaos.load import Client
from chaos.proxy import HOST, Proxy
from chaos.record import Record
from chaos.wire import HttpWire, PostgresWire
from minting.crash_orders import Order
from tieback.stack import Stack, StackError

Parameters = Sequence[Any] | Mapping[str, Any] | None

#: Endpoints of the chain: one is never faulty, but by a scenario's order.
SOUND, NODES = "sound", ("flaky", "sound", "behind", "liar")
BRANDS = ("nordhav", "sudwerk")
WORKERS = ("worker", "second")
LEASE_SECONDS = 5.0
SWEEP_SECONDS = 1.0
CYCLE_SIZE = 500
# Short times, in the order the system check asks for, so that recovery is seen and not waited for.
#: So that a blockhash is too old after six seconds, and finality takes one.
SLOT_MS = 40
SETTINGS = {
    "TIEBACK_CHAIN_LOOK_SECONDS": "0.1",
    "TIEBACK_CYCLE_SIZE": str(CYCLE_SIZE),
    "TIEBACK_PACK_SIZE": "2000",
    "TIEBACK_WINDOW_SECONDS": "2",
    "TASK_SOFT_TIME_LIMIT": "3",
    "TASK_TIME_LIMIT": "4",
    "TIEBACK_LEASE_SECONDS": str(LEASE_SECONDS),
    "BROKER_VISIBILITY_TIMEOUT": "20",
    "TIEBACK_SWEEP_SECONDS": str(SWEEP_SECONDS),
    # Often enough to be met at its crash points while somebody waits for that.
    "RECONCILIATION_INTERVAL": "10000",
    # A crash point may be met by the same job again and again; only one scenario tries the rule.
    "MAX_CRASHES_WITHOUT_PROGRESS": "1000",
}
REST_SECONDS = 300.0
_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

_HELD = """
select id::text, fence, 'mint' from minting_mintjob
 where status in ('RESERVED', 'PROCESSING') and lease_until > clock_timestamp()
   and split_part(owner, ':', 2) = any(%(pids)s)
union all
select id::text, fence, 'export' from exports_packbuild
 where status = 'generating' and lease_until > clock_timestamp()
   and split_part(owner, ':', 2) = any(%(pids)s)
"""
# A document whose worker died stays held for five minutes, which is no work under way.
_BUSY = """
select (select count(*) from minting_mintjob where status in ('QUEUED', 'RESERVED', 'PROCESSING'))
     + (select count(*) from exports_packbuild where status in ('pending', 'generating'))
     + (select count(*) from minting_mintjob j where status = 'COMPLETED' and not exists
         (select from exports_packbuild b where b.batch_id = j.batch_id))
     + (select count(*) from minting_batchproof where status = 'pending')
     + (select count(*) from minting_chainsubmission where status in ('pending', 'sent'))
     + (select count(*) from minting_unitasset where status in ('pending', 'processing'))
     + (select count(*) from minting_chaintree where status = 'creating')
     + (select count(*) from minting_metadatadocument where status = 'pending'
         and (next_attempt_at is null or next_attempt_at <= clock_timestamp()))
"""
# Rows of one scenario must not be the evidence of the next.
_CLEAR = (
    "set session_replication_role = replica",
    """truncate minting_mintbatch, minting_mintjob, minting_mintunit, minting_mintevent,
        minting_mintcycle, minting_chainsubmission, minting_chaintransaction,
        minting_metadatadocument, exports_packbuild, exports_payloadpack, resolver_activation,
        resolver_scanevent cascade""",
)


def quick_chain() -> dict[str, str]:
    """Return the environment of a stack whose chain has quick slots."""
    return {**os.environ, "DEVCHAIN_SLOT_MS": str(SLOT_MS)}


class Lab:
    """Runs the system, and knows who works on what."""

    def __init__(self, stack: Stack, *, seed: int) -> None:
        self.stack = stack
        self.dice = random.Random(seed)
        self.seed = seed
        self.record = Record("", "")
        self.clients: list[Client] = []
        self.webs: list[str] = []
        # Who was killed while holding a mint job, and when: recovery is measured from here.
        self.victims: list[tuple[str, float]] = []
        self.orders = stack.home / "orders"
        self.marks = stack.home / "witnesses"
        self._settings: dict[str, str] = {}
        self._odd: dict[str, dict[str, str]] = {}
        self._given = 0
        self._exits = ExitStack()
        self._http = urllib3.PoolManager()

    def __enter__(self) -> Self:
        for folder in (self.orders, self.marks):
            folder.mkdir(parents=True, exist_ok=True)
        ports = self.stack.ports
        self.stack.start_services(devchain=True)
        self.stack.migrate()
        enter = self._exits.enter_context
        self.database = enter(Proxy(ports["postgres"], wire=PostgresWire, success=b"COMMIT\0"))
        self.broker = enter(Proxy(ports["valkey"]))
        self.store = enter(
            Proxy(ports["s3"], wire=HttpWire, success=b"HTTP/1.1 200 ", reply=_UNAVAILABLE)
        )
        # Else a worker that is paused inside a transaction holds its row for half a minute.
        self.execute("alter role tieback_worker set idle_in_transaction_session_timeout = '2s'")
        self.start_web("web")
        for number, slug in enumerate(BRANDS):
            system = System(self.stack)
            system.prepare(slug)
            client = Client(system, lambda: [self.stack.url(n) for n in self.webs], number)
            self.clients.append(client)
        self.start_beat("beat")
        for alias in WORKERS:
            self.start_worker(alias)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_load()
        self.stack.stop()
        self._exits.close()

    # Processes ----------------------------------------------------------------------------------

    def start_worker(self, alias: str) -> None:
        """Start one of the workers, with what its scenario set."""
        name = None if alias == "worker" else alias
        environment = {**self._environment(), **self._odd.get(alias, {})}
        self.stack.start("worker", alias=name, env=environment)

    def start_beat(self, alias: str) -> None:
        """Start a scheduler; with another name, one more of them."""
        name = None if alias == "beat" else alias
        self.stack.start("beat", alias=name, env=self._environment())

    def start_web(self, alias: str) -> None:
        """Start a web process; with another name, one more of them."""
        name = None if alias == "web" else alias
        self.stack.start("web", alias=name, env=self._environment())
        if alias not in self.webs:
            self.webs.append(alias)

    def configure(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        odd: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Run the workers with other settings, some with odd ones of their own."""
        wanted = dict(settings or {})
        theirs = {alias: dict(values) for alias, values in (odd or {}).items()}
        if wanted == self._settings and theirs == self._odd and self._all_run():
            return
        self._settings, self._odd = wanted, theirs
        self.stop_workers()
        for alias in WORKERS:
            self.start_worker(alias)

    def stop_workers(self) -> None:
        """Stop both workers politely, at once."""
        self.stack.stop(*WORKERS)

    @property
    def settings(self) -> dict[str, str]:
        """What the workers were given besides the usual."""
        return self._settings

    def replace_worker(self, alias: str) -> None:
        """Strike a dead worker from the list, with whatever it left running, and start it anew."""
        self.stack.kill(alias)
        self.start_worker(alias)

    def pids(self, alias: str) -> tuple[psutil.Process, list[psutil.Process]]:
        """Return a worker's main process and its pool children that are alive."""
        main = psutil.Process(self.stack.pid(alias))
        children = main.children()
        dead = psutil.STATUS_ZOMBIE
        return main, [child for child in children if child.is_running() and child.status() != dead]

    def alias_of(self, pid: int) -> str:
        """Return the worker whose main process this is."""
        for alias in WORKERS:
            try:
                if self.stack.pid(alias) == pid:
                    return alias
            except StackError:
                continue
        return ""

    def log_of(self, alias: str) -> str:
        """Return all that a process has logged since the lab was opened."""
        path = self.stack.home / "log" / f"{alias}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _all_run(self) -> bool:
        return all(self.stack.supervisor.is_running(alias) for alias in WORKERS)

    def _environment(self) -> dict[str, str]:
        ours = self.stack.environment()
        broker = _through(ours["REDIS_URL"], self.broker.port)
        return {
            **SETTINGS,
            **self._settings,
            "DATABASE_URL": _through(ours["DATABASE_URL"], self.database.port),
            "REDIS_URL": broker,
            "CELERY_BROKER_URL": broker,
            "S3_ENDPOINT_URL": _through(ours["S3_ENDPOINT_URL"], self.store.port),
            "TIEBACK_CRASH_POINT": f"@{self.orders}",
            "SOLANA_RPC_URLS": ",".join(self.node(name) for name in NODES),
        }

    # The chain ---------------------------------------------------------------------------------

    def node(self, name: str) -> str:
        """Return the address of an endpoint; each may be made faulty by itself."""
        return f"http://{HOST}:{self.stack.ports['devchain']}/{name}"

    def chain(self, method: str, params: list[Any], *, node: str = SOUND) -> Any:
        """Call a method of the chain's JSON-RPC; return its result."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        told = self._http.request("POST", self.node(node), json=asked).json()
        return told["result"]

    def mend_chain(self) -> None:
        """Take all faults from the endpoints."""
        for name in NODES:
            self.chain("devchainSetFaults", [{}], node=name)

    # Orders at crash points -------------------------------------------------------------------

    def give(self, order: Order) -> Path:
        """Arm a crash point in both workers; return the file that is signed where it fires."""
        self._given += 1
        witness = self.marks / f"{self._given:05}"
        body = {**asdict(order), "witness": str(witness)}
        draft = self.orders / f"{witness.name}.draft"
        draft.write_text(json.dumps(body), encoding="utf-8")
        draft.rename(self.orders / f"{witness.name}.json")
        return witness

    def take_back(self, witness: Path) -> None:
        """Disarm one crash point."""
        (self.orders / f"{witness.name}.json").unlink(missing_ok=True)

    def disarm(self) -> None:
        """Disarm everything."""
        for path in self.orders.glob("*.json"):
            path.unlink(missing_ok=True)
        self.mend_chain()
        for proxy in (self.database, self.broker, self.store):
            proxy.disarm()
            proxy.speak_again()
            proxy.refuse(refusing=False)
            proxy.latency = proxy.bandwidth = 0.0

    # Database -----------------------------------------------------------------------------------

    def rows(self, statement: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Ask the database past the proxy and past row security, however often it takes."""

        def ask() -> list[tuple[Any, ...]] | None:
            try:
                with self._session() as database:
                    return database.execute(statement, parameters).fetchall()
            except psycopg.OperationalError:
                return None

        return wait_until("the database to answer", ask, seconds=60)

    def value(self, statement: str, parameters: Parameters = None) -> Any:
        """Return the first column of the first row, ``None`` where there is none."""
        found = self.rows(statement, parameters)
        return found[0][0] if found else None

    def execute(self, *statements: str, parameters: Parameters = None) -> None:
        """Run statements in one session."""
        with self._session() as database:
            for statement in statements:
                database.execute(statement, parameters)

    def _session(self) -> "psycopg.Connection[tuple[Any, ...]]":
        session = self.stack.postgres.connect("tieback")
        session.autocommit = True
        return session

    def held_by(self, processes: Sequence[psutil.Process]) -> list[tuple[str, int, str]]:
        """Return the jobs and builds in the hands of some processes, with their fences."""
        pids = [str(process.pid) for process in processes]
        return [(row[0], row[1], row[2]) for row in self.rows(_HELD, {"pids": pids})]

    # Load and rest ------------------------------------------------------------------------------

    @property
    def acknowledged(self) -> dict[str, str]:
        """Every key that was answered, and the job it was promised."""
        return {key: job for client in self.clients for key, job in client.acknowledged.items()}

    def owner_of(self, job: str) -> Client:
        """Return the client that was promised a job; to the other brand it does not exist."""
        return next(client for client in self.clients if job in client.acknowledged.values())

    def start_load(self) -> None:
        """Let both brands submit jobs of mixed size, the real cycle size among them."""
        for client in self.clients:
            client.seed = self.dice.randrange(2**31)
            client.start()

    def check_load(self) -> None:
        """Raise if a client or a process has ended that should not have."""
        for client in self.clients:
            client.check()

    def stop_load(self) -> None:
        """Stop submitting."""
        for client in self.clients:
            client.stop()

    def wait_rest(self, seconds: float = REST_SECONDS) -> None:
        """Wait until every job and build has ended."""

        def at_rest() -> bool | None:
            self.stack.check()
            return True if self.value(_BUSY) == 0 else None

        wait_until("everything to come to rest", at_rest, seconds=seconds)

    def forget(self) -> None:
        """Clear the rows and the logs of clients: the next scenario begins with nothing."""

        def clear() -> bool | None:
            try:
                self.execute(*_CLEAR)
            except (psycopg.OperationalError, psycopg.errors.DeadlockDetected):
                return None
            return True

        wait_until("the tables to be free", clear, seconds=60)
        self.victims.clear()
        for path in self.marks.iterdir():
            path.unlink()
        for client in self.clients:
            client.acknowledged.clear()
            client.answers.clear()
            client.failed = ""

    def wait_for(
        self, what: str, statement: str, parameters: Parameters, seconds: float = 60
    ) -> Any:
        """Wait until a query returns a row whose first column is true; return that value."""

        def look() -> Any:
            return self.value(statement, parameters) or None

        return wait_until(what, look, seconds=seconds)

    def status_of(self, job: str) -> str:
        """Return where a job stands."""
        return str(self.value("select status from minting_mintjob where id = %s", [job]))

    def wait_ended(self, jobs: Sequence[str], seconds: float = 120) -> None:
        """Wait until each of some jobs is COMPLETED or FAILED."""
        self.wait_for(
            f"{len(jobs)} jobs to end",
            "select count(*) = cardinality(%(jobs)s::uuid[]) from minting_mintjob"
            " where id = any(%(jobs)s::uuid[]) and status in ('COMPLETED', 'FAILED', 'CANCELLED')",
            {"jobs": list(jobs)},
            seconds,
        )


def _through(url: str, port: int) -> str:
    """Return the address with a proxy's port in the server's place."""
    parts = urlsplit(url)
    access = parts.netloc.rpartition("@")[0]
    place = f"{access}@{HOST}:{port}" if access else f"{HOST}:{port}"
    return urlunsplit(parts._replace(netloc=place))


def sleep_until(moment: float) -> None:
    """Sleep until a moment of the monotonic clock."""
    time.sleep(max(0.0, moment - time.monotonic()))


__all__ = ["BenchFailed", "Lab", "sleep_until", "wait_until"]
