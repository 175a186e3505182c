"""What a brand keeps of its scans."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.passport_schema import CATEGORIES
from resolver.models.scans import LONGEST_RETENTION_DAYS
from resolver.policies import change_policy, policy_of
from tieback.api.fields import StrictIntegerField, StrictSerializer
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.requests import request_id_of


class ScanPolicySerializer(StrictSerializer):
    """How long scans are kept, and of which categories nothing but counts is."""

    retention_days = StrictIntegerField(
        min_value=1,
        max_value=LONGEST_RETENTION_DAYS,
        help_text="Scans are deleted after so many whole days; what was counted of them stays.",
    )
    aggregate_only = serializers.ListField(
        child=serializers.ChoiceField(choices=CATEGORIES),
        help_text="Passport categories of which scans are counted, and nothing else is kept.",
    )


class ScanPolicyView(BrandAPIView):
    """What the brand keeps of its scans."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.MINTS_READ,
        "PUT": Scope.SCANS_MANAGE,
    }

    @extend_schema(operation_id="get_scan_policy", responses=ScanPolicySerializer)
    def get(self, request: Request) -> Response:
        """Return what the brand has chosen, or the defaults."""
        return Response(ScanPolicySerializer(policy_of(self.principal.brand_id)).data)

    @extend_schema(
        operation_id="set_scan_policy",
        request=ScanPolicySerializer,
        responses=ScanPolicySerializer,
    )
    def put(self, request: Request) -> Response:
        """Choose what is kept of scans from now on."""
        given = ScanPolicySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        chosen: dict[str, Any] = given.validated_data
        policy = change_policy(self.principal, **chosen, request=request_id_of(request))
        return Response(ScanPolicySerializer(policy).data)
