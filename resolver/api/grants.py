"""Grants of access to passports: list, issue, read, revoke."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.disclosure import Access
from resolver.grants import Wanted, issue_grant, revoke_grant
from resolver.models import LONGEST_GRANT, USUAL_GRANT, AccessGrant
from tieback.api.fields import (
    NothingSerializer,
    ShownOnceField,
    StrictSerializer,
    StrictTextField,
    StrictUUIDField,
)
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import FieldError, NotFound, ValidationFailed

#: What the states of a grant mean for its row.
STATES: dict[str, Callable[[], Q]] = {
    "active": lambda: Q(revoked_at=None, expires_at__gt=Now()),
    "expired": lambda: Q(revoked_at=None, expires_at__lte=Now()),
    "revoked": lambda: Q(revoked_at__isnull=False),
}
_GRANTED = [(each.value, each.label) for each in Access if each is not Access.PUBLIC]


class AccessGrantSerializer(serializers.Serializer[Any]):
    """A grant without its secret; for the whole brand where it names no product and no batch."""

    id = serializers.UUIDField()
    access = serializers.ChoiceField(choices=_GRANTED)
    holder = serializers.CharField()
    product_id = serializers.UUIDField(allow_null=True)
    mint_batch_id = serializers.UUIDField(source="batch_id", allow_null=True)
    state = serializers.SerializerMethodField()
    granted_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)

    def get_state(self, grant: AccessGrant) -> str:
        """Return ``active``, ``expired`` or ``revoked``."""
        if grant.revoked_at:
            return "revoked"
        return "active" if grant.expires_at > timezone.now() else "expired"


class IssuedAccessGrantSerializer(AccessGrantSerializer):
    """A grant with its secret, which is shown this once: pass it on to the holder."""

    secret = ShownOnceField()


class NewAccessGrantSerializer(StrictSerializer):
    """What to open, to whom and until when."""

    access = serializers.ChoiceField(choices=_GRANTED)
    holder = StrictTextField(max_length=200, help_text="Who is given the secret.")
    product_id = StrictUUIDField(required=False, help_text="Its passports only.")
    mint_batch_id = StrictUUIDField(required=False, help_text="Its passports only.")
    expires_at = serializers.DateTimeField(
        required=False,
        help_text=f"Default: in {USUAL_GRANT.days} days. At most: in {LONGEST_GRANT.days}.",
    )

    def validate_expires_at(self, value: Any) -> Any:
        """Refuse a moment that has passed, or that is far off."""
        now = timezone.now()
        if not now < value <= now + LONGEST_GRANT:
            raise serializers.ValidationError(
                f"Must be in the future, and within {LONGEST_GRANT.days} days."
            )
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a grant that names a product and a batch: a batch has one product."""
        if "product_id" in attrs and "mint_batch_id" in attrs:
            message = "Leave this out beside product_id."
            raise ValidationFailed(fields=(FieldError("mint_batch_id", "NOT_ALLOWED", message),))
        return attrs


class AccessGrantQuery(CreatedQuery):
    """Which grants."""

    orderings = ordered_by("created_at")
    filters = {
        "state": lambda state: STATES[state](),
        "access": "access",
        "product": "product_id",
        "batch": "batch_id",
    }

    state = serializers.ChoiceField(choices=list(STATES), required=False)
    access = serializers.ChoiceField(choices=_GRANTED, required=False)
    product = serializers.UUIDField(required=False)
    batch = serializers.UUIDField(required=False)


class AccessGrantListView(BrandAPIView):
    """The brand's grants."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.GRANTS_MANAGE,
        "POST": Scope.GRANTS_MANAGE,
    }

    @extend_schema(
        operation_id="list_access_grants",
        parameters=[AccessGrantQuery],
        responses=AccessGrantSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List grants, newest first."""
        rows = AccessGrant.objects.all()
        return listed(AccessGrantQuery, request.query_params, rows, AccessGrantSerializer)

    @extend_schema(
        operation_id="issue_access_grant",
        request=NewAccessGrantSerializer,
        responses={201: IssuedAccessGrantSerializer},
    )
    def post(self, request: Request) -> Response:
        """Issue a grant and show its secret, once."""
        given = NewAccessGrantSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        wanted = Wanted(
            access=Access(values["access"]),
            holder=values["holder"],
            expires_at=values.get("expires_at") or timezone.now() + USUAL_GRANT,
            product=values.get("product_id"),
            batch=values.get("mint_batch_id"),
        )
        grant, secret = issue_grant(self.principal, wanted, request=request)
        return Response({**AccessGrantSerializer(grant).data, "secret": secret}, status=201)


class AccessGrantView(BrandAPIView):
    """One grant."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.GRANTS_MANAGE}

    @extend_schema(operation_id="get_access_grant", responses=AccessGrantSerializer)
    def get(self, request: Request, grant_id: UUID) -> Response:
        """Return a grant."""
        grant = AccessGrant.objects.filter(id=grant_id).first()
        if grant is None:
            raise NotFound
        return Response(AccessGrantSerializer(grant).data)


class AccessGrantRevokeView(BrandAPIView):
    """The end of a grant."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.GRANTS_MANAGE}

    @extend_schema(
        operation_id="revoke_access_grant",
        request=NothingSerializer,
        responses=AccessGrantSerializer,
    )
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Revoke for good; doing it twice changes nothing."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        grant = revoke_grant(self.principal, grant_id, request=request)
        return Response(AccessGrantSerializer(grant).data)
