"""A migration operation that takes every lock of a migration at once, or none.

A migration that changes several tables one after the other holds the first while it waits for the
next. Whoever reads them in another order then waits for it, PostgreSQL finds a deadlock, and the
one it ends is a request or a worker. Taken at once, and within less time than PostgreSQL lets pass
before it looks for deadlocks (``deadlock_timeout``, 1 s), it is always the migration that gives
up; ``migrate`` then lets the others pass and tries again.
"""

from typing import Any

from django.db.migrations import RunSQL

#: Longest wait for all further locks together, once the first is held: less than PostgreSQL's
#: ``deadlock_timeout``. Nobody waits for a migration that waits for its first.
LONGEST_MS = 700


class HoldTables(RunSQL):
    """Takes the locks of a migration; the first of its operations.

    Name the busiest table first: it is the one that is waited for longest.
    """

    def __init__(self, *changed: str, referenced: tuple[str, ...] = ()) -> None:
        """Name the tables that are altered, and those that new foreign keys refer to."""
        self.tables = frozenset({*changed, *referenced})
        locks = [(table, "access exclusive") for table in changed]
        locks += [(table, "share row exclusive") for table in referenced]
        each = LONGEST_MS // max(1, len(locks) - 1)
        forward: list[Any] = [f"set local lock_timeout = '{LONGEST_MS}ms'"]
        for number, (table, mode) in enumerate(locks):
            if number == 1:
                forward.append(f"set local lock_timeout = '{each}ms'")
            forward.append(f"lock table {table} in {mode} mode")
        super().__init__(forward, RunSQL.noop)
        self._changed, self._referenced = changed, referenced

    def deconstruct(self) -> tuple[str, list[str], dict[str, tuple[str, ...]]]:
        """Return how it is made, as Django's writer of migrations asks."""
        return type(self).__qualname__, list(self._changed), {"referenced": self._referenced}

    def describe(self) -> str:
        """Say what is held."""
        return f"Hold {', '.join(sorted(self.tables))}"
