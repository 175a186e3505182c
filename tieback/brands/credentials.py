"""API credentials: made once, shown once, kept as a hash; found without knowing the brand."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from tieback.brands.models import ApiCredential, User
from tieback.brands.roles import DEFAULT_SCOPES
from tieback.brands.scoping import brand_scope

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"

# The one door across brands for credentials: a SECURITY DEFINER function, by id only.
_LOOK_UP = """
    select brand_id, secret_sha256, scopes, last_used_at, previous_sha256
      from tieback_find_credential(%(id)s)
"""

_USE_IS_NOTED_EVERY = timedelta(minutes=1)

_MARK_USED = """
    update brands_apicredential set last_used_at = now()
     where id = (select id from brands_apicredential where id = %(id)s for update skip locked)
"""


@dataclass(frozen=True)
class IssuedCredential:
    """A new credential with its secret, which exists only here and in the caller's hands."""

    id: str
    secret: str
    name: str
    scopes: tuple[str, ...]

    @property
    def header(self) -> str:
        """The value of ``X-Api-Key``."""
        return f"{self.id}.{self.secret}"


@dataclass(frozen=True)
class FoundCredential:
    """A live credential whose secret was right."""

    id: str
    brand_id: UUID
    scopes: frozenset[str]
    last_used_at: datetime | None


def issue_credential(
    *,
    brand_id: UUID,
    name: str,
    scopes: Iterable[str] = DEFAULT_SCOPES,
    created_by: User | None = None,
    expires_at: datetime | None = None,
) -> IssuedCredential:
    """Create a credential in the brand in scope and return it with its secret."""
    identifier = "mk_live_" + "".join(secrets.choice(_ALPHABET) for _ in range(20))
    secret = new_secret()
    wanted = tuple(sorted(set(scopes)))
    ApiCredential.objects.create(
        id=identifier,
        brand_id=brand_id,
        name=name,
        secret_sha256=digest_of(secret),
        scopes=list(wanted),
        created_by=created_by,
        expires_at=expires_at,
    )
    return IssuedCredential(identifier, secret, name, wanted)


def find_credential(identifier: str, secret: str) -> FoundCredential | None:
    """Return the live credential with this id and secret, else ``None``.

    A wrong id costs the same work as a wrong secret.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOOK_UP, {"id": identifier})
        row = cursor.fetchone()
    digest = digest_of(secret)
    nothing = bytes(32)
    is_current = hmac.compare_digest(digest, bytes(row[1]) if row else nothing)
    is_previous = hmac.compare_digest(digest, bytes(row[4]) if row and row[4] else nothing)
    if row is None or not (is_current or is_previous):
        return None
    return FoundCredential(identifier, row[0], frozenset(row[2]), row[3])


def mark_used(found: FoundCredential) -> None:
    """Note the time of use, at most once a minute, in a transaction of its own.

    So a request that fails counts as use too, and one that takes long keeps nobody waiting for
    the row.
    """
    if found.last_used_at and timezone.now() - found.last_used_at < _USE_IS_NOTED_EVERY:
        return
    with brand_scope(found.brand_id), connection.cursor() as cursor:
        cursor.execute(_MARK_USED, {"id": found.id})


def new_secret() -> str:
    """Return a secret nobody can guess."""
    return "ms_live_" + secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()
