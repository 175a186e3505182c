"""A migration that cannot have its lock lets the others pass and tries again."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from tests.migrations.conftest import Scratch
from tieback.management.commands.migrate import ONE_AT_A_TIME
from tieback.table_locks import HoldTables

#: A table that the migrations after 0001 change, and that is empty here.
TABLE = "minting_product"
#: As far as these tests migrate: it changes that table, and the rest would only take its time.
ENOUGH = ("minting", "0003")


def wait_for(session: Any, condition: str, *, seconds: float = 60) -> None:
    """Return once a condition holds in the database."""
    until = time.monotonic() + seconds
    while session.execute(f"select exists ({condition})").fetchone() != (True,):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def test_nobody_waits_long_behind_a_migration_that_waits(
    scratch: Scratch, migrate: Callable[..., str]
):
    migrate("minting", "0001")
    with scratch.connect() as reader, scratch.connect() as bystander:
        with reader.transaction():
            reader.execute(f"select count(*) from {TABLE}")
            waits = (
                "select 1 from pg_locks where not granted and database ="
                " (select oid from pg_database where datname = current_database())"
            )
            process = scratch.command("migrate", *ENOUGH, "--no-input", "--lock-seconds", "0.5")
            longest = 0.0
            for _ in range(3):
                wait_for(bystander, waits)
                began = time.monotonic()
                bystander.execute(f"select count(*) from {TABLE}")
                longest = max(longest, time.monotonic() - began)
            assert longest < 5
        with process:
            said, _ = process.communicate(timeout=100)
    assert process.returncode == 0, said
    assert "lock_not_available" in said
    with scratch.connect() as session:
        applied = "select 1 from django_migrations where app = 'minting' and name ~ '^0002'"
        wait_for(session, applied, seconds=0.1)


def test_a_migration_of_two_tables_gives_way_before_anybody_is_ended_in_a_deadlock(
    scratch: Scratch, migrate: Callable[..., str]
):
    migrate("minting", "0001")
    hold = HoldTables("minting_product", "minting_mintbatch")
    with (
        scratch.connect() as reader,
        scratch.connect() as migration,
        scratch.connect() as bystander,
        ThreadPoolExecutor(1) as pool,
    ):
        with reader.transaction():
            reader.execute("select count(*) from minting_mintbatch")
            ended = pool.submit(run, migration, hold)
            wait_for(
                bystander,
                "select 1 from pg_locks where granted and mode = 'AccessExclusiveLock'"
                " and relation = 'minting_product'::regclass",
            )
            reader.execute("select count(*) from minting_product")
        assert isinstance(ended.exception(30), psycopg.errors.LockNotAvailable)
        migration.execute("set lock_timeout = '7s'")
        assert run(migration, hold) == "7s"


def run(session: Any, hold: HoldTables) -> str:
    """Take the locks; return how long what follows may wait for one."""
    with session.transaction():
        for statement in hold.sql:
            session.execute(statement)
        (longest,) = session.execute("show lock_timeout").fetchone()
    return str(longest)


def test_a_lock_that_is_never_to_be_had_ends_the_run_and_says_what_to_do(
    scratch: Scratch, migrate: Callable[..., str]
):
    migrate("minting", "0001")
    arguments = ("--lock-seconds", "0.1", "--lock-attempts", "2")
    with scratch.connect() as reader, reader.transaction():
        reader.execute(f"select count(*) from {TABLE}")
        with scratch.command("migrate", *ENOUGH, "--no-input", *arguments) as process:
            said, _ = process.communicate(timeout=100)
    assert process.returncode == 1
    assert "not to be had in 2 attempts" in said
    assert "Traceback" not in said
    migrate(*ENOUGH)


def test_two_runs_at_once_are_one_after_the_other(scratch: Scratch, migrate: Callable[..., str]):
    with scratch.connect() as first:
        first.execute("select pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        with scratch.command("migrate", *ENOUGH, "--no-input") as process:
            waiting = "select 1 from pg_stat_activity where query ~ 'pg_try_advisory_lock'"
            wait_for(first, f"{waiting} and pid <> pg_backend_pid()")
            assert first.execute("select to_regclass('django_migrations')").fetchone() == (None,)
            first.execute("select pg_advisory_unlock(%s)", [ONE_AT_A_TIME])
            said, _ = process.communicate(timeout=100)
    assert process.returncode == 0, said
    assert "No migrations to apply" in migrate(*ENOUGH)


def test_looking_at_the_plan_waits_for_nobody(scratch: Scratch, migrate: Callable[..., str]):
    with scratch.connect() as other:
        other.execute("select pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        assert "minting.0001_initial" in migrate("--plan")
