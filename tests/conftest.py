"""Test set-up: the owner makes the schema, then every test runs as a plane's own role.

A test names its plane by ``@pytest.mark.plane("worker")``; the default is the web plane. Only in
tests a role may insert the rows that operators or migrations make in production.
"""

import gc
import os
import secrets
import time
from collections.abc import Iterator

import pytest

if not os.environ.get("DATABASE_URL"):
    pytest.exit("Start the tests with `make test`: they need the embedded services.", returncode=2)

os.environ["TIEBACK_PLANE"] = "web"
os.environ.setdefault("TIEBACK_ENV", "development")
os.environ.setdefault("API_RATE_LIMIT", "0")

from tests.databases import drop_migrated, use_copy_of_migrated
from tests.emptying import empty_tables
from tests.planes import act_as, become, end_sessions, plane_now

pytest_plugins = ("tests.fixtures",)

_TEST_ONLY_GRANTS = """
    do $$ declare role text; begin
        foreach role in array
            array['tieback_app', 'tieback_worker', 'tieback_resolver', 'tieback_ops']
        loop
            execute format('grant select, insert on brands_brand, brands_user, brands_membership,'
                           ' django_content_type, auth_permission to %I', role);
        end loop;
    end $$
"""


def pytest_configure() -> None:
    """Count no requests and no misses: tests send more of both. Some turn it on again.

    Each run has keys of its own for test links and proofs.
    """
    from django.conf import settings
    from django.test import TransactionTestCase

    from resolver.staff_scans import public_key_of

    settings.API_RATE_LIMIT = settings.TIEBACK_MISSES_PER_MINUTE = 0
    settings.TIEBACK_PROOF_SECRET = secrets.token_hex(32)
    key = secrets.token_hex(32)
    settings.TIEBACK_TEST_LINK_KEY = key
    settings.TIEBACK_TEST_LINK_PUBLIC_KEYS = [public_key_of(key)]
    TransactionTestCase._fixture_teardown = lambda _: empty_tables()  # type: ignore[attr-defined]


_DATABASE = "_".join(filter(None, ("test_tieback", os.environ.get("TIEBACK_TEST_DB_SUFFIX"))))


@pytest.fixture(scope="session")
def migrated_database() -> str:
    """The name of the database that migrations have made and no test changes."""
    # Each run migrates anew: the migrations may be others.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    return f"{_DATABASE}_migrated_{run[:8]}"


@pytest.fixture(scope="session")
def django_db_setup(
    migrated_database: str,
    django_test_environment: None,
    django_db_blocker: object,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """Let the owner make the test database, then hand over to the first test's role."""
    from django.db import connection
    from django.test.utils import teardown_databases

    name = connection.settings_dict["TEST"]["NAME"]
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        plane_of_first_test = plane_now()
        config = use_copy_of_migrated(name, migrated_database)
        with connection.cursor() as cursor:
            cursor.execute(_TEST_ONLY_GRANTS)
        become(plane_of_first_test)
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        end_sessions()
        become("owner")
        _wait_for_idle_sessions()
        teardown_databases(config, verbosity=0)
        drop_migrated(migrated_database, unless_like=_DATABASE)


def _wait_for_idle_sessions() -> None:
    """Let other sessions end: a pooler keeps some, and a database in use cannot be dropped.

    Says whose session stays, which the refusal to drop would not.
    """
    from django.db import connection

    gc.collect()
    others = (
        "select usename, backend_type, state, application_name, backend_start::text"
        " from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        # PostgreSQL ends its own, as autovacuum, when a database is dropped.
        " and backend_type = 'client backend'"
    )
    deadline = time.monotonic() + 15
    while True:
        with connection.cursor() as cursor:
            cursor.execute(others)
            left = cursor.fetchall()
        if not left:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"sessions stay open after the last test: {left}")
        time.sleep(0.2)


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix(request: pytest.FixtureRequest) -> None:
    """Give each process a database of its own, and each run too where it names a suffix."""
    from django.db import connection

    worker = getattr(request.config, "workerinput", {}).get("workerid", "")
    connection.settings_dict["TEST"]["NAME"] = "_".join(filter(None, (_DATABASE, worker)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that may take longest: one that began last would be waited for alone."""
    items.sort(key=_limit_of, reverse=True)


def _limit_of(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0.0


def pytest_collection_finish() -> None:
    """Look no more for garbage among what is there for the whole run, and seldom for new."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Log in as the test's plane before any of its fixtures opens a transaction."""
    marker = item.get_closest_marker("plane")
    act_as(marker.args[0] if marker else "web")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud what was not run: it is the only thing that may be left out."""
    left_out = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if "DEVCHAIN_PROGRAMS_DIR" in str(report.longrepr)
    ]
    if left_out:
        terminalreporter.write_line(
            f"NOT RUN: {len(left_out)} tests of Solana's own programs. Name a folder of their"
            " dumps: DEVCHAIN_PROGRAMS_DIR, see docs/chain.md",
            red=True,
            bold=True,
        )
