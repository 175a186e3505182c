"""Changing passports after minting: a batch's history, a change of it, and what may be changed."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.models import MintBatch, PassportChange
from minting.passport_changes import Wanted, change_passport
from minting.passport_schema import CATEGORIES, load
from minting.revocations import Act
from tieback.api.fields import (
    QuerySerializer,
    StrictIntegerField,
    StrictSerializer,
    StrictTextField,
)
from tieback.api.listing import CreatedQuery, listed
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import NotFound
from tieback.requests import request_id_of

_LONGEST_REASON = 500
_LARGEST_VERSION = 2**31 - 1


class PassportChangeRequestSerializer(StrictSerializer):
    """What is to be shown, one way or the other, and why."""

    passport = serializers.DictField(
        required=False,
        allow_empty=False,
        help_text="Fields in place of those that are shown; null takes one away.",
    )
    passport_version = StrictIntegerField(
        required=False,
        min_value=1,
        max_value=_LARGEST_VERSION,
        help_text="The number of a newer version of the product's passport.",
    )
    reason = StrictTextField(
        max_length=_LONGEST_REASON, help_text="Shown to everybody, on the passports."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse both, and neither."""
        if ("passport" in attrs) == ("passport_version" in attrs):
            message = "Name either passport or passport_version."
            raise serializers.ValidationError({"passport": message}, code="invalid")
        return attrs


class PassportChangeSerializer(serializers.Serializer[Any]):
    """A change of what a batch's passports show."""

    number = serializers.IntegerField(help_text="Counts the changes of the batch.")
    from_version = serializers.IntegerField(source="from_version.number")
    to_version = serializers.IntegerField(source="to_version.number")
    fields = serializers.ListField(  # type: ignore[assignment]
        child=serializers.CharField(), help_text="The passport fields that differ."
    )
    reason = serializers.CharField()
    actor = serializers.CharField()
    created_at = serializers.DateTimeField()


class PassportFieldSerializer(serializers.Serializer[Any]):
    """A field of a category's passports."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    description = serializers.CharField()
    type = serializers.CharField(source="kind", help_text="The JSON type of its value.")
    requirement = serializers.CharField()
    lifecycle = serializers.CharField()
    access = serializers.CharField()
    mutable = serializers.BooleanField(
        source="is_mutable", help_text="Whether it may be changed after minting."
    )


class PassportFieldsSerializer(serializers.Serializer[Any]):
    """A category of passports: its schema and its fields, in reading order."""

    category = serializers.CharField()
    schema_id = serializers.CharField()
    schema_version = serializers.IntegerField()
    fields = PassportFieldSerializer(many=True)  # type: ignore[assignment]


class PassportChangeQuery(CreatedQuery):
    """Which changes."""

    orderings = {"-number": ("-number",), "number": ("number",)}


class MintBatchPassportChangesView(BrandAPIView):
    """What a batch's passports show, and showed before."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ, "POST": Scope.MINTS_WRITE}

    @extend_schema(
        operation_id="list_passport_changes",
        parameters=[PassportChangeQuery],
        responses=PassportChangeSerializer(many=True),
    )
    def get(self, request: Request, batch_id: UUID) -> Response:
        """List the changes of a batch's passports since it was minted, newest first."""
        if not MintBatch.objects.filter(id=batch_id).exists():
            raise NotFound
        rows = PassportChange.objects.filter(batch=batch_id)
        rows = rows.select_related("from_version", "to_version")
        rows = rows.defer("from_version__dpp", "to_version__dpp")
        return listed(
            PassportChangeQuery, request.query_params, rows, PassportChangeSerializer, of=batch_id
        )

    @extend_schema(
        operation_id="change_passport",
        request=PassportChangeRequestSerializer,
        responses={201: PassportChangeSerializer},
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        """Show other passport data on all units of a minted batch; the reason is shown with them.

        Only fields that are ``mutable`` (``get_passport_fields``) may differ: 422 lists every
        other one, and nothing is changed. The proof goes on naming the version that was minted
        with. Compressed NFTs of the units follow once the new metadata document is pinned.
        """
        given = PassportChangeRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        change = change_passport(
            batch_id=batch_id,
            wanted=Wanted(values.get("passport"), values.get("passport_version")),
            act=Act(self.principal.actor, values["reason"], request_id_of(request)),
        )
        return Response(PassportChangeSerializer(change).data, status=201)


class PassportFieldsQuery(QuerySerializer):
    """Of which category."""

    category = serializers.ChoiceField(choices=CATEGORIES)


class PassportFieldsView(BrandAPIView):
    """What a category's passports hold."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.PRODUCTS_READ}

    @extend_schema(
        operation_id="get_passport_fields",
        parameters=[PassportFieldsQuery],
        responses=PassportFieldsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return the fields of a category, and which of them may be changed after minting."""
        category = PassportFieldsQuery.read(request.query_params)["category"]
        schema = load(category)
        body = {
            "category": category,
            "schema_id": schema.id,
            "schema_version": schema.version,
            "fields": list(schema.fields.values()),
        }
        return Response(PassportFieldsSerializer(body).data)
