"""A product's metadata documents over HTTP: what is pinned, what was, and making one now."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.api.products import product_named
from minting.metadata.addresses import gateway_url, ipfs_uri
from minting.metadata.asking import ask_for
from minting.metadata.composing import base_of
from minting.metadata.giving import uri_of
from minting.models import MetadataDocument
from minting.states import MetadataStatus
from tieback.api.fields import StrictIntegerField, StrictSerializer, StrictTextField
from tieback.api.listing import CreatedQuery, listed
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope

_LONGEST_REASON = 500
_LARGEST_VERSION = 2**31 - 1


class MetadataRequestSerializer(StrictSerializer):
    """Which passport version's document to make, and why."""

    reason = StrictTextField(max_length=_LONGEST_REASON)
    passport_version = StrictIntegerField(
        required=False,
        min_value=1,
        max_value=_LARGEST_VERSION,
        help_text="The number of the version; the present one where it is left out.",
    )


class MetadataDocumentSerializer(serializers.Serializer[Any]):
    """A metadata document: where it stands, what names it, where it is found.

    What names it is null until it is composed, which is when it is first tried to be pinned, and
    where nothing is found yet, nothing is told.
    """

    id = serializers.UUIDField()
    product_id = serializers.UUIDField()
    passport_version = serializers.IntegerField(source="passport_version.number")
    number = serializers.IntegerField(help_text="Counts the documents of the product.")
    status = serializers.ChoiceField(choices=MetadataStatus.choices)
    cid = serializers.CharField(allow_null=True)
    size = serializers.IntegerField(allow_null=True, help_text="Bytes.")
    sha256 = serializers.CharField()
    uri = serializers.SerializerMethodField(help_text="The short address, for a chain.")
    ipfs_uri = serializers.SerializerMethodField()
    gateway_url = serializers.SerializerMethodField()
    driver = serializers.CharField(help_text="Where it is pinned; empty before.")
    replaces = serializers.IntegerField(
        source="replaces.number", allow_null=True, default=None, help_text="A number as above."
    )
    replaced_by = serializers.IntegerField(
        source="replaced_by.number", allow_null=True, default=None, help_text="A number as above."
    )
    reason = serializers.CharField()
    actor = serializers.CharField(help_text="Who asked for it; empty where a mint did.")
    consecutive_errors = serializers.IntegerField()
    last_error = serializers.CharField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    pinned_at = serializers.DateTimeField(allow_null=True)

    def get_uri(self, document: MetadataDocument) -> str | None:
        """Return the address on the brand's present host."""
        base = base_of(document.brand)
        return uri_of(document, base) if base and document.short_id else None

    def get_ipfs_uri(self, document: MetadataDocument) -> str | None:
        """Return the address that needs no host."""
        return ipfs_uri(document.cid) if document.cid else None

    def get_gateway_url(self, document: MetadataDocument) -> str | None:
        """Return where it can be read once it is pinned: a gateway, or the brand's host."""
        gateway = settings.IPFS_GATEWAY_URL or base_of(document.brand)
        return gateway_url(gateway, document.cid) if document.cid and gateway else None


class MetadataQuery(CreatedQuery):
    """Which documents."""

    orderings = {"-number": ("-number",), "number": ("number",)}
    filters = {"status": "status"}

    status = serializers.ChoiceField(choices=MetadataStatus.choices, required=False)


class ProductMetadataView(BrandAPIView):
    """The metadata documents of a product."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.PRODUCTS_READ,
        "POST": Scope.PRODUCTS_WRITE,
    }

    @extend_schema(
        operation_id="list_product_metadata",
        parameters=[MetadataQuery],
        responses=MetadataDocumentSerializer(many=True),
    )
    def get(self, request: Request, product_id: UUID) -> Response:
        """List a product's metadata documents, newest first: what is pinned, and what was."""
        product = product_named(product_id)
        rows = _shown().filter(product=product)
        return listed(
            MetadataQuery, request.query_params, rows, MetadataDocumentSerializer, of=product.id
        )

    @extend_schema(
        operation_id="make_product_metadata",
        request=MetadataRequestSerializer,
        responses={200: MetadataDocumentSerializer, 202: MetadataDocumentSerializer},
    )
    def post(self, request: Request, product_id: UUID) -> Response:
        """Make the document as product, brand and passport are now; it replaces the one before.

        Answers 202 while it waits to be pinned: ``list_product_metadata`` shows how far it is. 200
        where the pinned one says the same already.
        """
        given = MetadataRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        document = ask_for(
            self.principal,
            product_id,
            number=given.validated_data.get("passport_version"),
            reason=given.validated_data["reason"],
            request=request,
        )
        waits = document.status == MetadataStatus.PENDING
        shown = MetadataDocumentSerializer(_shown().get(pk=document.pk)).data
        return Response(shown, status=202 if waits else 200)


def _shown() -> Any:
    rows = MetadataDocument.objects.defer("content", "passport_version__dpp")
    return rows.select_related("brand", "passport_version", "replaces", "replaced_by")
