"""What a mint request would cost on a chain, before it is submitted."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.api.chain_costs import CongestionSerializer, told_of
from minting.chain.estimates import Estimate
from minting.chain.modes import available_modes
from minting.chain.offers import Offer, Room, offer
from minting.chain.prices import in_sol
from minting.models import Product
from minting.states import ChainMode, LeafSchema, Priority
from tieback.api.fields import StrictIntegerField, StrictSerializer, StrictUUIDField
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import FieldError, ValidationFailed

MOST_UNITS = 1_000_000_000


class CostRequestSerializer(StrictSerializer):
    """What would be asked for."""

    quantity = StrictIntegerField(min_value=1, max_value=MOST_UNITS)
    chain_mode = serializers.ChoiceField(
        choices=ChainMode.choices,
        required=False,
        help_text="All that may be asked for unless said.",
    )
    priority = serializers.ChoiceField(
        choices=[level.label for level in Priority],
        required=False,
        help_text="Of the mint request: it changes who comes first, and no cost.",
    )
    product_id = StrictUUIDField(
        required=False, help_text="Its metadata's address says how many assets fit a transaction."
    )
    schema = serializers.ChoiceField(
        choices=LeafSchema.choices,
        default=LeafSchema.V1.value,
        help_text="Of the trees of assets: each mint into one of version 2 costs a fee.",
    )


class AmountSerializer(serializers.Serializer[Any]):
    """An amount; one that is not exact rests on what the chain asks for, or what fits a packet."""

    lamports = serializers.IntegerField()
    sol = serializers.CharField(help_text="The same, a decimal number.")
    is_exact = serializers.BooleanField()


class EstimateSerializer(serializers.Serializer[Any]):
    """What a chain mode would cost."""

    chain_mode = serializers.ChoiceField(choices=ChainMode.choices)
    transactions = serializers.IntegerField()
    base = AmountSerializer(help_text="5,000 lamports for each signature.")
    priority = AmountSerializer(help_text="What is paid to be taken soon.")
    protocol_fee = AmountSerializer(help_text="Metaplex's, for each mint into trees of version 2.")
    rent = AmountSerializer(help_text="Held by accounts that would have to be made.")
    total = AmountSerializer()
    lamports_per_unit = serializers.FloatField()
    new_trees = serializers.IntegerField(help_text="That would have to be made first.")
    is_at_most = serializers.BooleanField(
        help_text="Units get assets one by one: it is what all of them would cost."
    )


class TreesSerializer(serializers.Serializer[Any]):
    """The brand's trees of that version, and what a new one would be."""

    schema = serializers.IntegerField()
    room = serializers.IntegerField(help_text="Assets that the brand's active trees have room for.")
    has_room = serializers.BooleanField()
    mints_per_transaction = serializers.IntegerField()
    new_tree_capacity = serializers.IntegerField()
    new_tree_lamports = serializers.IntegerField()
    share_lamports = serializers.IntegerField(
        help_text="Of a new tree's rent, what these units would bear."
    )


class CostEstimateSerializer(serializers.Serializer[Any]):
    """What a request would cost, by chain mode."""

    quantity = serializers.IntegerField()
    network = serializers.CharField(help_text="Empty where nothing is written to a chain.")
    congestion = CongestionSerializer(
        allow_null=True, help_text="Null before a worker has asked: priority is taken for nothing."
    )
    estimates = EstimateSerializer(many=True)
    trees = TreesSerializer(
        allow_null=True, help_text="Null where none of these modes makes assets."
    )


class CostEstimateView(BrandAPIView):
    """Costs of a request."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_READ}
    keeps_answers = False

    @extend_schema(
        operation_id="estimate_costs",
        request=CostRequestSerializer,
        responses=CostEstimateSerializer,
    )
    def post(self, request: Request) -> Response:
        """Tell what a request would cost; nothing is written, so it is safe to repeat."""
        given = CostRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = given.validated_data
        found = offer(
            self.principal.brand_id,
            quantity=values["quantity"],
            mode=_mode(values.get("chain_mode")),
            schema=values["schema"],
            product=_product(values.get("product_id")),
        )
        return Response(CostEstimateSerializer(_body(values["quantity"], found)).data)


def _mode(asked_for: str | None) -> ChainMode | None:
    available = available_modes()
    if asked_for is not None and asked_for not in available:
        message = f"This installation has: {', '.join(available)}."
        raise ValidationFailed(fields=(FieldError("chain_mode", "INVALID_CHOICE", message),))
    return ChainMode(asked_for) if asked_for else None


def _product(product_id: UUID | None) -> Product | None:
    if product_id is None:
        return None
    product = Product.objects.filter(pk=product_id).first()
    if product is None:
        message = "The brand has no such product."
        raise ValidationFailed(fields=(FieldError("product_id", "INVALID", message),))
    return product


def _body(quantity: int, found: Offer) -> dict[str, Any]:
    return {
        "quantity": quantity,
        "network": found.network or "",
        "congestion": told_of(found.price),
        "estimates": [_estimate(quantity, one) for one in found.estimates],
        "trees": found.room and _trees(quantity, found.schema, found.room),
    }


def _trees(quantity: int, schema: int, room: Room) -> dict[str, Any]:
    return {
        "schema": schema,
        "room": room.left,
        "has_room": room.has_room_for(quantity),
        "mints_per_transaction": room.mints_at_once,
        "new_tree_capacity": room.new_tree_leaves,
        "new_tree_lamports": room.new_tree_rent,
        "share_lamports": room.share_of(quantity),
    }


def _estimate(quantity: int, one: Estimate) -> dict[str, Any]:
    parts = {
        part.value: _amount(lamports, is_exact=part not in one.estimated)
        for part, lamports in one.amounts.items()
    }
    return {
        "chain_mode": one.mode,
        "transactions": one.transactions,
        **parts,
        "total": _amount(one.total, is_exact=not one.estimated),
        "lamports_per_unit": one.total / quantity,
        "new_trees": one.new_trees,
        "is_at_most": one.is_at_most,
    }


def _amount(lamports: int, *, is_exact: bool) -> dict[str, Any]:
    return {"lamports": lamports, "sol": in_sol(lamports), "is_exact": is_exact}
