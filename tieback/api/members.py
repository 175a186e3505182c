"""Members of a brand: list, change a role, remove."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tieback.api.fields import NothingSerializer, StrictSerializer
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.members import change_role, remove
from tieback.brands.models import Membership
from tieback.brands.roles import Role, Scope
from tieback.errors import NotFound


class MemberSerializer(serializers.Serializer[Any]):
    """A person and their role in this brand."""

    id = serializers.UUIDField()
    user_id = serializers.IntegerField()
    email = serializers.CharField(source="user.email")
    full_name = serializers.CharField(source="user.full_name")
    role = serializers.ChoiceField(choices=Role.choices)
    created_at = serializers.DateTimeField()


class NewRoleSerializer(StrictSerializer):
    """A member's new role."""

    role = serializers.ChoiceField(choices=Role.choices)


class MemberQuery(CreatedQuery):
    """Which members."""

    orderings = ordered_by("created_at", "role")
    filters = {"role": "role", "email": "user__email__iexact"}

    role = serializers.ChoiceField(choices=Role.choices, required=False)
    email = serializers.CharField(
        required=False, max_length=254, help_text="The whole address, in any case."
    )


def _member(member_id: UUID) -> Membership:
    member = Membership.objects.select_related("user").filter(pk=member_id).first()
    if member is None:
        raise NotFound
    return member


class MemberListView(BrandAPIView):
    """People of the brand."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MEMBERS_READ}

    @extend_schema(
        operation_id="list_members",
        parameters=[MemberQuery],
        responses=MemberSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List members, newest first."""
        rows = Membership.objects.select_related("user")
        return listed(MemberQuery, request.query_params, rows, MemberSerializer)


class MemberView(BrandAPIView):
    """One member."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.MEMBERS_READ,
        "PATCH": Scope.MEMBERS_MANAGE,
        "DELETE": Scope.MEMBERS_MANAGE,
    }

    @extend_schema(operation_id="get_member", responses=MemberSerializer)
    def get(self, request: Request, member_id: UUID) -> Response:
        """Return a member."""
        return Response(MemberSerializer(_member(member_id)).data)

    @extend_schema(
        operation_id="update_member", request=NewRoleSerializer, responses=MemberSerializer
    )
    def patch(self, request: Request, member_id: UUID) -> Response:
        """Give a member another role.

        Only an owner makes or unmakes an owner, the last owner stays one, and nobody raises
        themself.
        """
        given = NewRoleSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        if "role" in given.validated_data:
            role = Role(given.validated_data["role"])
            member = change_role(self.principal, member_id, role, request=request)
        else:
            member = _member(member_id)
        return Response(MemberSerializer(member).data)

    @extend_schema(operation_id="remove_member", request=None, responses={204: None})
    def delete(self, request: Request, member_id: UUID) -> Response:
        """Remove a member, whose access to the brand ends at once; never the last owner."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        remove(self.principal, member_id, request=request)
        return Response(status=204)
