"""Signals: what does not look right about a brand's scans."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.models import MintUnit
from resolver.models import ScanSignal
from resolver.signals import Rule
from tieback.api.listing import ListQuery, ordered_by
from tieback.api.views import BrandAPIView, enveloped
from tieback.brands.roles import Scope


class ScanSignalSerializer(serializers.Serializer[Any]):
    """A rule that fired about something on a day of UTC."""

    id = serializers.IntegerField()
    rule = serializers.ChoiceField(choices=Rule.choices)
    says = serializers.CharField(source="get_rule_display", help_text="The rule, in words.")
    day = serializers.DateField()
    subject = serializers.CharField(
        help_text="What it is about: a unit's token, a path that no item has, a network."
    )
    token = serializers.CharField(allow_null=True, help_text="The unit, if it is about one.")
    mint_batch_id = serializers.UUIDField(source="batch_id", allow_null=True)
    scans = serializers.IntegerField(help_text="How many scans of the day the rule fits.")
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    detail = serializers.DictField()


class SignalQuery(ListQuery):
    """Which signals."""

    orderings = ordered_by("last_at", "scans")
    filters = {
        "rule": "rule",
        "day_from": "day__gte",
        "day_to": "day__lte",
        "product": "batch__product_id",
        "batch": "batch_id",
    }

    rule = serializers.ChoiceField(choices=Rule.choices, required=False)
    day_from = serializers.DateField(required=False, help_text="This day or later.")
    day_to = serializers.DateField(required=False, help_text="This day or earlier.")
    product = serializers.UUIDField(required=False)
    batch = serializers.UUIDField(required=False)


class ScanSignalListView(BrandAPIView):
    """Signals of the brand."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="list_scan_signals",
        parameters=[SignalQuery],
        responses=ScanSignalSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List what does not look right, the latest first."""
        page, paging = SignalQuery.listing(request.query_params).page(ScanSignal.objects.all())
        named(page)
        return enveloped(ScanSignalSerializer(page, many=True).data, **paging)


def named(signals: list[Any]) -> None:
    """Give each signal its unit's token, and what it is about in words that people know."""
    units = {signal.unit_id for signal in signals if signal.unit_id is not None}
    tokens = dict(MintUnit.objects.filter(id__in=units).values_list("id", "token"))
    for signal in signals:
        signal.token = tokens.get(signal.unit_id)
        network = signal.detail.get("network")
        signal.subject = signal.token or network or signal.subject
