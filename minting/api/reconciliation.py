"""Reconciliation over HTTP: a brand's reports, what was found of its rows, asking for a run."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.chain.reconciliation.asking import ask_for
from minting.models import ChainDrift, ReconciliationRun
from minting.states import DriftDirection, DriftKind, DriftStatus, RunScope, RunStatus
from tieback.api.fields import StrictBooleanField, StrictSerializer
from tieback.api.listing import CreatedQuery, ListQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import NotFound


class RunRequestSerializer(StrictSerializer):
    """What to look at, and whether to put right what may be put right."""

    scope = serializers.ChoiceField(choices=RunScope.choices, default=RunScope.ALL)
    read_only = StrictBooleanField(  # type: ignore[assignment]
        default=False, help_text="Find and report; put nothing right and close nothing."
    )


class ReconciliationReportSerializer(serializers.ModelSerializer[ReconciliationRun]):
    """A run and what it has found so far.

    Issues and mismatches are what it was the first to find; ``known`` was found before and is there
    still. ``details`` names the first hundred findings, ``list_reconciliation_drifts`` all.
    """

    report_type = serializers.CharField(source="type")
    details = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))

    class Meta:
        model = ReconciliationRun
        fields = (
            *("id", "report_type", "scope", "status", "read_only", "network", "actor"),
            *("db_to_chain_issues", "chain_to_db_issues", "mismatches", "successes"),
            *("repaired", "quarantined", "known", "details"),
            *("consecutive_errors", "last_error", "next_attempt_at", "created_at", "finished_at"),
        )


class ChainDriftSerializer(serializers.ModelSerializer[ChainDrift]):
    """Something that database and chain, or database and documents, do not agree in."""

    mint_batch_id = serializers.UUIDField(source="batch_id", allow_null=True)
    detail = serializers.DictField()

    class Meta:
        model = ChainDrift
        fields = (
            *("id", "kind", "direction", "subject_type", "subject_id", "mint_batch_id", "network"),
            *("detail", "status", "times_seen", "found_at", "seen_at"),
            *("decided_by", "decided_at", "reason", "closed_at"),
        )


class ReportQuery(CreatedQuery):
    """Which reports."""

    orderings = ordered_by("created_at")
    filters = {"status": "status"}

    status = serializers.ChoiceField(choices=RunStatus.choices, required=False)


class DriftQuery(ListQuery):
    """Which drifts."""

    orderings = ordered_by("found_at")
    filters = {
        "kind": "kind",
        "status": "status",
        "direction": "direction",
        "batch": "batch_id",
        "subject": "subject_id",
    }

    kind = serializers.ChoiceField(choices=DriftKind.choices, required=False)
    status = serializers.ChoiceField(choices=DriftStatus.choices, required=False)
    direction = serializers.ChoiceField(choices=DriftDirection.choices, required=False)
    batch = serializers.UUIDField(required=False)
    subject = serializers.CharField(required=False, max_length=120)


class ReconciliationReportListView(BrandAPIView):
    """Reports of the runs that the brand has asked for."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="list_reconciliation_reports",
        parameters=[ReportQuery],
        responses=ReconciliationReportSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the reports of runs that this brand has asked for, newest first."""
        rows = ReconciliationRun.objects.all()
        return listed(ReportQuery, request.query_params, rows, ReconciliationReportSerializer)


class ReconciliationReportView(BrandAPIView):
    """One report."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="get_reconciliation_report", responses=ReconciliationReportSerializer
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """Return a report, finished or not."""
        found: Any = ReconciliationRun.objects.filter(id=run_id).first()
        if found is None:
            raise NotFound
        return Response(ReconciliationReportSerializer(found).data)


class ReconciliationRunView(BrandAPIView):
    """Asking for a run."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_WRITE}

    @extend_schema(
        operation_id="run_reconciliation",
        request=RunRequestSerializer,
        responses={202: ReconciliationReportSerializer},
    )
    def post(self, request: Request) -> Response:
        """Compare everything of this brand with the chain and with where its documents lie.

        Answers 202 with the report, which grows as workers go through it. One run of a brand at a
        time: 409 while another is under way.
        """
        given = RunRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        run = ask_for(
            self.principal,
            scope=RunScope(given.validated_data["scope"]),
            read_only=given.validated_data["read_only"],
            request=request,
        )
        run.refresh_from_db()
        return Response(ReconciliationReportSerializer(run).data, status=202)


class ReconciliationDriftListView(BrandAPIView):
    """What was found of the brand's rows."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="list_reconciliation_drifts",
        parameters=[DriftQuery],
        responses=ChainDriftSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List what any run has found of this brand, scheduled ones too, newest first."""
        rows = ChainDrift.objects.all()
        return listed(DriftQuery, request.query_params, rows, ChainDriftSerializer)
