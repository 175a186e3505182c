"""The readiness of a whole catalogue over HTTP: figures, what products lack, and a CSV of it."""

from typing import Any, ClassVar

from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.api.products import ProductFilters, ProductSerializer
from minting.catalogue.readiness_report import label_of, lacking, lacking_as_csv, readiness_report
from minting.models import Product
from minting.readiness import Answer
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope

FILENAME = "not-ready-products.csv"


class AnswersSerializer(serializers.Serializer[Any]):
    """How many passport fields got each answer."""

    def get_fields(self) -> dict[str, Any]:
        """Return a count for each answer."""
        return {answer.value: serializers.IntegerField() for answer in Answer}


class CategoryReadinessSerializer(serializers.Serializer[Any]):
    """The products of one category."""

    category = serializers.CharField()
    products = serializers.IntegerField()
    ready = serializers.IntegerField()
    not_ready = serializers.IntegerField()
    answers = AnswersSerializer()


class MissingFieldSerializer(serializers.Serializer[Any]):
    """A passport field, and how many products of a category lack it."""

    category = serializers.CharField()
    field = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    products = serializers.IntegerField()


class ReadinessReportSerializer(serializers.Serializer[Any]):
    """How ready a catalogue is for minting."""

    products = serializers.IntegerField()
    ready = serializers.IntegerField()
    not_ready = serializers.IntegerField()
    outdated = serializers.IntegerField(
        help_text="Products whose passport or schema changed since they were assessed."
    )
    by_category = CategoryReadinessSerializer(many=True)
    most_missing = MissingFieldSerializer(many=True)
    as_of = serializers.DateTimeField()


class LackedFieldSerializer(serializers.Serializer[Any]):
    """A passport field that a product lacks."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class LackingProductSerializer(ProductSerializer):
    """A product that is not ready, and what it lacks."""

    missing = serializers.SerializerMethodField()

    def get_ready(self, product: Product) -> bool:
        """Tell what the report says of it."""
        return bool(product.readiness.ready)

    def get_missing(self, product: Product) -> list[dict[str, str]]:
        """Return the fields that keep it from being minted."""
        names: list[str] = product.readiness.missing_fields
        shown = ({"name": n, "label": label_of(product.category, n)} for n in names)
        return [dict(LackedFieldSerializer(field).data) for field in shown]


class LackingQuery(ProductFilters, CreatedQuery):
    """Which of the products that are not ready."""

    orderings = ordered_by("created_at", "updated_at", "sku", "name")


class _ReportView(BrandAPIView):
    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.PRODUCTS_READ}


class ReadinessReportView(_ReportView):
    """The figures of the whole catalogue."""

    @extend_schema(
        operation_id="get_readiness_report",
        parameters=[ProductFilters],
        responses=ReadinessReportSerializer,
    )
    def get(self, request: Request) -> Response:
        """Count ready products and answers by category, and what is missing most often."""
        condition = ProductFilters.condition(ProductFilters.read(request.query_params))
        report = readiness_report(condition)
        body = {
            "products": report.total("products"),
            "ready": report.total("ready"),
            "not_ready": report.total("not_ready"),
            "outdated": report.outdated,
            "by_category": report.categories,
            "most_missing": report.most_missing,
            "as_of": timezone.now(),
        }
        return Response(ReadinessReportSerializer(body).data)


class LackingProductListView(_ReportView):
    """The products that are not ready."""

    @extend_schema(
        operation_id="list_products_not_ready",
        parameters=[LackingQuery],
        responses=LackingProductSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the products that are not ready, each with the fields it lacks."""
        rows = lacking(Product.objects.all())
        return listed(LackingQuery, request.query_params, rows, LackingProductSerializer)


class LackingProductFileView(_ReportView):
    """The products that are not ready, as a file."""

    def perform_content_negotiation(
        self,
        request: Request,
        force: bool = False,  # noqa: FBT001, FBT002 - the framework's
    ) -> Any:
        """Take any ``Accept``: the answer is CSV, a refusal JSON."""
        del force
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        operation_id="download_products_not_ready",
        parameters=[ProductFilters],
        responses={(200, "text/csv"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> FileResponse:
        """Download all products that are not ready with the fields they lack, by SKU."""
        condition = ProductFilters.condition(ProductFilters.read(request.query_params))
        return FileResponse(
            lacking_as_csv(condition),
            as_attachment=True,
            filename=FILENAME,
            content_type="text/csv; charset=utf-8",
        )
