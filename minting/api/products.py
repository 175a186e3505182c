"""Products over HTTP: list, create, read, change, and what a product still lacks for minting."""

from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.api.catalogue_fields import LineField
from minting.catalogue.assessments import is_ready
from minting.catalogue.matching import same_text
from minting.catalogue.products import create_product, update_product
from minting.catalogue.values import LONGEST_MPN, LONGEST_NAME, LONGEST_SKU
from minting.gtin import InvalidGtin, normalise
from minting.models import Product
from minting.readiness import CATEGORIES, Answer, assess
from minting.states import CommercialStatus
from tieback.api.fields import (
    QueryBooleanField,
    StrictIntegerField,
    StrictSerializer,
    StrictTextField,
)
from tieback.api.listing import CreatedQuery, FilterQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import NotFound

_LONGEST_GTIN = 30  # with the blanks and hyphens people write
_LONGEST_SEARCH = 100
_FEWEST_DIGITS = 4  # every GTIN holds a 0
_LARGEST_VERSION = 2**31 - 1


class ProductSerializer(serializers.Serializer[Any]):
    """A product without its passport data; ``ready`` says whether these suffice for minting."""

    id = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField()
    gtin = serializers.CharField(allow_null=True)
    mpn = serializers.CharField(allow_null=True)
    category = serializers.ChoiceField(choices=CATEGORIES)
    commercial_status = serializers.ChoiceField(choices=CommercialStatus.choices)
    dpp_version = serializers.IntegerField()
    ready = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_ready(self, product: Product) -> bool:
        """Say whether no passport field is missing."""
        return is_ready(product)


class ProductDetailSerializer(ProductSerializer):
    """A product with its passport data."""

    dpp = serializers.DictField()


class NewProductSerializer(StrictSerializer):
    """A new product. ``dpp`` may be incomplete; what is given must have the right shape."""

    sku = LineField(max_length=LONGEST_SKU)
    name = LineField(max_length=LONGEST_NAME)
    gtin = StrictTextField(
        max_length=_LONGEST_GTIN,
        required=False,
        allow_null=True,
        help_text="8, 12, 13 or 14 digits; kept as 14.",
    )
    mpn = LineField(
        max_length=LONGEST_MPN,
        required=False,
        allow_null=True,
        help_text="The manufacturer's part number; products may share one.",
    )
    category = serializers.ChoiceField(choices=CATEGORIES)
    commercial_status = serializers.ChoiceField(
        choices=CommercialStatus.choices, required=False, default=CommercialStatus.DRAFT.value
    )
    dpp = serializers.DictField(required=False, default=dict)


class ProductChangeSerializer(StrictSerializer):
    """The fields to change; the others stay.

    ``dpp`` replaces all passport data: send every field that is to stay. With ``dpp_version``, the
    version the change starts from, a change that somebody else made in between is not overwritten.
    """

    sku = LineField(max_length=LONGEST_SKU, required=False)
    name = LineField(max_length=LONGEST_NAME, required=False)
    gtin = StrictTextField(max_length=_LONGEST_GTIN, required=False, allow_null=True)
    mpn = LineField(max_length=LONGEST_MPN, required=False, allow_null=True)
    category = serializers.ChoiceField(choices=CATEGORIES, required=False)
    commercial_status = serializers.ChoiceField(choices=CommercialStatus.choices, required=False)
    dpp = serializers.DictField(required=False)
    dpp_version = StrictIntegerField(min_value=1, max_value=_LARGEST_VERSION, required=False)


class FieldAnswerSerializer(serializers.Serializer[Any]):
    """The answer for one passport field."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    answer = serializers.ChoiceField(choices=[answer.value for answer in Answer])
    problem = serializers.CharField(help_text="What to do about it; empty if nothing.")


class ReadinessSerializer(serializers.Serializer[Any]):
    """Whether a product's passport data suffice for minting, field by field."""

    product_id = serializers.UUIDField()
    category = serializers.CharField()
    dpp_version = serializers.IntegerField()
    schema_id = serializers.CharField()
    schema_version = serializers.IntegerField()
    ready = serializers.BooleanField()
    missing = serializers.ListField(child=serializers.CharField())
    fields = FieldAnswerSerializer(many=True)  # type: ignore[assignment]


def _containing(text: str) -> Q:
    found = Q(name__icontains=text) | Q(sku__icontains=text)
    if text.isdigit() and len(text) >= _FEWEST_DIGITS:
        found |= Q(gtin__contains=text)
    return found


