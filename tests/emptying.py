"""Empties the tables of whoever committed: a test, or a furnished brand.

What does it is ``emptying.sql``, so that no role is granted more in tests than it has.
"""

from django.db import connection

# What Django writes into its own tables after every migration is not emptied, and so need not be
# written again.
_KEPT = {"django_content_type", "auth_permission"}


def empty_tables(*names: str) -> None:
    """Empty the named tables, else all, in place of Django's ``flush``; and every partition."""
    known = set(connection.introspection.django_table_names(only_existing=False)) - _KEPT
    with connection.cursor() as cursor:
        cursor.execute("select testing.empty_tables(%s)", [sorted(names or known)])
