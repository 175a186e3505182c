"""API credentials of a brand: list, create, change, rotate, revoke."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tieback.api.fields import (
    NothingSerializer,
    ShownOnceField,
    StrictIntegerField,
    StrictSerializer,
    StrictTextField,
)
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.credential_changes import (
    DEFAULT_OVERLAP,
    LONGEST_OVERLAP,
    change_credential,
    give_credential,
    revoke_credential,
    rotate_credential,
)
from tieback.brands.models import ApiCredential, User
from tieback.brands.roles import Scope
from tieback.errors import NotFound

#: What the states of a credential mean for its row.
STATES: dict[str, Callable[[], Q]] = {
    "active": lambda: Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=Now())),
    "expired": lambda: Q(revoked_at=None, expires_at__lte=Now()),
    "revoked": lambda: Q(revoked_at__isnull=False),
}


class CredentialSerializer(serializers.Serializer[Any]):
    """A credential without its secrets."""

    id = serializers.CharField()
    name = serializers.CharField()
    state = serializers.SerializerMethodField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    previous_secret_expires_at = serializers.DateTimeField(
        source="previous_expires_at",
        allow_null=True,
        help_text="Until when the secret before the last rotation works.",
    )
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)

    def get_state(self, credential: ApiCredential) -> str:
        """Return ``active``, ``expired`` or ``revoked``."""
        if credential.revoked_at:
            return "revoked"
        ended = credential.expires_at is not None and credential.expires_at <= timezone.now()
        return "expired" if ended else "active"


class IssuedCredentialSerializer(serializers.Serializer[Any]):
    """A new credential; the secret is shown this once."""

    id = serializers.CharField()
    secret = ShownOnceField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())


class RotatedCredentialSerializer(CredentialSerializer):
    """A credential with its new secret, which is shown this once."""

    secret = ShownOnceField()


class ChangedCredentialSerializer(StrictSerializer):
    """What a credential is called, may do, and until when."""

    name = StrictTextField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), min_length=1, max_length=20
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)

    def validate_expires_at(self, value: Any) -> Any:
        """Refuse a moment that has passed."""
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("Must be in the future.")
        return value


class NewCredentialSerializer(ChangedCredentialSerializer):
    """What a new credential may do."""


class RotationSerializer(StrictSerializer):
    """How long the old secret goes on working."""

    overlap_seconds = StrictIntegerField(
        required=False,
        default=int(DEFAULT_OVERLAP.total_seconds()),
        min_value=0,
        max_value=int(LONGEST_OVERLAP.total_seconds()),
        help_text="0 ends every earlier secret at once.",
    )


class CredentialQuery(CreatedQuery):
    """Which credentials."""

    orderings = ordered_by("created_at", "name")
    filters = {"state": lambda state: STATES[state](), "name": "name__iexact"}

    state = serializers.ChoiceField(choices=list(STATES), required=False)
    name = serializers.CharField(required=False, max_length=100)


class CredentialListView(BrandAPIView):
    """The brand's credentials."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.CREDENTIALS_MANAGE,
        "POST": Scope.CREDENTIALS_MANAGE,
    }

    @extend_schema(
        operation_id="list_api_credentials",
        parameters=[CredentialQuery],
        responses=CredentialSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List credentials, newest first."""
        rows = ApiCredential.objects.all()
        return listed(CredentialQuery, request.query_params, rows, CredentialSerializer)

    @extend_schema(
        operation_id="create_api_credential",
        request=NewCredentialSerializer,
        responses={201: IssuedCredentialSerializer},
    )
    def post(self, request: Request) -> Response:
        """Create a credential and show its secret, once."""
        given = NewCredentialSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        issued = give_credential(
            self.principal,
            name=values["name"],
            scopes=values["scopes"],
            expires_at=values.get("expires_at"),
            created_by=request.user if isinstance(request.user, User) else None,
            request=request,
        )
        return Response(IssuedCredentialSerializer(issued).data, status=201)


class CredentialView(BrandAPIView):
    """One credential."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.CREDENTIALS_MANAGE,
        "PATCH": Scope.CREDENTIALS_MANAGE,
    }

    @extend_schema(operation_id="get_api_credential", responses=CredentialSerializer)
    def get(self, request: Request, credential_id: str) -> Response:
        """Return a credential."""
        credential = ApiCredential.objects.filter(id=credential_id).first()
        if credential is None:
            raise NotFound
        return Response(CredentialSerializer(credential).data)

    @extend_schema(
        operation_id="update_api_credential",
        request=ChangedCredentialSerializer,
        responses=CredentialSerializer,
    )
    def patch(self, request: Request, credential_id: str) -> Response:
        """Change the name, the scopes or the time of a credential that has not ended."""
        given = ChangedCredentialSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        credential = change_credential(
            self.principal, credential_id, given.validated_data, request=request
        )
        return Response(CredentialSerializer(credential).data)


class CredentialRotateView(BrandAPIView):
    """A new secret for a credential."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.CREDENTIALS_MANAGE}

    @extend_schema(
        operation_id="rotate_api_credential",
        request=RotationSerializer,
        responses=RotatedCredentialSerializer,
    )
    def post(self, request: Request, credential_id: str) -> Response:
        """Show a new secret, once; it works at once, the old one until the overlap ends."""
        given = RotationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        overlap = timedelta(seconds=given.validated_data["overlap_seconds"])
        credential, secret = rotate_credential(
            self.principal, credential_id, overlap=overlap, request=request
        )
        return Response({**CredentialSerializer(credential).data, "secret": secret})


class CredentialRevokeView(BrandAPIView):
    """The end of a credential."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.CREDENTIALS_MANAGE}

    @extend_schema(
        operation_id="revoke_api_credential",
        request=NothingSerializer,
        responses=CredentialSerializer,
    )
    def post(self, request: Request, credential_id: str) -> Response:
        """Revoke for good, with both secrets; doing it twice changes nothing."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        credential = revoke_credential(self.principal, credential_id, request=request)
        return Response(CredentialSerializer(credential).data)
