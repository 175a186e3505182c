"""Invitations: a place in a brand for whoever holds the token, once and for a time.

There is no mail here: the token is shown once to the manager who invites, who passes it on. So an
address is as good as that manager's word (docs/adr/0014-invitations.md).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from tieback.brands.audit import Act, ActsFor, record, record_all
from tieback.brands.credentials import digest_of
from tieback.brands.members import Manager, hold, may_give, standing
from tieback.brands.models import Brand, Invitation, Membership, User
from tieback.brands.roles import Role
from tieback.brands.scoping import brand_scope
from tieback.errors import Conflict, NotFound

LIFETIME = timedelta(days=7)
LONGEST_LIFE = timedelta(days=30)

OPEN = Q(accepted_at=None, revoked_at=None)

# The one door across brands for invitations: a SECURITY DEFINER function, by the token's hash only.
_LOOK_UP = "select id, brand_id, email, role from tieback_find_invitation(%(digest)s)"

# Names only what makes a person who signs in; the role has no right to the operators' columns.
_NEW_PERSON = """
    insert into brands_user (email, full_name, password)
    values (%(email)s, %(full_name)s, %(password)s)
    on conflict do nothing
    returning id
"""


class AlreadyMember(Conflict):
    """This person is a member already. Change their role instead."""

    code = "ALREADY_A_MEMBER"


class InvitationOpen(Conflict):
    """An invitation for this address is open already. Resend or revoke it."""

    code = "INVITATION_OPEN"


class InvitationEnded(Conflict):
    """This invitation was accepted or revoked. Make a new one."""

    code = "INVITATION_ENDED"


@dataclass(frozen=True)
class Issued:
    """An invitation with its token, which exists only here and in the caller's hands."""

    invitation: Invitation
    token: str


@dataclass(frozen=True)
class FoundInvitation:
    """An open invitation whose token was right."""

    id: UUID
    brand_id: UUID
    email: str
    role: Role


@dataclass(frozen=True)
class NewPerson:
    """Somebody who accepts and has no account yet."""

    full_name: str
    password_hash: str

    @classmethod
    def choosing(cls, password: str, full_name: str) -> "NewPerson":
        """Hash the password, which takes long: before any lock is held."""
        return cls(full_name, make_password(password))


def invite(
    manager: Manager, *, email: str, role: Role, expires_at: datetime | None, request: Any = None
) -> Issued:
    """Make an invitation. Says nothing of whether the address has an account."""
    hold(manager.brand_id)
    may_give(standing(manager), role)
    email = email.strip().lower()
    if Membership.objects.filter(user__email__iexact=email).exists():
        raise AlreadyMember
    _make_room(manager, email, request=request)
    token, digest = _new_token()
    invitation = Invitation.objects.create(
        brand_id=manager.brand_id,
        email=email,
        role=role,
        token_sha256=digest,
        invited_by=manager.actor,
        expires_at=expires_at or timezone.now() + LIFETIME,
    )
    invitation.refresh_from_db(fields=["created_at"])
    record(
        manager,
        "invitation.created",
        "invitation",
        invitation.pk,
        after=_told(invitation),
        request=request,
    )
    return Issued(invitation, token)


def resend(
    manager: Manager, invitation_id: UUID, *, expires_at: datetime | None, request: Any = None
) -> Issued:
    """Give an open invitation a new token and a new time; the old token ends with that."""
    hold(manager.brand_id)
    stands = standing(manager)
    invitation = _invitation(invitation_id)
    may_give(stands, Role(invitation.role))
    if invitation.accepted_at or invitation.revoked_at:
        raise InvitationEnded
    before = _told(invitation)
    token, digest = _new_token()
    invitation.token_sha256 = digest
    invitation.expires_at = expires_at or timezone.now() + LIFETIME
    invitation.save(update_fields=["token_sha256", "expires_at"])
    record(
        manager,
        "invitation.resent",
        "invitation",
        invitation.pk,
        before=before,
        after=_told(invitation),
        request=request,
    )
    return Issued(invitation, token)


