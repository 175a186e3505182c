"""Making, changing, rotating and revoking API credentials, each audited in its transaction.

Nobody hands on more than they have: neither scopes nor, where a credential does it, time. Rotating
shows a secret, so it counts as handing on.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from tieback.brands.audit import Actor, record
from tieback.brands.credentials import IssuedCredential, digest_of, issue_credential, new_secret
from tieback.brands.members import end_invitations, hold
from tieback.brands.models import ApiCredential, Invitation, User
from tieback.brands.roles import Scope
from tieback.errors import Conflict, FieldError, Forbidden, NotFound, ValidationFailed

LONGEST_OVERLAP = timedelta(days=30)
DEFAULT_OVERLAP = timedelta(days=1)

NAME_TAKEN = FieldError("name", "TAKEN", "A credential of this name exists; choose another.")


class Giver(Actor, Protocol):
    """Whoever makes or changes credentials."""

    @property
    def credential_id(self) -> str | None:
        """The credential that acts, or ``None`` for a person."""

    def may(self, scope: Scope) -> bool:
        """Say whether the giver has what ``scope`` names."""


class BeyondOwnScopes(Forbidden):
    """A credential can have only scopes that whoever makes, changes or rotates it has."""


class BeyondOwnTime(Forbidden):
    """A credential can make no credential that outlives it, nor extend its own time."""


class CredentialEnded(Conflict):
    """This credential was revoked or has expired. Make a new one."""

    code = "CREDENTIAL_ENDED"


class RotationUnderWay(Conflict):
    """Two secrets of this credential work already.

    Wait until previous_secret_expires_at, or rotate with overlap_seconds 0, which ends both.
    """

    code = "ROTATION_UNDER_WAY"


def give_credential(
    giver: Giver,
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None,
    created_by: User | None,
    request: Any = None,
) -> IssuedCredential:
    """Create a credential for somebody who may hand on what it can do, and audit it."""
    _within_own_scopes(giver, scopes)
    _within_own_time(giver, expires_at)
    with _name_is_free():
        issued = issue_credential(
            brand_id=giver.brand_id,
            name=name,
            scopes=scopes,
            created_by=created_by,
            expires_at=expires_at,
        )
    after: dict[str, Any] = {"name": issued.name, "scopes": list(issued.scopes)}
    if expires_at:
        after["expires_at"] = expires_at.isoformat()
    _tell(giver, "credential.created", issued.id, after=after, request=request)
    return issued


def change_credential(
    giver: Giver, identifier: str, values: Mapping[str, Any], *, request: Any = None
) -> ApiCredential:
    """Change name, scopes or time of a live credential; what stays the same is not told."""
    credential = _live(identifier)
    wanted = dict(values)
    if "scopes" in wanted:
        wanted["scopes"] = sorted(set(wanted["scopes"]))
    changed = {name: new for name, new in wanted.items() if getattr(credential, name) != new}
    if not changed:
        return credential
    before = {name: _plain(getattr(credential, name)) for name in changed}
    for name, new in changed.items():
        setattr(credential, name, new)
    _within_own_scopes(giver, credential.scopes)
    if "expires_at" in changed:
        _within_own_time(giver, credential.expires_at)
    with _name_is_free():
        credential.save(update_fields=list(changed))
    after = {name: _plain(new) for name, new in changed.items()}
    _tell(giver, "credential.changed", credential.id, before=before, after=after, request=request)
    return credential


def rotate_credential(
    giver: Giver, identifier: str, *, overlap: timedelta, request: Any = None
) -> tuple[ApiCredential, str]:
    """Give a live credential a new secret; the old one works until the overlap ends.

    Two secrets work at most. Without an overlap every earlier secret ends at once.
    """
    credential = _live(identifier)
    _within_own_scopes(giver, credential.scopes)
    now = timezone.now()
    if overlap and credential.previous_expires_at and credential.previous_expires_at > now:
        raise RotationUnderWay
    secret = new_secret()
    credential.previous_sha256 = credential.secret_sha256 if overlap else None
    credential.previous_expires_at = now + overlap if overlap else None
    credential.secret_sha256 = digest_of(secret)
    credential.save(update_fields=["secret_sha256", "previous_sha256", "previous_expires_at"])
    after = {"previous_secret_expires_at": _plain(credential.previous_expires_at)}
    _tell(giver, "credential.rotated", credential.id, after=after, request=request)
    return credential, secret


def revoke_credential(giver: Giver, identifier: str, *, request: Any = None) -> ApiCredential:
    """End a credential with both its secrets, and what it has promised; twice changes nothing."""
    # Whoever accepts an invitation of this credential comes before or after, not meanwhile.
    hold(giver.brand_id)
    rows = ApiCredential.objects.filter(id=identifier)
    revoked = rows.filter(revoked_at__isnull=True).update(revoked_at=Now())
    credential = rows.first()
    if credential is None:
        raise NotFound
    if revoked:
        _tell(giver, "credential.revoked", credential.id, request=request)
        promised = Invitation.objects.filter(
            invited_by=f"credential:{credential.id}", accepted_at=None, revoked_at=None
        )
        end_invitations(giver, list(promised.values_list("pk", flat=True)), request=request)
    return credential


def _live(identifier: str) -> ApiCredential:
    """Return the credential, locked, unless it has ended."""
    credential = ApiCredential.objects.select_for_update(no_key=True).filter(id=identifier).first()
    if credential is None:
        raise NotFound
    ended = credential.expires_at is not None and credential.expires_at <= timezone.now()
    if credential.revoked_at or ended:
        raise CredentialEnded
    return credential


def _within_own_scopes(giver: Giver, scopes: Iterable[str]) -> None:
    beyond = [scope for scope in scopes if not _has(giver, scope)]
    if beyond:
        raise BeyondOwnScopes(
            f"You do not have {', '.join(sorted(beyond))}: a credential can have only scopes that"
            " whoever makes, changes or rotates it has."
        )


def _has(giver: Giver, scope: str) -> bool:
    """Say whether the giver has a scope; one that this version does not know, nobody has."""
    return scope in Scope.values and giver.may(Scope(scope))


def _within_own_time(giver: Giver, expires_at: datetime | None) -> None:
    if giver.credential_id is None:
        return
    own = ApiCredential.objects.values_list("expires_at", flat=True).get(id=giver.credential_id)
    if own is not None and (expires_at is None or expires_at > own):
        raise BeyondOwnTime(f"Set expires_at to {own.isoformat()} or earlier: yours ends then.")


@contextmanager
def _name_is_free() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise ValidationFailed(fields=(NAME_TAKEN,)) from error


def _tell(
    giver: Actor,
    action: str,
    identifier: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    request: Any,
) -> None:
    record(giver, action, "api_credential", identifier, before=before, after=after, request=request)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
