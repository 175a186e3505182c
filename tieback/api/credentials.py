"""API credentials of a brand: list, create, revoke."""

from typing import Any, ClassVar

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tieback.api.fields import (
    NothingSerializer,
    QuerySerializer,
    StrictSerializer,
    StrictTextField,
)
from tieback.api.pagination import DEFAULT_PAGE, LARGEST_PAGE, page_of
from tieback.api.views import BrandAPIView, enveloped
from tieback.brands.audit import record
from tieback.brands.credentials import issue_credential
from tieback.brands.models import ApiCredential, User
from tieback.brands.roles import Scope
from tieback.errors import FieldError, Forbidden, NotFound, ValidationFailed

NAME_TAKEN = FieldError("name", "TAKEN", "A credential of this name exists; choose another.")


class CredentialSerializer(serializers.Serializer[Any]):
    """A credential without its secret."""

    id = serializers.CharField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class IssuedCredentialSerializer(serializers.Serializer[Any]):
    """A new credential; the secret is shown this once."""

    id = serializers.CharField()
    secret = serializers.CharField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())


class NewCredentialSerializer(StrictSerializer):
    """What a new credential may do."""

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


class PageQuery(QuerySerializer):
    """Which page of a list."""

    cursor = serializers.CharField(required=False, max_length=500)
    page_size = serializers.IntegerField(
        required=False, min_value=1, max_value=LARGEST_PAGE, default=DEFAULT_PAGE
    )


class CredentialListView(BrandAPIView):
    """The brand's credentials."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.CREDENTIALS_MANAGE,
        "POST": Scope.CREDENTIALS_MANAGE,
    }

    @extend_schema(
        operation_id="list_api_credentials",
        parameters=[PageQuery],
        responses=CredentialSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List credentials, newest first."""
        query = PageQuery.read(request.query_params)
        rows, meta = page_of(
            ApiCredential.objects.all(), cursor=query.get("cursor"), size=query["page_size"]
        )
        return enveloped(CredentialSerializer(rows, many=True).data, **meta)

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
        if not all(self.principal.may(Scope(scope)) for scope in values["scopes"]):
            raise Forbidden("A credential can be given only scopes that its maker has.")
        try:
            with transaction.atomic():
                issued = issue_credential(
                    brand_id=self.principal.brand_id,
                    name=values["name"],
                    scopes=values["scopes"],
                    created_by=request.user if isinstance(request.user, User) else None,
                    expires_at=values.get("expires_at"),
                )
        except IntegrityError as error:
            raise ValidationFailed(fields=(NAME_TAKEN,)) from error
        after = {"name": issued.name, "scopes": list(issued.scopes)}
        record(
            self.principal,
            "credential.created",
            "api_credential",
            issued.id,
            after=after,
            request=request,
        )
        return Response(IssuedCredentialSerializer(issued).data, status=201)


class CredentialRevokeView(BrandAPIView):
    """End a credential for good."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.CREDENTIALS_MANAGE}

    @extend_schema(
        operation_id="revoke_api_credential",
        request=NothingSerializer,
        responses=CredentialSerializer,
    )
    def post(self, request: Request, credential_id: str) -> Response:
        """Revoke; doing it twice changes nothing."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        rows = ApiCredential.objects.filter(id=credential_id)
        revoked = rows.filter(revoked_at__isnull=True).update(revoked_at=Now())
        credential = rows.first()
        if credential is None:
            raise NotFound
        if revoked:
            record(
                self.principal,
                "credential.revoked",
                "api_credential",
                credential.id,
                request=request,
            )
        return Response(CredentialSerializer(credential).data)
