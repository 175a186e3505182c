"""Invitations of a brand: list, invite, send anew, revoke; and accepting one, from outside."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from tieback.api.authentication import JwtAuthentication, SessionAuthentication
from tieback.api.fields import NothingSerializer, ShownOnceField, StrictSerializer, StrictTextField
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView, NeverStored
from tieback.brands.invitations import (
    LONGEST_LIFE,
    FoundInvitation,
    Issued,
    NewPerson,
    accept,
    find,
    invite,
    resend,
    revoke,
)
from tieback.brands.models import Invitation, User
from tieback.brands.roles import Role, Scope
from tieback.errors import FieldError, Forbidden, ValidationFailed

_NOT_ENDED = Q(accepted_at=None, revoked_at=None)
#: What the states of an invitation mean for its row.
STATES: dict[str, Callable[[], Q]] = {
    "open": lambda: _NOT_ENDED & Q(expires_at__gt=Now()),
    "expired": lambda: _NOT_ENDED & Q(expires_at__lte=Now()),
    "accepted": lambda: Q(accepted_at__isnull=False),
    "revoked": lambda: Q(revoked_at__isnull=False),
}
#: Under which name refused acceptances are counted, an address each, like failed sign-ins.
COUNTED = {"username": "accept an invitation"}


class InvitationRefused(Forbidden):
    """This invitation cannot be accepted so.

    It is unknown, was accepted or revoked, or has expired: ask for a new one. Or its address has
    an account: sign in to that, or give its password.
    """

    code = "INVITATION_REFUSED"


class InvitationSerializer(serializers.Serializer[Any]):
    """An invitation without its token."""

    id = serializers.UUIDField()
    email = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    state = serializers.SerializerMethodField()
    invited_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)

    def get_state(self, invitation: Invitation) -> str:
        """Return ``open``, ``expired``, ``accepted`` or ``revoked``."""
        if invitation.accepted_at:
            return "accepted"
        if invitation.revoked_at:
            return "revoked"
        return "open" if invitation.expires_at > timezone.now() else "expired"


class IssuedInvitationSerializer(InvitationSerializer):
    """An invitation with its token, which is shown this once: pass it on to the person."""

    token = ShownOnceField()


class ExpirySerializer(StrictSerializer):
    """Until when an invitation can be accepted."""

    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Default: in 7 days. At most: in 30."
    )

    def validate_expires_at(self, value: Any) -> Any:
        """Refuse a moment that has passed, or that is far off."""
        now = timezone.now()
        if value is not None and not now < value <= now + LONGEST_LIFE:
            raise serializers.ValidationError(
                f"Must be in the future, and within {LONGEST_LIFE.days} days."
            )
        return value


class NewInvitationSerializer(ExpirySerializer):
    """Whom to invite, as what."""

    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=Role.choices)


class AcceptSerializer(StrictSerializer):
    """The token, and who accepts: nothing more while signed in, else the password."""

    token = StrictTextField(max_length=128)
    password = StrictTextField(
        required=False,
        max_length=256,
        trim_whitespace=False,
        help_text="Of the account; where there is none yet, of the one that is made.",
    )
    full_name = StrictTextField(
        required=False, default="", allow_blank=True, max_length=150, help_text="Of a new person."
    )


class AcceptedSerializer(serializers.Serializer[Any]):
    """The brand one is a member of now."""

    workspace_id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    email = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)


class InvitationQuery(CreatedQuery):
    """Which invitations."""

    orderings = ordered_by("created_at", "expires_at")
    filters = {
        "state": lambda state: STATES[state](),
        "role": "role",
        "email": "email__iexact",
    }

    state = serializers.ChoiceField(choices=list(STATES), required=False)
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    email = serializers.CharField(
        required=False, max_length=254, help_text="The whole address, in any case."
    )


def _shown(issued: Issued) -> dict[str, Any]:
    return {**InvitationSerializer(issued.invitation).data, "token": issued.token}


class InvitationListView(BrandAPIView):
    """The brand's invitations."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.MEMBERS_MANAGE,
        "POST": Scope.MEMBERS_MANAGE,
    }

    @extend_schema(
        operation_id="list_invitations",
        parameters=[InvitationQuery],
        responses=InvitationSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List invitations, newest first."""
        rows = Invitation.objects.all()
        return listed(InvitationQuery, request.query_params, rows, InvitationSerializer)

    @extend_schema(
        operation_id="create_invitation",
        request=NewInvitationSerializer,
        responses={201: IssuedInvitationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Invite somebody, and show the token, once; only an owner invites an owner."""
        given = NewInvitationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        issued = invite(
            self.principal,
            email=values["email"],
            role=Role(values["role"]),
            expires_at=values.get("expires_at"),
            request=request,
        )
        return Response(_shown(issued), status=201)


class InvitationResendView(BrandAPIView):
    """A new token for an invitation."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MEMBERS_MANAGE}

    @extend_schema(
        operation_id="resend_invitation",
        request=ExpirySerializer,
        responses=IssuedInvitationSerializer,
    )
    def post(self, request: Request, invitation_id: UUID) -> Response:
        """Show a new token, once, with a new time; the old token ends. Expired ones open again."""
        given = ExpirySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        expires_at = given.validated_data.get("expires_at")
        issued = resend(self.principal, invitation_id, expires_at=expires_at, request=request)
        return Response(_shown(issued))


class InvitationRevokeView(BrandAPIView):
    """The end of an invitation."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MEMBERS_MANAGE}

    @extend_schema(
        operation_id="revoke_invitation",
        request=NothingSerializer,
        responses=InvitationSerializer,
    )
    def post(self, request: Request, invitation_id: UUID) -> Response:
        """Revoke; doing it twice changes nothing."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        invitation = revoke(self.principal, invitation_id, request=request)
        return Response(InvitationSerializer(invitation).data)


class InvitationAcceptView(NeverStored):
    """Take the place an invitation holds.

    Every refusal reads the same, costs the same and counts the same, so that trying tells neither
    whether a token was ever given out nor whether an address has an account.
    """

    authentication_classes = (JwtAuthentication, SessionAuthentication)
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        """Name the scheme in ``WWW-Authenticate``."""
        return 'Bearer realm="tieback"'

    @extend_schema(
        operation_id="accept_invitation", request=AcceptSerializer, responses=AcceptedSerializer
    )
    def post(self, request: Request) -> Response:
        """Accept, while signed in or with a password; a new person gets an account."""
        given = AcceptSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        _keep_out_guessers(request)
        found = find(values["token"])
        person = _person(request, found, values)
        accepted = accept(found, person, request=request) if found and person else None
        if found is None or accepted is None:
            _count_refusal(request)
            raise InvitationRefused
        brand, member = accepted
        body = {
            "workspace_id": brand.pk,
            "slug": brand.slug,
            "name": brand.name,
            "email": found.email,
            "role": member.role,
        }
        return Response(AcceptedSerializer(body).data)


def _person(
    request: Request, found: FoundInvitation | None, values: dict[str, Any]
) -> User | NewPerson | None:
    """Return who accepts: whoever is signed in, or whoever the password is right for."""
    if isinstance(request.user, User):
        is_meant = found is not None and request.user.email.lower() == found.email.lower()
        return request.user if is_meant else None
    password = values.get("password")
    if password is None:
        message = "Give the account's password, or sign in first."
        raise ValidationFailed(fields=(FieldError("password", "REQUIRED", message),))
    if found is None:
        make_password(password)
        return None
    _refuse_weak(password, User(email=found.email, full_name=values["full_name"]))
    if User.objects.filter(email__iexact=found.email).exists():
        known = authenticate(
            request._request,  # noqa: SLF001 - failed attempts are counted on Django's own request
            username=found.email.lower(),
            password=password,
        )
        return known if isinstance(known, User) else None
    return NewPerson.choosing(password, values["full_name"])


def _refuse_weak(password: str, person: User) -> None:
    """Hold a password to Django's rules, whether or not there is an account it could be for."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        faults = (FieldError("password", "WEAK", said) for said in error.messages)
        raise ValidationFailed(fields=tuple(faults)) from None


def _keep_out_guessers(request: Request) -> None:
    if not AxesProxyHandler.is_allowed(request._request, COUNTED):  # noqa: SLF001 - as above
        raise exceptions.Throttled(detail="Too many attempts; try again later.")


def _count_refusal(request: Request) -> None:
    user_login_failed.send(
        sender=__name__,
        credentials=COUNTED,
        request=request._request,  # noqa: SLF001 - as above
    )
