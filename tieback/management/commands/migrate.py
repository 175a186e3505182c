"""Django's ``migrate`` for a system that goes on working meanwhile.

A statement that waits for a lock makes everybody behind it wait too, so no migration waits long:
it gives up, lets the others pass, and tries again. One run at a time; a second one waits.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connection

from tieback.startup import open_session

#: A lock of the whole database, held by the one run that may change it.
ONE_AT_A_TIME = 0x7469_6562
_LONGEST_PAUSE = 5.0

log = structlog.get_logger(__name__)


class Command(migrate.Command):
    """Apply or take back migrations without holding anybody up."""

    _lock_seconds = 0.0

    def add_arguments(self, parser: CommandParser) -> None:
        """Add how long to wait for a lock, and how often."""
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-seconds", type=float, default=1.0, help="longest wait for one lock; 0 waits on"
        )
        parser.add_argument(
            "--lock-attempts", type=int, default=60, help="how often a lock is tried for"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate; after a lock that was not to be had, go on at the migration that needs it."""
        attempts = options.pop("lock_attempts")
        self._lock_seconds = options.pop("lock_seconds")
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        with _alone():
            try:
                self._until_done(attempts, args, options)
            finally:
                _wait_for_locks("0")

    def _until_done(self, attempts: int, args: Any, options: Any) -> None:
        for attempt in range(1, attempts + 1):
            _wait_for_locks(f"{self._lock_seconds}s")
            try:
                super().handle(*args, **options)
            except OperationalError as error:
                if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                    raise
                if attempt == attempts:
                    raise CommandError(
                        f"A lock was not to be had in {attempts} attempts. What has been applied"
                        " stays. Find who holds a transaction open (docs/operations.md), then run"
                        " this again."
                    ) from error
                log.warning("lock_not_available", attempt=attempt, of=attempts)
                time.sleep(min(_LONGEST_PAUSE, 0.2 * attempt) * random.uniform(0.5, 1.0))  # noqa: S311
            else:
                return

    def migration_progress_callback(
        self,
        action: str,
        migration: Any = None,
        fake: bool = False,  # noqa: FBT001, FBT002 - Django's signature
    ) -> None:
        """Let what builds an index beside the traffic wait as long as it must: nobody waits for it.

        Cut short, it would leave an index that is invalid and in the way of the next attempt.
        """
        if action in {"apply_start", "unapply_start"}:
            _wait_for_locks(f"{self._lock_seconds}s" if migration.atomic else "0")
        super().migration_progress_callback(action, migration, fake)


def _wait_for_locks(longest: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config('lock_timeout', %s, false)", [longest])


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the right to migrate on a session of its own; wait for whoever has it."""
    with open_session(timeout=5) as session:
        while session.execute("select pg_try_advisory_lock(%s)", [ONE_AT_A_TIME]).fetchone() != (
            True,
        ):
            log.info("waiting", waiting_for="another migrate")
            time.sleep(0.5)
        yield
