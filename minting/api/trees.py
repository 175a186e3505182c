"""Trees over HTTP, which callers know as collections: listing them, having one made."""

from typing import Any, ClassVar
from uuid import UUID

import base58
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.api.catalogue_fields import LineField
from minting.chain.networks import NETWORKS
from minting.chain.trees.asking import Wish, ask_for_tree, usual
from minting.chain.trees.choosing import room_in
from minting.chain.trees.shapes import Shape, UnsoundShape, cheapest, shape_of_tree, sound
from minting.models import ChainTree
from minting.states import LeafSchema, TreeStatus
from tieback.api.fields import StrictIntegerField, StrictSerializer, StrictTextField
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import FieldError, NotFound, ValidationFailed

_LONGEST_NAME, _LONGEST_SYMBOL, _LONGEST_ADDRESS = 32, 10, 44
_ADDRESS_BYTES = 32
_DEEPEST = 30
_SHAPE = ("max_depth", "max_buffer_size", "canopy")


class AddressField(StrictTextField):
    """An address of Solana's: 32 bytes in base58."""

    def to_internal_value(self, data: object) -> str:
        """Return the address."""
        text = super().to_internal_value(data)
        try:
            is_address = len(base58.b58decode(text)) == _ADDRESS_BYTES
        except ValueError:
            is_address = False
        if not is_address:
            self.fail("invalid")
        return text


class NewTreeSerializer(StrictSerializer):
    """A tree to be made: named, and as large as one of these says; else as large as is usual here.

    Either ``capacity``, which gets the shape that costs least, or ``max_depth`` and what goes with
    it.
    """

    name = LineField(max_length=_LONGEST_NAME)
    symbol = LineField(max_length=_LONGEST_SYMBOL, required=False, default="")
    capacity = StrictIntegerField(
        required=False, min_value=1, max_value=1 << _DEEPEST, help_text="Assets it must hold."
    )
    max_depth = StrictIntegerField(required=False, min_value=1, max_value=_DEEPEST)
    max_buffer_size = StrictIntegerField(required=False, min_value=1, max_value=2048)
    canopy = StrictIntegerField(required=False, min_value=0, max_value=_DEEPEST)
    schema = serializers.ChoiceField(
        choices=LeafSchema.choices,
        required=False,
        default=LeafSchema.V1.value,
        help_text="Bubblegum's version: 2 costs a fee for each asset.",
    )
    core_collection = AddressField(
        required=False,
        default="",
        max_length=_LONGEST_ADDRESS,
        help_text="A collection of Metaplex Core, with schema 2.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Find the shape. What is not given is not guessed from what is."""
        given = [name for name in _SHAPE if name in attrs]
        if "capacity" in attrs and given:
            raise ValidationFailed(fields=(_fault(given[0], "AMBIGUOUS", "Or send no capacity."),))
        if given and "max_depth" not in attrs:
            raise ValidationFailed(fields=(_fault("max_depth", "REQUIRED", "How deep a tree?"),))
        if attrs["core_collection"] and attrs["schema"] != LeafSchema.V2:
            message = "Only trees of schema 2 belong to a collection of Metaplex Core."
            raise ValidationFailed(fields=(_fault("core_collection", "NOT_ALLOWED", message),))
        try:
            attrs["shape"] = _shape_of(attrs)
        except UnsoundShape as error:
            raise ValidationFailed(fields=(_fault(error.field, "INVALID", str(error)),)) from error
        return attrs


class TreeSerializer(serializers.ModelSerializer[ChainTree]):
    """A tree of compressed NFTs. Where it is is known once a worker has begun to make it."""

    merkle_tree_address = serializers.CharField(source="address", allow_null=True)
    tree_authority_address = serializers.CharField(source="authority_address", allow_null=True)
    submission_id = serializers.UUIDField(allow_null=True)
    remaining = serializers.SerializerMethodField(
        help_text="Assets there is room for: those on their way have theirs."
    )
    rent = serializers.SerializerMethodField(
        help_text="Lamports that making it takes, or has taken."
    )
    trouble = serializers.SerializerMethodField(
        help_text="What is wrong with it, or what it waits for."
    )

    class Meta:
        model = ChainTree
        fields = (
            "id",
            "name",
            "symbol",
            "merkle_tree_address",
            "tree_authority_address",
            "creator",
            "delegate",
            "schema",
            "max_depth",
            "max_buffer_size",
            "canopy",
            "max_supply",
            "current_supply",
            "reserved",
            "remaining",
            "blockchain",
            "network",
            "core_collection",
            "metadata",
            "rent",
            "status",
            "trouble",
            "submission_id",
            "created_at",
            "activated_at",
            "archived_at",
            "checked_at",
        )

    def get_remaining(self, tree: ChainTree) -> int:
        """Return the leaves that nobody has taken."""
        return room_in(tree)

    def get_rent(self, tree: ChainTree) -> int:
        """Return what it took; before that, what it will."""
        return shape_of_tree(tree).rent if tree.rent is None else tree.rent

    def get_trouble(self, tree: ChainTree) -> str:
        """Return its own trouble; else what keeps it from being made."""
        waits = tree.status == TreeStatus.CREATING and tree.submission is not None
        return tree.trouble or (tree.submission.last_error if waits and tree.submission else "")


class TreeQuery(CreatedQuery):
    """Which trees."""

    orderings = ordered_by("created_at")
    filters = {"status": "status", "network": "network"}

    status = serializers.ChoiceField(choices=TreeStatus.choices, required=False)
    network = serializers.ChoiceField(choices=list(NETWORKS), required=False)


class TreeListView(BrandAPIView):
    """The brand's trees."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.MINTS_READ,
        "POST": Scope.TREES_MANAGE,
    }

    @extend_schema(
        operation_id="list_collections",
        parameters=[TreeQuery],
        responses=TreeSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the brand's trees, newest first."""
        return listed(TreeQuery, request.query_params, _trees(), TreeSerializer)

    @extend_schema(
        operation_id="create_collection",
        request=NewTreeSerializer,
        responses={202: TreeSerializer},
    )
    def post(self, request: Request) -> Response:
        """Have a tree made; its rent is paid by this installation's payer.

        Nobody has to: trees are made as they are needed. ``get_collection`` shows how far it is.
        """
        given = NewTreeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        tree = ask_for_tree(self.principal, _wish_of(given.validated_data), request=request)
        return Response(TreeSerializer(_trees().get(pk=tree.pk)).data, status=202)


class TreeView(BrandAPIView):
    """One tree."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(operation_id="get_collection", responses=TreeSerializer)
    def get(self, request: Request, collection_id: UUID) -> Response:
        """Return a tree: how full it is, and what is wrong with it if anything is."""
        tree = _trees().filter(pk=collection_id).first()
        if tree is None:
            raise NotFound
        return Response(TreeSerializer(tree).data)


def _trees() -> QuerySet[ChainTree]:
    return ChainTree.objects.select_related("submission").defer("submission__payload")


def _wish_of(given: dict[str, Any]) -> Wish:
    return Wish(
        name=given["name"],
        shape=given["shape"],
        symbol=given["symbol"],
        schema=given["schema"],
        core_collection=given["core_collection"],
    )


def _shape_of(attrs: dict[str, Any]) -> Shape:
    if "capacity" in attrs:
        return cheapest(attrs["capacity"])
    if "max_depth" in attrs:
        return sound(attrs["max_depth"], attrs.get("max_buffer_size"), attrs.get("canopy"))
    return usual()


def _fault(field: str, code: str, message: str) -> FieldError:
    return FieldError(field, code, message)
