"""CSV imports over HTTP: a file of products or of production batches, with a dry run."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.catalogue.product_import import import_products
from minting.catalogue.production_batch_import import import_production_batches
from minting.catalogue.report import Outcome
from tieback.api.fields import QuerySerializer
from tieback.api.uploads import CSV_PARSERS, CSV_REQUEST, refuse_large_upload, uploaded_csv
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope


class ImportQuery(QuerySerializer):
    """Whether to write."""

    dry_run = serializers.BooleanField(
        required=False, default=False, help_text="Report what would happen and write nothing."
    )


class CellFaultSerializer(serializers.Serializer[Any]):
    """What is wrong in one column of a row."""

    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()
    detail = serializers.DictField(required=False)


class RowSerializer(serializers.Serializer[Any]):
    """What became of one row."""

    line = serializers.IntegerField(help_text="The line the row begins on; the header is line 1.")
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in Outcome])
    errors = CellFaultSerializer(many=True)  # type: ignore[assignment]


class ProductRowSerializer(RowSerializer):
    """What became of one product."""

    sku = serializers.CharField()


class ProductionBatchRowSerializer(RowSerializer):
    """What became of one production batch."""

    external_ref = serializers.CharField()


class ImportReportSerializer(serializers.Serializer[Any]):
    """The outcome of every row, in the order of the file.

    Of the rows in error the first 1,000 are listed and ``errors_omitted`` counts the rest.
    """

    dry_run = serializers.BooleanField()
    total = serializers.IntegerField()
    inserted = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]
    errors_omitted = serializers.IntegerField()


class ProductImportReportSerializer(ImportReportSerializer):
    """What an import of products did."""

    rows = ProductRowSerializer(many=True)


class ProductionBatchImportReportSerializer(ImportReportSerializer):
    """What an import of production batches did."""

    rows = ProductionBatchRowSerializer(many=True)


class ImportView(BrandAPIView):
    """Take a CSV file; rows in error write nothing, the others are written together."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.PRODUCTS_WRITE}
    parser_classes = CSV_PARSERS

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a file that is too large before anything reads it."""
        refuse_large_upload(request)
        super().initial(request, *args, **kwargs)


class ProductImportView(ImportView):
    """Import products."""

    @extend_schema(
        operation_id="import_products",
        request=CSV_REQUEST,
        parameters=[ImportQuery],
        responses=ProductImportReportSerializer,
    )
    def post(self, request: Request) -> Response:
        """Insert and update products by SKU.

        Columns: sku, name, category (required), gtin, mpn, commercial_status, dpp (a JSON object
        that replaces all passport data) and dpp.<field> (sets one field). An empty cell leaves
        what is stored as it is. Importing the same file again changes nothing.
        """
        query = ImportQuery.read(request.query_params)
        report = import_products(
            self.principal, uploaded_csv(request), dry_run=query["dry_run"], request=request
        )
        return Response(report.as_dict("sku"))


class ProductionBatchImportView(ImportView):
    """Import production batches."""

    @extend_schema(
        operation_id="import_production_batches",
        request=CSV_REQUEST,
        parameters=[ImportQuery],
        responses=ProductionBatchImportReportSerializer,
    )
    def post(self, request: Request) -> Response:
        """Insert and update production batches by external reference.

        Columns: external_ref, sku (required), status, quantity. An empty cell leaves what is
        stored as it is. Importing the same file again changes nothing.
        """
        query = ImportQuery.read(request.query_params)
        report = import_production_batches(
            self.principal, uploaded_csv(request), dry_run=query["dry_run"], request=request
        )
        return Response(report.as_dict("external_ref"))
