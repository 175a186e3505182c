"""What happened to one unit, for the staff of its brand."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.models import MintUnit
from minting.states import UnitStatus
from resolver.models import ScanAgent, ScanEvent
from resolver.traffic import TrafficClass
from tieback.api.listing import ListQuery
from tieback.api.views import BrandAPIView, enveloped
from tieback.brands.roles import Scope
from tieback.errors import NotFound


class UnitScanSerializer(serializers.Serializer[Any]):
    """One scan of the unit. Nothing in it tells who scanned."""

    id = serializers.IntegerField()
    scanned_at = serializers.DateTimeField()
    traffic = serializers.ChoiceField(choices=[known.name.lower() for known in TrafficClass])
    is_first = serializers.BooleanField(help_text="The scan that made the unit active.")
    status = serializers.ChoiceField(
        choices=[known.label for known in UnitStatus],
        allow_null=True,
        help_text="The unit's status when it was scanned.",
    )
    country = serializers.CharField(allow_null=True, help_text="ISO 3166-1 alpha-2.")
    network = serializers.CharField(
        allow_null=True, help_text="The address cut to 24 bits, or 48 of IPv6."
    )
    agent = serializers.CharField(
        allow_null=True, help_text="The program, without versions, models and languages."
    )


class UnitTimelineSerializer(serializers.Serializer[Any]):
    """A unit's life, and a page of its scans, newest first."""

    token = serializers.CharField()
    serial = serializers.SerializerMethodField()
    mint_batch_id = serializers.UUIDField(source="batch_id")
    product_id = serializers.UUIDField()
    status = serializers.CharField(source="get_status_display")
    minted_at = serializers.DateTimeField(source="created_at")
    activated_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    revocation_id = serializers.UUIDField(allow_null=True)
    revocation_reason = serializers.CharField(
        source="revocation.reason", allow_null=True, default=None
    )
    scans = UnitScanSerializer(many=True)

    def get_serial(self, unit: MintUnit) -> str:
        """Return the serial as shown: the token where none is stored."""
        return unit.serial or unit.token


class TimelineQuery(ListQuery):
    """Which page of a unit's scans."""

    orderings = {
        "-scanned_at": ("-scanned_at", "-id"),
        "scanned_at": ("scanned_at", "id"),
    }


class UnitTimelineView(BrandAPIView):
    """What happened to one unit."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="get_unit_timeline",
        parameters=[TimelineQuery],
        responses=UnitTimelineSerializer,
    )
    def get(self, request: Request, token: str) -> Response:
        """Return when a unit was minted, activated and revoked, and its scans by the page."""
        asked = TimelineQuery.listing(request.query_params)
        unit = MintUnit.objects.select_related("revocation").filter(token=token).first()
        if unit is None:
            raise NotFound
        page, paging = asked.page(ScanEvent.objects.filter(unit_id=unit.pk), of=unit.pk)
        unit.scans = _shown(page)  # type: ignore[attr-defined]
        return enveloped(UnitTimelineSerializer(unit).data, **paging)


def _shown(page: list[ScanEvent]) -> list[dict[str, Any]]:
    agents: dict[int | None, str] = dict(
        ScanAgent.objects.filter(id__in={event.agent_id for event in page}).values_list(
            "id", "text"
        )
    )
    return [
        {
            "id": event.pk,
            "scanned_at": event.scanned_at,
            "traffic": TrafficClass(event.traffic).name.lower(),
            "is_first": event.is_first,
            "status": None if event.status is None else UnitStatus(event.status).label,
            "country": event.country or None,
            "network": event.network or None,
            "agent": agents.get(event.agent_id),
        }
        for event in page
    ]
