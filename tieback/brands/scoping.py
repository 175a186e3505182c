"""The only doors into brand-owned rows.

Tenancy is held twice: PostgreSQL's row-level security reads ``tieback.brand_id`` (and
``tieback.user_id`` for a person's own memberships), and django-scopes refuses a query made outside
any scope. Both are set here and nowhere else. The values are transaction-local, so nothing
survives a commit on a pooled connection.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import UUID

from django.db import connection, transaction
from django_scopes import scope, scopes_disabled

_ENTER = (
    "select coalesce(current_setting(%(name)s, true), ''), set_config(%(name)s, %(value)s, true)"
)


@contextmanager
def _transaction_setting(name: str, value: str) -> Iterator[None]:
    """Set a transaction-local value, and restore the outer one on exit.

    A value set inside a savepoint survives its release, so the outer value is put back by hand.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ENTER, {"name": name, "value": value})
            (outer, _) = cursor.fetchone()
        yield
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(_ENTER, {"name": name, "value": outer})


@contextmanager
def brand_scope(brand_id: UUID) -> Iterator[None]:
    """Open a transaction in which only this brand's rows exist."""
    with _transaction_setting("tieback.brand_id", str(brand_id)), scope(brand=brand_id):
        yield


@contextmanager
def user_scope(user_id: int) -> Iterator[None]:
    """Open a transaction in which a person's own memberships, and their brands, can be read."""
    with _transaction_setting("tieback.user_id", str(user_id)), scopes_disabled():
        yield


def all_brands() -> AbstractContextManager[None]:
    """Leave the Python scope: for roles whose policies decide alone what is seen.

    The database still shows a process only what its role's policies allow.
    """
    return scopes_disabled()  # type: ignore[no-any-return]
