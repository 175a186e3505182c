"""Production batches over HTTP: the runs an ERP plans, and what may still be minted of each."""

from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.api.catalogue_fields import LineField
from minting.catalogue.matching import same_text
from minting.catalogue.production_batches import (
    create_production_batch,
    update_production_batch,
)
from minting.catalogue.values import LARGEST_QUANTITY, LONGEST_REF, LONGEST_SKU
from minting.models import ProductionBatch
from minting.remaining import remaining_quantities
from minting.states import ProductionBatchStatus
from tieback.api.fields import StrictIntegerField, StrictSerializer, StrictUUIDField
from tieback.api.listing import CreatedQuery, ordered_by
from tieback.api.views import BrandAPIView, enveloped
from tieback.brands.roles import Scope
from tieback.errors import NotFound


class ProductionBatchSerializer(serializers.Serializer[Any]):
    """A production batch; a ``quantity`` of null sets no limit, nor does its remainder."""

    id = serializers.UUIDField()
    external_ref = serializers.CharField()
    product_id = serializers.UUIDField()
    sku = serializers.CharField(source="product.sku")
    status = serializers.ChoiceField(choices=ProductionBatchStatus.choices)
    quantity = serializers.IntegerField(allow_null=True)
    remaining_quantity = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ProductionBatchChangeSerializer(StrictSerializer):
    """The fields to change; the others stay. Name the product by ``sku`` or by ``product_id``."""

    external_ref = LineField(max_length=LONGEST_REF, required=False)
    sku = LineField(max_length=LONGEST_SKU, required=False)
    product_id = StrictUUIDField(required=False)
    status = serializers.ChoiceField(choices=ProductionBatchStatus.choices, required=False)
    quantity = StrictIntegerField(
        min_value=1, max_value=LARGEST_QUANTITY, required=False, allow_null=True
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse two ways of naming the product at once."""
        if "sku" in attrs and "product_id" in attrs:
            raise serializers.ValidationError(
                {"sku": serializers.ErrorDetail("Send sku or product_id, not both.", "ambiguous")}
            )
        return attrs


class NewProductionBatchSerializer(ProductionBatchChangeSerializer):
    """A new production batch of the product named by ``sku`` or ``product_id``."""

    external_ref = LineField(max_length=LONGEST_REF)
    status = serializers.ChoiceField(
        choices=ProductionBatchStatus.choices,
        required=False,
        default=ProductionBatchStatus.PLANNED.value,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require one way of naming the product."""
        if not attrs.keys() & {"sku", "product_id"}:
            raise serializers.ValidationError(
                {"sku": serializers.ErrorDetail("Send sku or product_id.", "required")}
            )
        return super().validate(attrs)


class ProductionBatchQuery(CreatedQuery):
    """Which production batches."""

    orderings = ordered_by("created_at", "updated_at", "external_ref")
    filters = {
        "external_ref": partial(same_text, "external_ref"),
        "sku": partial(same_text, "product__sku"),
        "product": "product_id",
        "status": "status",
        "quantity_from": "quantity__gte",
        "quantity_to": "quantity__lte",
        "updated_after": "updated_at__gte",
        "updated_before": "updated_at__lt",
    }

    external_ref = serializers.CharField(
        required=False, max_length=LONGEST_REF, help_text="Exact, whatever the case."
    )
    sku = serializers.CharField(required=False, max_length=LONGEST_SKU)
    product = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=ProductionBatchStatus.choices, required=False)
    quantity_from = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_QUANTITY,
        help_text="This quantity or more; a batch without one is left out.",
    )
    quantity_to = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_QUANTITY,
        help_text="This quantity or less; a batch without one is left out.",
    )
    updated_after = serializers.DateTimeField(required=False, help_text="This moment or later.")
    updated_before = serializers.DateTimeField(required=False, help_text="Before this moment.")


class ProductionBatchListView(BrandAPIView):
    """The brand's production batches."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.PRODUCTS_READ,
        "POST": Scope.PRODUCTS_WRITE,
    }

    @extend_schema(
        operation_id="list_production_batches",
        parameters=[ProductionBatchQuery],
        responses=ProductionBatchSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List production batches, newest first."""
        rows = ProductionBatch.objects.select_related("product")
        page, meta = ProductionBatchQuery.listing(request.query_params).page(rows)
        return enveloped(_shown(page), **meta)

    @extend_schema(
        operation_id="create_production_batch",
        request=NewProductionBatchSerializer,
        responses={201: ProductionBatchSerializer},
    )
    def post(self, request: Request) -> Response:
        """Create a production batch."""
        given = NewProductionBatchSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        batch = create_production_batch(self.principal, given.validated_data, request=request)
        return Response(_shown([batch])[0], status=201)


class ProductionBatchDetailView(BrandAPIView):
    """One production batch. It is closed or cancelled, never deleted."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.PRODUCTS_READ,
        "PATCH": Scope.PRODUCTS_WRITE,
    }

    @extend_schema(operation_id="get_production_batch", responses=ProductionBatchSerializer)
    def get(self, request: Request, production_batch_id: UUID) -> Response:
        """Return a production batch."""
        rows = ProductionBatch.objects.select_related("product")
        batch = rows.filter(id=production_batch_id).first()
        if batch is None:
            raise NotFound
        return Response(_shown([batch])[0])

    @extend_schema(
        operation_id="update_production_batch",
        request=ProductionBatchChangeSerializer,
        responses=ProductionBatchSerializer,
    )
    def patch(self, request: Request, production_batch_id: UUID) -> Response:
        """Change a production batch; what codes were made for is settled (409)."""
        given = ProductionBatchChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        batch = update_production_batch(
            self.principal, production_batch_id, given.validated_data, request=request
        )
        return Response(_shown([batch])[0])


def _shown(batches: Iterable[ProductionBatch]) -> list[dict[str, Any]]:
    """Return the rows as answered, with what is left of all of them in one query."""
    rows = list(batches)
    remaining = remaining_quantities([row.id for row in rows])
    for row in rows:
        row.remaining_quantity = remaining[row.id]  # type: ignore[attr-defined]
    return [dict(row) for row in ProductionBatchSerializer(rows, many=True).data]
