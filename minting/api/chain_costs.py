"""What writing to chains has cost a brand, and how its chains do."""

from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.chain import costs
from minting.chain.costs import Asked, GroupBy
from minting.chain.kept_prices import KeptPrice, last_prices
from minting.chain.prices import Congestion, in_sol
from tieback.api.spans import SpanQuery
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope


class ChainFiguresQuery(SpanQuery):
    """Which transactions, by when they were signed."""

    network = serializers.CharField(required=False, max_length=32)


def _asked(values: dict[str, Any]) -> Asked:
    return Asked(values["from"], values["to"], values.get("batch"), values.get("network"))


class ChainCostQuery(ChainFiguresQuery):
    """Which costs, and by what they are told."""

    batch = serializers.UUIDField(required=False)
    group_by = serializers.ChoiceField(
        choices=[one.value for one in GroupBy], default=GroupBy.DAY.value
    )


class CostSerializer(serializers.Serializer[Any]):
    """What some transactions have cost, in lamports."""

    transactions = serializers.IntegerField()
    finalized = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="Landed in vain; their fees were paid.")
    expired = serializers.IntegerField(help_text="Never landed, and cost nothing.")
    under_way = serializers.IntegerField(help_text="Their cost is not known yet.")
    retries = serializers.IntegerField(help_text="Of all, those that were not a first attempt.")
    mints = serializers.IntegerField()
    units = serializers.IntegerField(help_text="Of the batches that were written for, each once.")
    base_fee = serializers.IntegerField()
    priority_fee = serializers.IntegerField()
    spent_besides = serializers.IntegerField(help_text="Rent of accounts, and programs' own fees.")
    lamports = serializers.IntegerField(help_text="All of it, the failed ones' included.")
    failed_lamports = serializers.IntegerField(help_text="Of it, what was paid in vain.")
    sol = serializers.SerializerMethodField()
    lamports_per_unit = serializers.FloatField(allow_null=True)

    def get_sol(self, told: dict[str, Any]) -> str:
        """Return the lamports in SOL, exactly."""
        return in_sol(told["lamports"])


class CostGroupSerializer(CostSerializer):
    """The same of one day, batch, mode or kind."""

    key = serializers.CharField(
        allow_null=True,
        help_text="The day of UTC, the batch's id, its chain mode, or the kind of submission; "
        "null for what belongs to no batch.",
    )


class ChainCostsSerializer(serializers.Serializer[Any]):
    """What was written from one moment to another, in total and by group."""

    to = serializers.DateTimeField()
    group_by = serializers.CharField()
    total = CostSerializer()
    groups = CostGroupSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        """Add the field whose name is a word of Python's."""
        return {"from": serializers.DateTimeField(), **super().get_fields()}


class ChainCostsView(BrandAPIView):
    """Costs of chains."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="get_chain_costs", parameters=[ChainCostQuery], responses=ChainCostsSerializer
    )
    def get(self, request: Request) -> Response:
        """Return what the brand's transactions have cost, from the transactions themselves."""
        values = ChainCostQuery.read(request.query_params)
        asked = _asked(values)
        body = {
            "from": asked.start,
            "to": asked.end,
            "group_by": values["group_by"],
            "total": costs.totals(asked),
            "groups": costs.grouped(asked, GroupBy(values["group_by"])),
        }
        return Response(ChainCostsSerializer(body).data)


class CongestionSerializer(serializers.Serializer[Any]):
    """How hard it is to be taken by a network, as a worker was last told."""

    level = serializers.ChoiceField(choices=[one.value for one in Congestion])
    reason = serializers.CharField()
    micro_lamports = serializers.IntegerField(help_text="For each compute unit.")
    measured_at = serializers.DateTimeField()
    is_stale = serializers.BooleanField(
        help_text="Whether it is older than five minutes and says nothing of now."
    )


def told_of(kept: KeptPrice | None) -> dict[str, Any] | None:
    """Return a network's congestion as it is answered; None where nobody has asked yet."""
    if kept is None:
        return None
    return {
        "level": kept.price.congestion.value,
        "reason": kept.price.reason,
        "micro_lamports": kept.price.micro_lamports,
        "measured_at": kept.measured_at,
        "is_stale": kept.is_stale,
    }


class KindFiguresSerializer(serializers.Serializer[Any]):
    """What was done on a network by submissions of one kind."""

    kind = serializers.CharField()
    transactions = serializers.IntegerField()
    finalized = serializers.IntegerField()
    failed = serializers.IntegerField()
    expired = serializers.IntegerField()
    under_way = serializers.IntegerField()
    mints = serializers.IntegerField()
    lamports = serializers.IntegerField()
    median_seconds_to_finality = serializers.FloatField(
        allow_null=True, help_text="From the signature to when a worker saw it final."
    )


class ChainFiguresSerializer(KindFiguresSerializer):
    """The same of a whole network, and how it stands now."""

    kind = None  # type: ignore[assignment]
    blockchain = serializers.CharField()
    network = serializers.CharField()
    by_kind = KindFiguresSerializer(many=True)
    congestion = CongestionSerializer(allow_null=True)


class ChainsSerializer(serializers.Serializer[Any]):
    """The brand's networks."""

    to = serializers.DateTimeField()
    chains = ChainFiguresSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        """Add the field whose name is a word of Python's."""
        return {"from": serializers.DateTimeField(), **super().get_fields()}


class ChainFiguresView(BrandAPIView):
    """How the brand's chains do."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="get_chain_figures", parameters=[ChainFiguresQuery], responses=ChainsSerializer
    )
    def get(self, request: Request) -> Response:
        """Return what became of the brand's transactions by network, and its congestion now."""
        asked = _asked(ChainFiguresQuery.read(request.query_params))
        prices = last_prices()
        chains = [
            {**told, "congestion": told_of(prices.get(told["network"]))}
            for told in costs.by_chain(asked, always=asked.network or settings.SOLANA_NETWORK)
        ]
        body = {"from": asked.start, "to": asked.end, "chains": chains}
        return Response(ChainsSerializer(body).data)
