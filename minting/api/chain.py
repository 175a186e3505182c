"""Reading what was written to a chain: a batch's submissions, one transaction by its signature."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.chain.networks import NETWORKS, explorer_url
from minting.models import ChainSubmission, ChainTransaction, MintBatch
from minting.states import SubmissionKind, SubmissionStatus
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import NotFound


class ChainTransactionSerializer(serializers.ModelSerializer[ChainTransaction]):
    """A signed transaction and what it has cost, in lamports, once it is finalized."""

    mint_batch_id = serializers.UUIDField(source="batch_id")
    submission_id = serializers.UUIDField()
    explorer_url = serializers.SerializerMethodField()

    class Meta:
        model = ChainTransaction
        fields = (
            "signature",
            "submission_id",
            "mint_batch_id",
            "kind",
            "blockchain",
            "network",
            "payer",
            "attempt",
            "status",
            "slot",
            "fee",
            "priority_fee",
            "spent_besides",
            "compute_units",
            "mint_count",
            "error",
            "explorer_url",
            "created_at",
            "confirmed_at",
            "settled_at",
        )

    def get_explorer_url(self, transaction: ChainTransaction) -> str | None:
        """Return where anyone can look at it; none for chains that no explorer reaches."""
        if transaction.network not in NETWORKS:
            return None
        return explorer_url(transaction.network, transaction.signature)


class ChainSubmissionSerializer(serializers.ModelSerializer[ChainSubmission]):
    """Something that happens on a chain once, with the transactions that tried, the latest last."""

    mint_batch_id = serializers.UUIDField(source="batch_id")
    priority = serializers.CharField(source="get_priority_display")
    transactions = ChainTransactionSerializer(many=True)

    class Meta:
        model = ChainSubmission
        fields = (
            "id",
            "mint_batch_id",
            "kind",
            "blockchain",
            "network",
            "payload",
            "priority",
            "status",
            "attempts",
            "consecutive_errors",
            "last_error",
            "next_attempt_at",
            "created_at",
            "completed_at",
            "transactions",
        )


class SubmissionQuery(CreatedQuery):
    """Which submissions."""

    orderings = ordered_by("created_at")
    filters = {"status": "status", "kind": "kind"}

    status = serializers.ChoiceField(choices=SubmissionStatus.choices, required=False)
    kind = serializers.ChoiceField(choices=SubmissionKind.choices, required=False)


class MintBatchSubmissionsView(BrandAPIView):
    """What is written to a chain for a batch."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="list_mint_batch_submissions",
        parameters=[SubmissionQuery],
        responses=ChainSubmissionSerializer(many=True),
    )
    def get(self, request: Request, batch_id: UUID) -> Response:
        """List what is to happen on a chain for a batch, newest first."""
        if not MintBatch.objects.filter(id=batch_id).exists():
            raise NotFound
        attempts = Prefetch("transactions", ChainTransaction.objects.order_by("attempt"))
        rows = ChainSubmission.objects.filter(batch=batch_id).prefetch_related(attempts)
        return listed(SubmissionQuery, request.query_params, rows, ChainSubmissionSerializer)


class ChainTransactionView(BrandAPIView):
    """One transaction."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(operation_id="get_chain_transaction", responses=ChainTransactionSerializer)
    def get(self, request: Request, signature: str) -> Response:
        """Return a transaction by its signature, in base58."""
        found: Any = ChainTransaction.objects.filter(signature=signature).first()
        if found is None:
            raise NotFound
        return Response(ChainTransactionSerializer(found).data)
