"""NFC tags over the API: putting them on units, and listing them."""

import re
from typing import Any, ClassVar

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.revocations import Act
from minting.serials import TOKEN_LENGTH
from resolver.digital_link import is_token
from resolver.models import Tag
from resolver.tag_registry import MOST_TAGS, register_tags
from tieback.api.fields import StrictBooleanField, StrictSerializer, StrictTextField
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.requests import request_id_of

UID_LENGTH = 14
_UID = re.compile(f"[0-9A-F]{{{UID_LENGTH}}}")


class TagOnUnitSerializer(StrictSerializer):
    """A tag by its UID, and the unit it sits on by its token."""

    uid = StrictTextField(max_length=UID_LENGTH, help_text="14 hexadecimal digits.")
    token = StrictTextField(max_length=TOKEN_LENGTH)

    def validate_uid(self, given: str) -> str:
        """Take hexadecimal digits in any case."""
        uid = given.upper()
        if not _UID.fullmatch(uid):
            message = f"A tag's UID has {UID_LENGTH} hexadecimal digits (seven bytes)."
            raise serializers.ValidationError(message, code="invalid_format")
        return uid

    def validate_token(self, given: str) -> str:
        """Take what has the shape of a token."""
        if not is_token(given):
            message = f"A unit's token has {TOKEN_LENGTH} capital letters and digits."
            raise serializers.ValidationError(message, code="invalid_format")
        return given


class RegisterTagsSerializer(StrictSerializer):
    """Which tags sit on which units."""

    tags = serializers.ListField(child=TagOnUnitSerializer(), min_length=1, max_length=MOST_TAGS)
    move = StrictBooleanField(
        required=False,
        default=False,
        help_text="Also those that sit on another unit; their counters go on.",
    )


class RegisteredTagsSerializer(serializers.Serializer[Any]):
    """How many tags are new, moved, or as they were."""

    registered = serializers.IntegerField()
    moved = serializers.IntegerField()
    unchanged = serializers.IntegerField()


class TagSerializer(serializers.Serializer[Any]):
    """A tag, its unit, and how often it was tapped."""

    uid = serializers.CharField()
    token = serializers.CharField(source="unit.token")
    mint_batch_id = serializers.UUIDField(source="unit.batch_id")
    last_counter = serializers.IntegerField(
        allow_null=True, help_text="Of the last tap that was taken; the next must be higher."
    )
    last_tap_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class TagQuery(CreatedQuery):
    """Which tags."""

    orderings = ordered_by("created_at")
    filters = {
        "uid": lambda uid: Q(uid=uid.upper()),
        "token": "unit__token",
        "batch": "unit__batch_id",
    }

    uid = serializers.CharField(required=False, max_length=UID_LENGTH)
    token = serializers.CharField(required=False, max_length=TOKEN_LENGTH)
    batch = serializers.UUIDField(required=False)


class TagListView(BrandAPIView):
    """NFC tags of the brand."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ, "POST": Scope.MINTS_WRITE}

    @extend_schema(
        operation_id="list_tags", parameters=[TagQuery], responses=TagSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """List tags, newest first."""
        rows = Tag.objects.select_related("unit")
        return listed(TagQuery, request.query_params, rows, TagSerializer)

    @extend_schema(
        operation_id="register_tags",
        request=RegisterTagsSerializer,
        responses=RegisteredTagsSerializer,
    )
    def post(self, request: Request) -> Response:
        """Put tags on units: all that are named or, with every fault, none.

        Naming a tag and its unit again changes nothing. A tag that sits on another unit is a fault
        unless ``move`` is true.
        """
        given = RegisterTagsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        done = register_tags(
            brand_id=self.principal.brand_id,
            tags=[(one["uid"], one["token"]) for one in given.validated_data["tags"]],
            move=given.validated_data["move"],
            act=Act(self.principal.actor, request_id=request_id_of(request)),
        )
        return Response(RegisteredTagsSerializer(done).data)
