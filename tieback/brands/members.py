"""Who belongs to a brand and in which role: changed under one lock a brand, always audited.

Three rules hold whatever is asked. Only an owner makes or unmakes an owner. A brand keeps its last
owner. Nobody raises themself. The caller's own role is read again under the lock, since whoever
asks may have lost it a moment ago.
"""

from typing import Any, Protocol
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from tieback.brands.audit import Act, Actor, record, record_all
from tieback.brands.models import ApiCredential, Invitation, Membership
from tieback.brands.roles import PERMITTED_ROLES, RANK, Role, Scope
from tieback.errors import Conflict, Forbidden, NotFound

# The trigger last_owner_stays takes the same lock (tieback/brands/models.py).
LOCK = "select pg_advisory_xact_lock(hashtextextended('tieback.members:' || %(brand)s::text, 0))"


class Manager(Actor, Protocol):
    """Whoever manages a brand's people: a person, or a credential made by one."""

    @property
    def user_id(self) -> int | None:
        """The person, or ``None`` for a credential."""

    @property
    def credential_id(self) -> str | None:
        """The credential, or ``None`` for a person."""


class OwnersOnly(Forbidden):
    """Only an owner can make, change or remove an owner."""

    code = "OWNERS_ONLY"


class OwnRole(Forbidden):
    """Nobody can raise their own role. Ask another manager."""

    code = "OWN_ROLE"


class LastOwner(Conflict):
    """A brand keeps its last owner. Make somebody else an owner first."""

    code = "LAST_OWNER"


def hold(brand_id: UUID) -> None:
    """Be the only one to change the brand's people until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"brand": brand_id})


def standing(manager: Manager) -> Role:
    """Return the role in which the caller manages now; the lock is held.

    A credential stands where an admin does: nobody can make an owner through one.
    """
    if manager.user_id is None:
        if not ApiCredential.objects.filter(id=manager.credential_id, revoked_at=None).exists():
            raise Forbidden("This credential was revoked.")
        return Role.ADMIN
    own = Membership.objects.filter(user_id=manager.user_id).values_list("role", flat=True).first()
    if own is None or Role(own) not in PERMITTED_ROLES[Scope.MEMBERS_MANAGE]:
        raise Forbidden("You are no manager of this brand any more.")
    return Role(own)


def change_role(
    manager: Manager, membership_id: UUID, role: Role, *, request: Any = None
) -> Membership:
    """Give a member another role; the same role again changes nothing."""
    hold(manager.brand_id)
    stands = standing(manager)
    member = _member(membership_id)
    was = Role(member.role)
    if was is role:
        return member
    if member.user_id == manager.user_id and RANK[role] > RANK[was]:
        raise OwnRole
    if Role.OWNER in {was, role} and stands is not Role.OWNER:
        raise OwnersOnly
    _keep_an_owner(member)
    Membership.objects.filter(pk=member.pk).update(role=role)
    member.role = role
    record(
        manager,
        "member.role_changed",
        "membership",
        member.pk,
        before={"user": member.user_id, "role": was},
        after={"user": member.user_id, "role": role},
        request=request,
    )
    _end_invitations_beyond(manager, member.user_id, role, request=request)
    return member


def remove(manager: Manager, membership_id: UUID, *, request: Any = None) -> None:
    """Take a member out of the brand; their next request for it finds no such workspace."""
    hold(manager.brand_id)
    stands = standing(manager)
    member = _member(membership_id)
    if member.role == Role.OWNER and stands is not Role.OWNER:
        raise OwnersOnly
    _keep_an_owner(member)
    Membership.objects.filter(pk=member.pk).delete()
    before = {"user": member.user_id, "email": member.user.email, "role": member.role}
    record(manager, "member.removed", "membership", membership_id, before=before, request=request)
    _end_invitations_beyond(manager, member.user_id, None, request=request)


def may_give(stands: Role, role: Role) -> None:
    """Refuse to let somebody in as an owner unless an owner does it."""
    if role is Role.OWNER and stands is not Role.OWNER:
        raise OwnersOnly


def _member(membership_id: UUID) -> Membership:
    member = Membership.objects.select_related("user").filter(pk=membership_id).first()
    if member is None:
        raise NotFound
    return member


def _keep_an_owner(member: Membership) -> None:
    if member.role != Role.OWNER:
        return
    if not Membership.objects.filter(role=Role.OWNER).exclude(pk=member.pk).exists():
        raise LastOwner


def _end_invitations_beyond(
    manager: Manager, user_id: int, role: Role | None, *, request: Any
) -> None:
    """Revoke what a person has promised and could not promise any more.

    They have seen the tokens: whoever was sent away must not come back through one.
    """
    if role is Role.OWNER:
        return
    rows = Invitation.objects.filter(
        invited_by=f"user:{user_id}", accepted_at=None, revoked_at=None
    )
    if role in PERMITTED_ROLES[Scope.MEMBERS_MANAGE]:
        rows = rows.filter(role=Role.OWNER)
    end_invitations(manager, list(rows.values_list("pk", flat=True)), request=request)


def end_invitations(manager: Actor, ids: list[UUID], *, request: Any) -> None:
    """Revoke open invitations because their maker may no longer make them."""
    if not ids:
        return
    Invitation.objects.filter(pk__in=ids).update(revoked_at=Now())
    acts = [
        Act("invitation.revoked", "invitation", pk, after={"because": "its maker lost the right"})
        for pk in ids
    ]
    record_all(manager, acts, request=request)
