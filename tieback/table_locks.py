"""A migration operation that takes every lock of a migration at once, or none.

A migration that changes several tables one after the other holds the first while it waits for the
next. Whoever reads them in another order then waits for it, PostgreSQL finds a deadlock, and the
one it ends is a request or a worker. Taken at once, and within less time than PostgreSQL lets pass
before it looks for deadlocks (``deadlock_timeout``, 1 s), it is always the migration that gives
up; ``migrate`` then lets the others pass and tries again.
"""

from typing import Any

from django.db.migrations import RunSQL

#: Longest wait for the first lock, and for all others together. Whoever comes while the migration
#: waits for its first waits behind it and looks for a deadlock after a second: by then it is over.
FIRST_MS, OTHERS_MS = 350, 500
_KEEP = "select set_config('tieback.lock_timeout', current_setting('lock_timeout'), true)"
_PUT_BACK = "select set_config('lock_timeout', current_setting('tieback.lock_timeout'), true)"


class HoldTables(RunSQL):
    """Takes the locks of a migration; the first of its operations.

    Name the busiest table first: it is the one that is waited for longest.
    """

    def __init__(self, *changed: str, referenced: tuple[str, ...] = ()) -> None:
        """Name the tables that are altered, and those that new foreign keys refer to."""
        self.changed, self.referenced = changed, referenced
        locks = [(table, "access exclusive") for table in changed]
        locks += [(table, "share row exclusive") for table in referenced]
        each = OTHERS_MS // max(1, len(locks) - 1)
        forward: list[Any] = [_KEEP]
        for place, (table, mode) in enumerate(locks):
            forward += [
                f"set local lock_timeout = '{each if place else FIRST_MS}ms'",
                f"lock table {table} in {mode} mode",
            ]
        super().__init__([*forward, _PUT_BACK], RunSQL.noop)

    def deconstruct(self) -> tuple[str, list[str], dict[str, tuple[str, ...]]]:
        """Return how it is made, as Django's writer of migrations asks."""
        return type(self).__qualname__, list(self.changed), {"referenced": self.referenced}

    def describe(self) -> str:
        """Say what is held."""
        return f"Hold {', '.join((*self.changed, *self.referenced))}"
