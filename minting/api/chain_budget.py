"""How much the brand may spend on chains in a day."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.chain.budgets import budget_of, set_budget
from tieback.api.fields import StrictIntegerField, StrictSerializer
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.requests import request_id_of

#: More SOL than there are.
_MOST_LAMPORTS = 10**18


class ChosenBudgetSerializer(StrictSerializer):
    """A cap for each day of UTC."""

    lamports_per_day = StrictIntegerField(
        min_value=0,
        max_value=_MOST_LAMPORTS,
        allow_null=True,
        help_text="Null for no cap. With 0 no asset or tree is made; anchors and certificates are.",
    )


class ChainBudgetSerializer(serializers.Serializer[Any]):
    """The cap, and how much of it is used, in lamports."""

    lamports_per_day = serializers.IntegerField(allow_null=True)
    spent_today = serializers.IntegerField(
        help_text="Paid since midnight in UTC, and still to be paid for what was asked for."
    )
    left_today = serializers.IntegerField(allow_null=True)
    resets_at = serializers.DateTimeField()
    holds_back = serializers.BooleanField(
        help_text="Whether the cap has kept something from being begun today."
    )


class ChainBudgetView(BrandAPIView):
    """The brand's cap of spending."""

    permissions: ClassVar[dict[str, Scope]] = {
        "GET": Scope.MINTS_READ,
        "PUT": Scope.SPENDING_MANAGE,
    }

    @extend_schema(operation_id="get_chain_budget", responses=ChainBudgetSerializer)
    def get(self, request: Request) -> Response:
        """Return the cap and what is left of it today."""
        return self._told()

    @extend_schema(
        operation_id="set_chain_budget",
        request=ChosenBudgetSerializer,
        responses=ChainBudgetSerializer,
    )
    def put(self, request: Request) -> Response:
        """Choose how much may be begun in a day from now on; what is begun is finished."""
        given = ChosenBudgetSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        chosen: dict[str, Any] = given.validated_data
        set_budget(self.principal, **chosen, request=request_id_of(request))
        return self._told()

    def _told(self) -> Response:
        return Response(ChainBudgetSerializer(budget_of(self.principal.brand_id)).data)
