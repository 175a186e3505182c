"""The figures of a brand's scans."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from resolver import scan_figures
from resolver.scan_figures import DAY, HOUR, Asked
from resolver.traffic import TrafficClass
from tieback.api.spans import SpanQuery
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import FieldError, ValidationFailed

#: Hours are shown one by one for so long at most: a longer span is read by the day.
LONGEST_HOURLY = timedelta(days=35)


class ScanKpiQuery(SpanQuery):
    """Which scans, in full hours, and how fine a series."""

    product = serializers.UUIDField(required=False)
    batch = serializers.UUIDField(required=False)
    interval = serializers.ChoiceField(choices=("hour", "day"), default="day")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Fill the span in, and refuse one that is too long for its series."""
        filled = super().validate(attrs)
        if filled["interval"] == "hour" and filled["to"] - filled["from"] > LONGEST_HOURLY:
            message = f"Hours are told for {LONGEST_HOURLY.days} days at most: ask by the day."
            raise ValidationFailed(fields=(FieldError("interval", "OUT_OF_RANGE", message),))
        return filled

    def beginning(self, moment: datetime) -> datetime:
        """Return the beginning of the moment's hour."""
        return moment.replace(minute=0, second=0, microsecond=0)

    def ending(self, moment: datetime) -> datetime:
        """Return the moment where it is a full hour, else the end of its hour."""
        full = self.beginning(moment)
        return full if full == moment else full + HOUR


class CountrySerializer(serializers.Serializer[Any]):
    """People's scans from a country."""

    country = serializers.CharField(
        allow_null=True, help_text="ISO 3166-1 alpha-2; null where it is not known."
    )
    scans = serializers.IntegerField()


class StepSerializer(serializers.Serializer[Any]):
    """People's scans of an hour or a day of UTC."""

    at = serializers.DateTimeField(help_text="Its beginning.")
    scans = serializers.IntegerField()
    first_scans = serializers.IntegerField()


class VisitorsSerializer(serializers.Serializer[Any]):
    """How many people scanned on a day of UTC."""

    day = serializers.DateField()
    visitors = serializers.IntegerField()


class TopProductSerializer(serializers.Serializer[Any]):
    """A product and people's scans of it."""

    product_id = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField()
    scans = serializers.IntegerField()


class ByClassSerializer(serializers.Serializer[Any]):
    """Scans by class of traffic."""

    def get_fields(self) -> dict[str, Any]:
        """Return one field a class."""
        return {known.name.lower(): serializers.IntegerField() for known in TrafficClass}


class ScanKpiSerializer(serializers.Serializer[Any]):
    """The figures of scans from one full hour to another."""

    to = serializers.DateTimeField()
    scans = serializers.IntegerField(help_text="People's.")
    first_scans = serializers.IntegerField()
    scans_by_class = ByClassSerializer()
    visitors = VisitorsSerializer(
        many=True,
        allow_null=True,
        help_text="People by whole day; they cannot be added up. Null for a batch.",
    )
    by_country = CountrySerializer(many=True)
    series = StepSerializer(many=True)
    top_products = TopProductSerializer(many=True)
    as_of = serializers.DateTimeField(
        allow_null=True, help_text="Up to when scans are counted; null before the first count."
    )

    def get_fields(self) -> dict[str, Any]:
        """Add the field whose name is a word of Python's."""
        return {"from": serializers.DateTimeField(), **super().get_fields()}


class ScanKpiView(BrandAPIView):
    """Figures of scans."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="get_scan_kpis", parameters=[ScanKpiQuery], responses=ScanKpiSerializer
    )
    def get(self, request: Request) -> Response:
        """Return the figures of scans, as far as they are counted; never from the scans."""
        values = ScanKpiQuery.read(request.query_params)
        asked = Asked(values["from"], values["to"], values.get("product"), values.get("batch"))
        scans, first_scans = scan_figures.by_class(asked)
        body = {
            "from": asked.start,
            "to": asked.end,
            "scans": scans[TrafficClass.PERSON.name.lower()],
            "first_scans": first_scans,
            "scans_by_class": scans,
            "visitors": scan_figures.visitors(asked),
            "by_country": scan_figures.by_country(asked),
            "series": scan_figures.series(asked, HOUR if values["interval"] == "hour" else DAY),
            "top_products": scan_figures.top_products(asked),
            "as_of": scan_figures.counted_as_of(),
        }
        return Response(ScanKpiSerializer(body).data)
