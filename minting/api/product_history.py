"""A product's past over HTTP: the versions of its passport, what differs, what it was called."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.api.products import product_named
from minting.catalogue.differences import Difference, Kind, differences
from minting.models import (
    IdentifierStatus,
    IdentifierType,
    PassportVersion,
    ProductIdentifier,
)
from minting.passport_schema import UnknownCategory, load
from tieback.api.fields import QuerySerializer
from tieback.api.listing import CreatedQuery, ListQuery, listed
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import FieldError, NotFound, ValidationFailed

_LARGEST_VERSION = 2**31 - 1


class PassportVersionSerializer(serializers.Serializer[Any]):
    """A version of a product's passport without its data: which, when and by whom."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    category = serializers.CharField()
    schema_version = serializers.IntegerField()
    actor = serializers.CharField(
        help_text="Who made it: `user:<id>`, `credential:<id>`, or empty where it is not known."
    )
    created_at = serializers.DateTimeField()


class PassportVersionDetailSerializer(PassportVersionSerializer):
    """A version of a product's passport."""

    dpp = serializers.DictField()


class DifferenceSerializer(serializers.Serializer[Any]):
    """One field that differs."""

    path = serializers.CharField(help_text="A JSON Pointer into the passport data.")
    field = serializers.CharField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    change = serializers.ChoiceField(choices=[kind.value for kind in Kind], source="kind")
    before = serializers.JSONField(allow_null=True, help_text="Null where the field was added.")
    after = serializers.JSONField(allow_null=True, help_text="Null where the field was removed.")

    def get_label(self, difference: Difference) -> str:
        """Return the field's name in the words of brand staff."""
        labels: dict[str, str] = self.context["labels"]
        return labels.get(difference.field, difference.field)


class VersionDifferencesSerializer(serializers.Serializer[Any]):
    """What differs between two versions of a product's passport."""

    product_id = serializers.UUIDField()
    from_version = PassportVersionSerializer()
    to_version = PassportVersionSerializer()
    category_changed = serializers.BooleanField()
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    changed = serializers.IntegerField()
    differences = DifferenceSerializer(many=True)


class ProductIdentifierSerializer(serializers.Serializer[Any]):
    """Something a product is or was called."""

    id = serializers.UUIDField()
    type = serializers.ChoiceField(choices=IdentifierType.choices)
    value = serializers.CharField()
    status = serializers.ChoiceField(choices=IdentifierStatus.choices)
    valid_from = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)
    reserved = serializers.BooleanField(
        source="minted",
        help_text="A retired GTIN that printed codes carry: no other product may take it.",
    )


class VersionQuery(CreatedQuery):
    """Which versions."""

    orderings = {"-number": ("-number",), "number": ("number",)}


class DifferenceQuery(QuerySerializer):
    """Which two versions to compare."""

    to = serializers.IntegerField(min_value=1, max_value=_LARGEST_VERSION)

    def get_fields(self) -> dict[str, Any]:
        """Add the parameter whose name is a word of Python's."""
        first = serializers.IntegerField(min_value=1, max_value=_LARGEST_VERSION)
        return {"from": first, **super().get_fields()}


class IdentifierQuery(ListQuery):
    """Which identifiers."""

    orderings = {
        "-valid_from": ("-valid_from", "-id"),
        "valid_from": ("valid_from", "id"),
    }
    filters = {"type": "type", "status": "status"}

    type = serializers.ChoiceField(choices=IdentifierType.choices, required=False)
    status = serializers.ChoiceField(choices=IdentifierStatus.choices, required=False)


class _ProductPartView(BrandAPIView):
    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.PRODUCTS_READ}


class ProductVersionListView(_ProductPartView):
    """The versions of a product's passport."""

    @extend_schema(
        operation_id="list_product_versions",
        parameters=[VersionQuery],
        responses=PassportVersionSerializer(many=True),
    )
    def get(self, request: Request, product_id: UUID) -> Response:
        """List the versions of a product's passport, newest first."""
        product = product_named(product_id)
        rows = PassportVersion.objects.filter(product=product).defer("dpp")
        return listed(
            VersionQuery, request.query_params, rows, PassportVersionSerializer, of=product.id
        )


class ProductVersionView(_ProductPartView):
    """One version of a product's passport."""

    @extend_schema(operation_id="get_product_version", responses=PassportVersionDetailSerializer)
    def get(self, request: Request, product_id: UUID, number: int) -> Response:
        """Return a product's passport as it stood in one version."""
        rows = PassportVersion.objects.filter(product=product_named(product_id))
        version = rows.filter(number=min(number, _LARGEST_VERSION)).first()
        if version is None:
            raise NotFound
        return Response(PassportVersionDetailSerializer(version).data)


class ProductVersionDifferencesView(_ProductPartView):
    """What two versions of a product's passport differ in."""

    @extend_schema(
        operation_id="compare_product_versions",
        parameters=[DifferenceQuery],
        responses=VersionDifferencesSerializer,
    )
    def get(self, request: Request, product_id: UUID) -> Response:
        """Compare two stored versions field by field; either may be the older one."""
        product = product_named(product_id)
        asked = DifferenceQuery.read(request.query_params)
        first, second = _versions(product.id, asked)
        found = list(differences(first.dpp, second.dpp))
        body = {
            "product_id": product.id,
            "from_version": first,
            "to_version": second,
            "category_changed": first.category != second.category,
            "differences": found,
            **{kind.value: sum(one.kind is kind for one in found) for kind in Kind},
        }
        context = {"labels": _labels(first.category) | _labels(second.category)}
        return Response(VersionDifferencesSerializer(body, context=context).data)


class ProductIdentifierListView(_ProductPartView):
    """What a product is and was called."""

    @extend_schema(
        operation_id="list_product_identifiers",
        parameters=[IdentifierQuery],
        responses=ProductIdentifierSerializer(many=True),
    )
    def get(self, request: Request, product_id: UUID) -> Response:
        """List a product's identifiers, present and retired, the latest first."""
        product = product_named(product_id)
        rows = ProductIdentifier.objects.filter(product=product)
        return listed(
            IdentifierQuery, request.query_params, rows, ProductIdentifierSerializer, of=product.id
        )


def _versions(product_id: UUID, asked: dict[str, int]) -> tuple[PassportVersion, PassportVersion]:
    rows = PassportVersion.objects.filter(product_id=product_id, number__in=asked.values())
    found = {version.number: version for version in rows}
    faults = [
        FieldError(name, "NOT_FOUND", f"The product's passport has no version {number}.")
        for name, number in asked.items()
        if number not in found
    ]
    if faults:
        raise ValidationFailed(fields=tuple(faults))
    return found[asked["from"]], found[asked["to"]]


def _labels(category: str) -> dict[str, str]:
    try:
        return {name: field.label for name, field in load(category).fields.items()}
    except UnknownCategory:
        return {}  # a version may be older than the present list of categories
