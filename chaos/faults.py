"""The faults, each confirmed: a fault that did not land does not count."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

import psutil
import redis

from bench.system import System, wait_until
from minting.crashpoints import NAMES
from tieback.stack import StackError

MINT_POINTS = tuple(name for name in NAMES if name.startswith("mint."))
_HELD = """
select id, fence from minting_mintjob
 where owner <> '' and status in ('RESERVED', 'PROCESSING') and lease_until > clock_timestamp()
   and requested_quantity - generated_quantity > 2000
"""


@dataclass
class Faults:
    """Injects faults into one stack and counts those that were seen to land."""

    system: System
    settings: dict[str, str]
    lease_seconds: float
    confirmed: dict[str, int] = field(default_factory=dict)
    _witnesses: int = 0

    def start_worker(self, crash_point: str = "") -> None:
        """Start the worker, armed with one crash point or with none."""
        self.system.stack.start("worker", env={**self.settings, "TIEBACK_CRASH_POINT": crash_point})

    def kill_at(self, point: str, *, whole_worker: bool) -> None:
        """Let a pool child, or its whole worker, die by SIGKILL where it reaches ``point``."""
        self._witnesses += 1
        witness = self.system.stack.home / f"witness-{self._witnesses}"
        action = "kill-parent" if whole_worker else "kill"
        self.system.stack.stop("worker")
        try:
            self.start_worker(f"{point}:{action}:1:{witness}")
        except StackError:
            # It may reach the point, and die, before it has said that it is ready.
            if not witness.exists():
                raise
        pid = self._signed(witness)
        _wait_for_death(pid)
        if whole_worker:
            wait_until("the worker to die", self._worker_is_dead, seconds=30)
            self.system.stack.kill("worker")
            self.start_worker()
        self._count(f"kill {'worker' if whole_worker else 'child'} at {point}")

    def kill_at_random(self, *, whole_worker: bool, after: float) -> None:
        """Kill without looking where the code is."""
        time.sleep(after)
        parent = psutil.Process(self.system.stack.pid("worker"))
        if whole_worker:
            self.system.stack.kill("worker")
            _wait_for_death(parent.pid)
            self.start_worker()
        else:
            child = max(parent.children(), key=lambda process: process.cpu_times().user)
            child.kill()
            _wait_for_death(child.pid)
        self._count(f"kill {'worker' if whole_worker else 'child'} anywhere")

    def pause_past_the_lease(self) -> None:
        """Stop the worker past its lease while another one takes over, then let it wake."""
        stack = self.system.stack
        with self.system.superuser() as database:
            held: tuple[UUID, int] | None = None
            while held is None:
                stack.send("worker", signal.SIGSTOP)
                row = database.execute(_HELD).fetchone()
                if row is None:
                    stack.send("worker", signal.SIGCONT)
                    time.sleep(0.05)
                else:
                    held = (row[0], row[1])
            stack.start("worker", alias="relief", env=self.settings)
            job, fence = held

            def taken_over() -> bool | None:
                row = database.execute(
                    "select fence from minting_mintjob where id = %s", [job]
                ).fetchone()
                return True if row and row[0] > fence else None

            wait_until("another worker to take over", taken_over, seconds=60)
            stack.send("worker", signal.SIGCONT)
            time.sleep(1.0)
            stack.stop("relief")
        self._count("pause past the lease, job taken over")

    def restart_database(self, *, crash: bool) -> None:
        """Restart PostgreSQL in the middle of everything, politely or by SIGKILL."""
        stack = self.system.stack
        before = stack.pid("postgres")
        if crash:
            stack.kill("postgres")
            stack.start("postgres")
        else:
            stack.restart("postgres")
        if stack.pid("postgres") != before:
            self._count(f"database {'crash' if crash else 'restart'}")

    def flush_broker(self) -> None:
        """Throw away every message, the unacknowledged ones too."""
        client = redis.Redis.from_url(self.system.stack.environment()["REDIS_URL"])
        client.flushall()
        if client.dbsize() == 0:
            self._count("broker flushed")
        client.close()

    def _worker_is_dead(self) -> bool | None:
        try:
            self.system.stack.pid("worker")
        except StackError:
            return True
        return None

    def _signed(self, witness: Path) -> int:
        def look() -> int | None:
            text = witness.read_text(encoding="utf-8").split() if witness.exists() else []
            return int(text[1]) if len(text) == 2 else None

        return wait_until(f"the crash point in {witness.name}", look, seconds=60)

    def _count(self, name: str) -> None:
        self.confirmed[name] = self.confirmed.get(name, 0) + 1
        print(f"  {sum(self.confirmed.values()):3}  {name}", flush=True)


def _wait_for_death(pid: int) -> None:
    wait_until(f"process {pid} to die", lambda: None if _runs(pid) else True, seconds=30)


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def plan(faults: Faults) -> list[Callable[[], None]]:
    """Return the faults of one run: 22 kills, 5 pauses, 5 restarts, 5 flushes."""
    points = NAMES
    return [
        *(partial(faults.kill_at, p, whole_worker=i % 2 == 0) for i, p in enumerate(points)),
        *(partial(faults.kill_at, point, whole_worker=False) for point in MINT_POINTS[2:6]),
        *(partial(faults.kill_at_random, whole_worker=i % 2 == 0, after=0.7) for i in range(4)),
        *([faults.pause_past_the_lease] * 5),
        *(partial(faults.restart_database, crash=i % 2 == 1) for i in range(5)),
        *([faults.flush_broker] * 5),
    ]
