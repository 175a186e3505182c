"""The only doors into brand-owned rows.

Tenancy is held twice: PostgreSQL's row-level security reads ``tieback.brand_id`` (and
``tieback.user_id`` for a person's own memberships), and django-scopes refuses a query made outside
any scope. Both are set here and nowhere else. The values are transaction-local, so nothing
survives a commit on a pooled connection.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, models, transaction
from django_scopes import get_scope, scope, scopes_disabled
from django_scopes.manager import DisabledQuerySet

_Row = TypeVar("_Row", bound=models.Model)

_ENTER = (
    "select coalesce(current_setting(%(name)s, true), ''), set_config(%(name)s, %(value)s, true)"
)
# Sent as one, which PostgreSQL runs as one transaction where there is none yet.
_MEMBERSHIPS = """
select set_config('tieback.user_id', %(value)s, true);
select brand_id, role from brands_membership
 where user_id = %(user)s and (%(brand)s::uuid is null or brand_id = %(brand)s::uuid)
 order by created_at, id limit %(most)s;
select set_config('tieback.user_id', '', true)
"""


class BrandManager(models.Manager[_Row]):
    """The rows of the brand in scope; a query made outside any scope raises ``ScopeError``.

    django-scopes' own ``ScopedManager`` makes its class at run time, which no type checker can
    follow.
    """

    def get_queryset(self) -> models.QuerySet[_Row]:
        """Return the rows of the scope, all rows where scopes are off, or one that raises."""
        current: dict[str, object] = get_scope()  # type: ignore[no-untyped-call]
        if not current.get("_enabled", True):
            return super().get_queryset()
        if "brand" not in current:
            disabled: models.QuerySet[_Row] = DisabledQuerySet(  # type: ignore[no-untyped-call]
                self.model, using=self._db, missing_scopes={"brand"}
            )
            return disabled
        return super().get_queryset().filter(brand=current["brand"])

    def all(self) -> models.QuerySet[_Row]:
        """Return the rows, refusing at once where there is no scope."""
        rows = super().all()
        if isinstance(rows, DisabledQuerySet):
            rows = rows.all()  # type: ignore[no-untyped-call]
        return rows


@contextmanager
def _transaction_setting(name: str, value: str) -> Iterator[None]:
    """Set a transaction-local value, and restore the outer one on exit.

    A value set inside a savepoint survives its release, so the outer value is put back by hand.
    The end of a transaction needs no help.
    """
    is_inner = connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ENTER, {"name": name, "value": value})
            (outer, _) = cursor.fetchone()
        yield
        if is_inner and not connection.needs_rollback:
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


def memberships_of(
    user_id: int, *, brand_id: UUID | None = None, most: int
) -> list[tuple[UUID, str]]:
    """Return at most so many brands of a person with their role there, the first ones first.

    One trip to the database, where ``user_scope`` takes four: every request of a person asks.
    """
    values: dict[str, Any] = {
        "value": str(user_id),
        "user": user_id,
        "brand": brand_id,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERSHIPS, values)
        cursor.nextset()
        rows: list[tuple[UUID, str]] = cursor.fetchall()
    return rows


def all_brands() -> AbstractContextManager[None]:
    """Leave the Python scope: for roles whose policies decide alone what is seen.

    The database still shows a process only what its role's policies allow.
    """
    return scopes_disabled()