class ProductFilters(FilterQuery):
    """Which products, wherever they are listed or counted."""

    filters = {"category": "category", "commercial_status": "commercial_status"}

    category = serializers.ChoiceField(choices=CATEGORIES, required=False)
    commercial_status = serializers.ChoiceField(choices=CommercialStatus.choices, required=False)


class ProductQuery(ProductFilters, CreatedQuery):
    """Which products."""

    orderings = ordered_by("created_at", "updated_at", "sku", "name")
    filters = {
        "sku": partial(same_text, "sku"),
        "gtin": "gtin",
        "mpn": partial(same_text, "mpn"),
        "ready": "readiness__ready",
        "q": _containing,
        "updated_after": "updated_at__gte",
        "updated_before": "updated_at__lt",
    }

    sku = serializers.CharField(
        required=False, max_length=LONGEST_SKU, help_text="Exact, whatever the case."
    )
    gtin = serializers.CharField(required=False, max_length=_LONGEST_GTIN)
    mpn = serializers.CharField(
        required=False, max_length=LONGEST_MPN, help_text="Exact, whatever the case."
    )
    ready = QueryBooleanField(
        required=False, help_text="Whether the passport data suffice for minting."
    )
    q = serializers.CharField(
        required=False,
        max_length=_LONGEST_SEARCH,
        help_text="Part of the name or SKU, or four digits or more of the GTIN.",
    )
    updated_after = serializers.DateTimeField(required=False, help_text="This moment or later.")
    updated_before = serializers.DateTimeField(required=False, help_text="Before this moment.")

    def validate_gtin(self, value: str) -> str:
        """Return the 14 digits."""
        try:
            return normalise(value)
        except InvalidGtin as error:
            raise serializers.ValidationError(str(error), code="gtin_invalid") from error


class ProductListView(BrandAPIView):
    """The brand's products."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.PRODUCTS_READ,
        "POST": Scope.PRODUCTS_WRITE,
    }

    @extend_schema(
        operation_id="list_products",
        parameters=[ProductQuery],
        responses=ProductSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List products, newest first if nothing else is said."""
        rows = Product.objects.select_related("readiness")
        return listed(ProductQuery, request.query_params, rows, ProductSerializer)

    @extend_schema(
        operation_id="create_product",
        request=NewProductSerializer,
        responses={201: ProductDetailSerializer},
    )
    def post(self, request: Request) -> Response:
        """Create a product."""
        given = NewProductSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        product = create_product(self.principal, given.validated_data, request=request)
        return Response(ProductDetailSerializer(product).data, status=201)


class ProductDetailView(BrandAPIView):
    """One product. It is discontinued, never deleted: its codes are in the world."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.PRODUCTS_READ,
        "PATCH": Scope.PRODUCTS_WRITE,
    }

    @extend_schema(operation_id="get_product", responses=ProductDetailSerializer)
    def get(self, request: Request, product_id: UUID) -> Response:
        """Return a product with its passport data."""
        return Response(ProductDetailSerializer(product_named(product_id)).data)

    @extend_schema(
        operation_id="update_product",
        request=ProductChangeSerializer,
        responses=ProductDetailSerializer,
    )
    def patch(self, request: Request, product_id: UUID) -> Response:
        """Change a product; other passport data or another category makes a new version."""
        given = ProductChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        expected = values.pop("dpp_version", None)
        product = update_product(
            self.principal, product_id, values, expected_version=expected, request=request
        )
        return Response(ProductDetailSerializer(product).data)


class ProductReadinessView(BrandAPIView):
    """What a product still lacks for minting."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.PRODUCTS_READ}

    @extend_schema(operation_id="get_product_readiness", responses=ReadinessSerializer)
    def get(self, request: Request, product_id: UUID) -> Response:
        """Answer every field of the product's passport; only ``missing`` ones block a mint."""
        product = product_named(product_id)
        readiness = assess(product.category, product.dpp)
        body = {
            "product_id": product.id,
            "category": product.category,
            "dpp_version": product.dpp_version,
            "schema_id": readiness.schema_id,
            "schema_version": readiness.schema_version,
            "ready": readiness.ready,
            "missing": [answer.name for answer in readiness.missing],
            "fields": readiness.fields,
        }
        return Response(ReadinessSerializer(body).data)


def product_named(product_id: UUID) -> Product:
    """Return a product of the brand, or answer 404."""
    product = Product.objects.select_related("readiness").filter(id=product_id).first()
    if product is None:
        raise NotFound
    return product
