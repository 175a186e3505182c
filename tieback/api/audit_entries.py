"""The brand's audit trail, for its managers."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.models import AuditEntry
from tieback.brands.roles import Scope


class AuditEntrySerializer(serializers.Serializer[Any]):
    """Who did what to which object, and its state before and after."""

    id = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    actor = serializers.CharField()
    action = serializers.CharField()
    target_type = serializers.CharField()
    target_id = serializers.CharField()
    reason = serializers.CharField()
    before = serializers.DictField()
    after = serializers.DictField()
    request_id = serializers.CharField()


class AuditQuery(CreatedQuery):
    """Which entries."""

    orderings = ordered_by("created_at")
    filters = {
        "action": "action",
        "actor": "actor",
        "target_type": "target_type",
        "target_id": "target_id",
        "request_id": "request_id",
    }

    action = serializers.CharField(required=False, max_length=64)
    actor = serializers.CharField(
        required=False, max_length=254, help_text="user:<id>, credential:<id> or system:<what>"
    )
    target_type = serializers.CharField(required=False, max_length=64)
    target_id = serializers.CharField(required=False, max_length=64)
    request_id = serializers.CharField(required=False, max_length=128)


class AuditEntryListView(BrandAPIView):
    """What was done in the brand."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.AUDIT_READ}

    @extend_schema(
        operation_id="list_audit_entries",
        parameters=[AuditQuery],
        responses=AuditEntrySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List entries, newest first."""
        rows = AuditEntry.objects.all()
        return listed(AuditQuery, request.query_params, rows, AuditEntrySerializer)