def revoke(manager: Manager, invitation_id: UUID, *, request: Any = None) -> Invitation:
    """End an invitation; doing it twice changes nothing, an accepted one is a conflict."""
    hold(manager.brand_id)
    stands = standing(manager)
    invitation = _invitation(invitation_id)
    may_give(stands, Role(invitation.role))
    if invitation.accepted_at:
        raise InvitationEnded("It was accepted. Remove the member instead.")
    if not invitation.revoked_at:
        Invitation.objects.filter(pk=invitation.pk).update(revoked_at=Now())
        invitation.refresh_from_db(fields=["revoked_at"])
        record(
            manager,
            "invitation.revoked",
            "invitation",
            invitation.pk,
            before=_told(invitation),
            request=request,
        )
    return invitation


def find(token: str) -> FoundInvitation | None:
    """Return the open invitation of this token, whosever it is."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK_UP, {"digest": digest_of(token)})
        row = cursor.fetchone()
    return FoundInvitation(row[0], row[1], row[2], Role(row[3])) if row else None


def accept(
    found: FoundInvitation, person: User | NewPerson, *, request: Any = None
) -> tuple[Brand, Membership] | None:
    """Make the person a member, once. ``None`` where somebody else was faster.

    The token was read before the lock was held, so everything is asked again under it.
    """
    with brand_scope(found.brand_id):
        hold(found.brand_id)
        invitation = (
            Invitation.objects.filter(OPEN, pk=found.id, expires_at__gt=Now())
            .select_for_update(no_key=True)
            .first()
        )
        if invitation is None:
            return None
        user_id = person.pk if isinstance(person, User) else _make_person(found, person)
        if user_id is None:
            return None
        if Membership.objects.filter(user_id=user_id).exists():
            raise AlreadyMember("You are a member of this brand already.")
        Invitation.objects.filter(pk=found.id).update(accepted_at=Now(), accepted_by_id=user_id)
        member = Membership.objects.create(
            brand_id=found.brand_id, user_id=user_id, role=invitation.role
        )
        _tell(invitation, member, is_new=isinstance(person, NewPerson), request=request)
        return Brand.objects.get(pk=found.brand_id), member


def _tell(invitation: Invitation, member: Membership, *, is_new: bool, request: Any) -> None:
    acts = [
        Act("invitation.accepted", "invitation", invitation.pk, after={"user": member.user_id}),
        Act(
            "member.added",
            "membership",
            member.pk,
            after={"user": member.user_id, "email": invitation.email, "role": member.role},
        ),
    ]
    if is_new:
        acts.insert(0, Act("user.created", "user", member.user_id, {}, {"email": invitation.email}))
    actor = ActsFor(invitation.brand_id, f"user:{member.user_id}")
    record_all(actor, acts, request=request)


def _make_person(found: FoundInvitation, person: NewPerson) -> int | None:
    """Return the id of a new account; ``None`` where the address got one a moment ago."""
    values = {
        "email": found.email,
        "full_name": person.full_name,
        "password": person.password_hash,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEW_PERSON, values)
        row = cursor.fetchone()
    return row[0] if row else None


def _make_room(manager: Manager, email: str, *, request: Any) -> None:
    """Refuse where an invitation is open; end one whose time has passed."""
    earlier = Invitation.objects.filter(OPEN, email__iexact=email).first()
    if earlier is None:
        return
    if earlier.expires_at > timezone.now():
        raise InvitationOpen
    Invitation.objects.filter(pk=earlier.pk).update(revoked_at=Now())
    acts = [
        Act("invitation.revoked", "invitation", earlier.pk, _told(earlier), {"because": "expired"})
    ]
    record_all(manager, acts, request=request)


def _invitation(invitation_id: UUID) -> Invitation:
    found = Invitation.objects.filter(pk=invitation_id).first()
    if found is None:
        raise NotFound
    return found


def _new_token() -> tuple[str, bytes]:
    token = "ti_live_" + secrets.token_urlsafe(32)
    return token, digest_of(token)


def _told(invitation: Invitation) -> dict[str, Any]:
    return {
        "email": invitation.email,
        "role": invitation.role,
        "expires_at": invitation.expires_at.isoformat(),
    }
