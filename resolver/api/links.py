"""Links over HTTP: where a brand's codes lead beside the passport here."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.response import Response

from minting.api.catalogue_fields import LineField
from minting.catalogue.values import InvalidValue
from resolver.link_changes import create_link, delete_link, update_link
from resolver.link_types import STORED_LINK_TYPES, stored_link_type
from resolver.link_values import (
    HTML,
    LONGEST_LANGUAGE,
    LONGEST_MEDIA_TYPE,
    LONGEST_TARGET,
    LONGEST_TITLE,
    language_tag,
    media_type_of,
    target_template,
)
from resolver.models import Link
from tieback.api.fields import (
    NothingSerializer,
    QueryBooleanField,
    StrictSerializer,
    StrictTextField,
    StrictUUIDField,
)
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import NotFound

_LONGEST_LINK_TYPE = 80


class RuledField(StrictTextField):
    """Text that a rule puts into its one form, or refuses."""

    def __init__(self, rule: Callable[[str], str], **kwargs: Any) -> None:
        self._rule = rule
        super().__init__(**kwargs)

    def run_validation(self, data: Any = empty) -> Any:
        """Ask the rule about blank text too, which the framework takes for done."""
        value = super().run_validation(data)
        return self._rule("") if value == "" else value

    def to_internal_value(self, data: Any) -> str:
        """Return the text as it is kept."""
        text = super().to_internal_value(data)
        try:
            return self._rule(text)
        except InvalidValue as error:
            raise serializers.ValidationError(error.message, code=error.code) from error


def _link_type(*, required: bool) -> RuledField:
    words = "One of the GS1 Web Vocabulary, as `gs1:pip`."
    return RuledField(
        stored_link_type, max_length=_LONGEST_LINK_TYPE, required=required, help_text=words
    )


def _target(*, required: bool) -> RuledField:
    words = "An http or https URL; `{gtin}`, `{lot}`, `{serial}`, `{token}` are filled in."
    return RuledField(
        target_template, max_length=LONGEST_TARGET, required=required, help_text=words
    )


class StrictBooleanField(serializers.BooleanField):
    """``true`` or ``false``; text and numbers are not taken for it."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the truth value."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class LinkSerializer(serializers.Serializer[Any]):
    """A link; a ``product_id`` of null stands for all of the brand's products."""

    id = serializers.UUIDField()
    product_id = serializers.UUIDField(allow_null=True)
    link_type = serializers.CharField()
    target = serializers.CharField()
    title = serializers.CharField()
    language = serializers.CharField(allow_blank=True)
    media_type = serializers.CharField()
    is_default = serializers.BooleanField()
    active_from = serializers.DateTimeField(allow_null=True)
    active_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class LinkChangeSerializer(StrictSerializer):
    """The fields to change; the others stay. A link stays with its product."""

    link_type = _link_type(required=False)
    target = _target(required=False)
    title = LineField(max_length=LONGEST_TITLE, required=False)
    language = RuledField(
        language_tag,
        max_length=LONGEST_LANGUAGE,
        required=False,
        allow_blank=True,
        help_text="Of the target, as BCP 47 has it; empty for any.",
    )
    media_type = RuledField(
        media_type_of,
        max_length=LONGEST_MEDIA_TYPE,
        required=False,
        allow_blank=True,
        help_text=f"Of the target; empty for {HTML}.",
    )
    is_default = StrictBooleanField(
        required=False, help_text="Whether codes lead here when nothing else is asked for."
    )
    active_from = serializers.DateTimeField(required=False, allow_null=True)
    active_until = serializers.DateTimeField(required=False, allow_null=True)


class NewLinkSerializer(LinkChangeSerializer):
    """A new link of a product, or without ``product_id`` of all of the brand's products."""

    product_id = StrictUUIDField(required=False, allow_null=True)
    link_type = _link_type(required=True)
    target = _target(required=True)
    title = LineField(max_length=LONGEST_TITLE)


def _for_all_products(chosen: bool) -> Q:  # noqa: FBT001 - a filter's value
    return Q(product__isnull=chosen)


class LinkQuery(CreatedQuery):
    """Which links."""

    orderings = ordered_by("created_at", "updated_at")
    filters = {
        "product": "product_id",
        "for_all_products": _for_all_products,
        "link_type": "link_type",
        "language": "language",
        "is_default": "is_default",
    }

    product = serializers.UUIDField(required=False)
    for_all_products = QueryBooleanField(
        required=False, help_text="Whether they stand for all of the brand's products."
    )
    link_type = serializers.ChoiceField(choices=STORED_LINK_TYPES, required=False)
    language = RuledField(
        language_tag,
        max_length=LONGEST_LANGUAGE,
        required=False,
        allow_blank=True,
        help_text="Exactly this; empty for links in any language.",
    )
    is_default = QueryBooleanField(required=False)


class LinkListView(BrandAPIView):
    """The brand's links."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.PRODUCTS_READ,
        "POST": Scope.PRODUCTS_WRITE,
    }

    @extend_schema(
        operation_id="list_links", parameters=[LinkQuery], responses=LinkSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """List links, newest first if nothing else is said."""
        return listed(LinkQuery, request.query_params, Link.objects.all(), LinkSerializer)

    @extend_schema(
        operation_id="create_link", request=NewLinkSerializer, responses={201: LinkSerializer}
    )
    def post(self, request: Request) -> Response:
        """Create a link; codes offer it some seconds later."""
        given = NewLinkSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        link = create_link(self.principal, given.validated_data, request=request)
        return Response(LinkSerializer(link).data, status=201)


class LinkDetailView(BrandAPIView):
    """One link."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.PRODUCTS_READ,
        "PATCH": Scope.PRODUCTS_WRITE,
        "DELETE": Scope.PRODUCTS_WRITE,
    }

    @extend_schema(operation_id="get_link", responses=LinkSerializer)
    def get(self, request: Request, link_id: UUID) -> Response:
        """Return a link."""
        link = Link.objects.filter(id=link_id).first()
        if link is None:
            raise NotFound
        return Response(LinkSerializer(link).data)

    @extend_schema(
        operation_id="update_link", request=LinkChangeSerializer, responses=LinkSerializer
    )
    def patch(self, request: Request, link_id: UUID) -> Response:
        """Change a link; codes follow some seconds later."""
        given = LinkChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        link = update_link(self.principal, link_id, given.validated_data, request=request)
        return Response(LinkSerializer(link).data)

    @extend_schema(operation_id="delete_link", request=None, responses={204: None})
    def delete(self, request: Request, link_id: UUID) -> Response:
        """Delete a link; codes offer it some seconds longer."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        delete_link(self.principal, link_id, request=request)
        return Response(status=204)
