"""Faults that a scenario injects, each confirmed: one that was not seen to land does not count."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import psutil
import redis

from bench.system import BenchFailed, wait_until
from chaos.lab import WORKERS, Lab
from minting.crash_orders import Order
from tieback.stack import StackError

_TRIES = 20


def kill_at(lab: Lab, point: str, *, whole: bool, cycle: int = 0) -> None:
    """Let a pool child, or its whole worker, die by SIGKILL where it reaches ``point``."""
    order = Order(point, "kill-parent" if whole else "kill", cycle=cycle)
    witness = lab.give(order)
    try:
        _, pid, at, job = signed(lab, witness)
    finally:
        lab.take_back(witness)
    wait_for_death(pid)
    if whole:
        lab.replace_worker(wait_until("a worker to die", lambda: _dead_worker(lab), seconds=30))
    if job != "-":
        lab.victims.append((job, at))
    lab.record.count(f"kill {'worker' if whole else 'child'} at {point}")


def kill_anywhere(lab: Lab, *, whole: bool) -> None:
    """Kill without looking where the code is, a process that works if one can be found."""
    held: list[tuple[str, int, str]] = []
    for _ in range(_TRIES):
        alias = lab.dice.choice(WORKERS)
        main, children = lab.pids(alias)
        if not children:
            continue
        chosen = [main, *children] if whole else [lab.dice.choice(children)]
        if not freeze(chosen):
            continue
        held = lab.held_by(chosen)
        if held:
            break
        thaw(chosen)
        time.sleep(0.05)
    at = time.time()
    if whole:
        lab.stack.kill(alias)
    else:
        chosen[0].kill()
    for process in chosen:
        wait_for_death(process.pid)
    if whole:
        lab.start_worker(alias)
    lab.victims += [(job, at) for job, _, kind in held if kind == "mint"]
    name = f"kill {'worker' if whole else 'child'} anywhere"
    lab.record.count(name, working=bool(held))


def freeze(processes: list[psutil.Process]) -> bool:
    """Stop processes and see each of them in state T; one that has ended frees the others."""
    try:
        for process in processes:
            process.suspend()
        for process in processes:
            wait_until(f"process {process.pid} to stop", partial(_stopped, process), seconds=10)
    except psutil.NoSuchProcess:
        thaw(processes)
        return False
    except BenchFailed:
        thaw(processes)
        raise
    return True


def _stopped(process: psutil.Process) -> bool | None:
    status = process.status()
    if status == psutil.STATUS_ZOMBIE:
        raise psutil.NoSuchProcess(process.pid)
    return True if status == psutil.STATUS_STOPPED else None


def thaw(processes: list[psutil.Process]) -> None:
    """Let stopped processes run on."""
    for process in processes:
        try:
            process.resume()
        except psutil.NoSuchProcess:
            continue


def signed(lab: Lab, witness: Path, seconds: float = 60) -> tuple[str, int, float, str]:
    """Wait until an order is carried out; return the point, the pid, the time and the job."""

    def look() -> tuple[str, int, float, str] | None:
        lab.check_load()
        text = witness.read_text(encoding="utf-8").split() if witness.exists() else []
        return (text[0], int(text[1]), float(text[2]), text[3]) if len(text) == 4 else None

    return wait_until(f"the crash point of {witness.name}", look, seconds=seconds)


def wait_for_death(pid: int) -> None:
    """Wait until a process has ended; a zombie that its parent has not reaped yet has."""
    wait_until(f"process {pid} to die", lambda: None if _runs(pid) else True, seconds=30)


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _dead_worker(lab: Lab) -> str | None:
    for alias in WORKERS:
        try:
            lab.stack.pid(alias)
        except StackError:
            return alias
    return None


def restart_database(lab: Lab, *, immediate: bool, working: bool | None = None) -> None:
    """Restart PostgreSQL as ``pg_ctl restart -m immediate`` or ``-m fast`` does.

    Unless it is said whether the system is at work, this waits until a worker holds a job: between
    two jobs there is nothing to tear.
    """
    before = lab.value("select pg_postmaster_start_time()")
    pid = lab.stack.pid("postgres")
    if working is None:
        working = wait_until("a worker to hold a job", partial(_is_held, lab), seconds=30)
    os.kill(pid, signal.SIGQUIT if immediate else signal.SIGINT)
    wait_for_death(pid)
    lab.stack.kill("postgres")
    lab.stack.start("postgres")
    after = lab.value("select pg_postmaster_start_time()")
    if after == before:
        raise BenchFailed("PostgreSQL was not restarted")
    lab.record.count(f"database restart {'immediate' if immediate else 'fast'}", working=working)


def _is_held(lab: Lab) -> bool | None:
    lab.check_load()
    return lab.value("select exists (select from minting_mintjob where owner <> '')") or None


def end_backend(lab: Lab) -> None:
    """End the session of a worker in the middle of a transaction by ``pg_terminate_backend``."""

    def strike() -> int | None:
        lab.check_load()
        found = lab.value(
            "select pid from pg_stat_activity where usename = 'tieback_worker'"
            "   and xact_start is not null and pg_terminate_backend(pid) limit 1"
        )
        return found or None

    pid = wait_until("a worker to be in a transaction", strike, seconds=30)
    lab.wait_for(
        f"backend {pid} to end",
        "select not exists (select from pg_stat_activity where pid = %s)",
        [pid],
    )
    lab.record.count("backend of a working worker terminated")


def broker(lab: Lab) -> redis.Redis:
    """Connect to the broker past its proxy."""
    return redis.Redis.from_url(lab.stack.environment()["REDIS_URL"])


def flush_broker(lab: Lab) -> None:
    """Throw away every message, the unacknowledged ones too."""
    with broker(lab) as client:
        before = client.dbsize()
        client.flushall()
        if client.info("stats")["total_commands_processed"] < 1:
            raise BenchFailed("the broker did not take FLUSHALL")
    lab.record.count("broker flushed", working=bool(before))


def restart_broker(lab: Lab) -> None:
    """Kill the broker and start it again: another server answers then."""
    with broker(lab) as client:
        before = client.info("server")["run_id"]
    lab.stack.kill("valkey")
    lab.stack.start("valkey")
    with broker(lab) as client:
        if client.info("server")["run_id"] == before:
            raise BenchFailed("the broker was not restarted")
    lab.record.count("broker killed and restarted")
