"""Reading jobs, retrying failed ones, and the figures of a brand."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Count, F, Q, Sum
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.models import MintBatch, MintJob
from minting.retries import retry_job
from minting.states import LIVE_JOBS, JobStatus, Priority
from tieback.api.fields import StrictSerializer, StrictTextField
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import NotFound
from tieback.requests import request_id_of


class MintJobSerializer(serializers.ModelSerializer[MintJob]):
    """A job and how far it has come."""

    mint_batch_id = serializers.UUIDField(source="batch_id")
    priority = serializers.CharField(source="get_priority_display")
    units_per_second = serializers.SerializerMethodField()
    paused_at = serializers.SerializerMethodField()

    class Meta:
        model = MintJob
        fields = (
            "id",
            "mint_batch_id",
            "status",
            "priority",
            "requested_quantity",
            "generated_quantity",
            "cycles",
            "consecutive_errors",
            "last_error",
            "units_per_second",
            "paused_at",
            "next_attempt_at",
            "created_at",
            "queued_at",
            "started_at",
            "finished_at",
        )

    def get_units_per_second(self, job: MintJob) -> float | None:
        """Return the rate since the job was first claimed."""
        if job.started_at is None or not job.generated_quantity:
            return None
        seconds = ((job.finished_at or timezone.now()) - job.started_at).total_seconds()
        return round(job.generated_quantity / seconds, 1) if seconds > 0 else None

    def get_paused_at(self, job: MintJob) -> datetime | None:
        """Return since when the job itself is paused; see the queue for the brand's pause."""
        if job.status not in LIVE_JOBS:
            return None
        return next((pause.created_at for pause in job.pauses.all()), None)


class JobQuery(CreatedQuery):
    """Which jobs."""

    orderings = ordered_by("created_at", "queued_at")
    filters = {
        "status": "status",
        "priority": lambda name: Q(priority=Priority[name.upper()]),
        "batch": "batch_id",
        "product": "batch__product_id",
        "production_batch": "batch__production_batch_id",
    }

    status = serializers.ChoiceField(choices=JobStatus.choices, required=False)
    priority = serializers.ChoiceField(choices=[p.label for p in Priority], required=False)
    batch = serializers.UUIDField(required=False)
    product = serializers.UUIDField(required=False)
    production_batch = serializers.UUIDField(required=False)


class RetrySerializer(StrictSerializer):
    """Why a failed job is tried again."""

    reason = StrictTextField(max_length=500)


class KpiSerializer(serializers.Serializer[Any]):
    """The figures of a brand, from counters; see ``get_scan_kpis`` for more of its scans."""

    requested = serializers.IntegerField()
    minted = serializers.IntegerField()
    active = serializers.IntegerField()
    revoked = serializers.IntegerField()
    voided = serializers.IntegerField(help_text="Of the revoked: those that were spoiled.")
    scanned = serializers.IntegerField(help_text="Scans by people, counted every minute.")
    jobs_by_status = serializers.DictField(child=serializers.IntegerField())
    packs_by_status = serializers.DictField(child=serializers.IntegerField())
    as_of = serializers.DateTimeField()


class MintJobListView(BrandAPIView):
    """Jobs of the brand."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="list_mint_jobs",
        parameters=[JobQuery],
        responses=MintJobSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List jobs, newest first."""
        rows = MintJob.objects.prefetch_related("pauses")
        return listed(JobQuery, request.query_params, rows, MintJobSerializer)


class MintJobDetailView(BrandAPIView):
    """One job."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(operation_id="get_mint_job", responses=MintJobSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        """Return a job."""
        job = MintJob.objects.filter(id=job_id).first()
        if job is None:
            raise NotFound
        return Response(MintJobSerializer(job).data)


class MintJobRetryView(BrandAPIView):
    """Send a failed job back to the queue."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_WRITE}

    @extend_schema(
        operation_id="retry_mint_job", request=RetrySerializer, responses={202: MintJobSerializer}
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Retry a FAILED job; it goes on at the next ordinal. Any other state: 409."""
        given = RetrySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        job = MintJob.objects.filter(id=job_id).first()
        if job is None:
            raise NotFound
        retry_job(
            job=job,
            actor=self.principal.actor,
            reason=given.validated_data["reason"],
            request_id=request_id_of(request),
        )
        job.refresh_from_db()
        return Response(MintJobSerializer(job).data, status=202)


class MintKpiView(BrandAPIView):
    """Figures of the brand."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(operation_id="get_mint_kpis", responses=KpiSerializer)
    def get(self, request: Request) -> Response:
        """Return the figures, from the batches' counters and never from the units."""
        totals = MintBatch.objects.aggregate(
            requested=Sum("requested_quantity"),
            minted=Sum("minted_quantity"),
            active=Sum(F("activated_quantity") - F("revoked_active_quantity")),
            revoked=Sum("revoked_quantity"),
            voided=Sum("voided_quantity"),
        )
        jobs = dict.fromkeys(JobStatus.values, 0)
        jobs |= dict(MintJob.objects.values_list("status").annotate(Count("id")).order_by())
        body: dict[str, Any] = {name: max(0, int(value or 0)) for name, value in totals.items()}
        body |= {"scanned": _scanned(), "jobs_by_status": jobs, "as_of": timezone.now()}
        body["packs_by_status"] = _packs_by_status()
        return Response(KpiSerializer(body).data)


def _scanned() -> int:
    """Sum up people's scans: final days, then hours. Their tables are a later app's, so by name."""
    from django.apps import apps

    hours, days, progress = (
        apps.get_model("resolver", name) for name in ("ScanHour", "ScanDay", "ScanProgress")
    )
    counted_until = progress.objects.values_list("counted_until", flat=True).first()
    if counted_until is None:
        return 0
    known = {name: value for value, name in hours._meta.get_field("traffic").choices}  # noqa: SLF001
    today = counted_until.replace(hour=0, minute=0, second=0, microsecond=0)
    of_people = hours.objects.filter(traffic=known["person"], hour__gte=today)
    before = days.objects.filter(product=None, day__lt=today.date())
    return sum(rows.aggregate(scans=Sum("scans"))["scans"] or 0 for rows in (of_people, before))


def _packs_by_status() -> dict[str, int]:
    """Count packs by status; packs belong to a later app, so its table is asked by name."""
    from django.apps import apps

    packs: Any = apps.get_model("exports", "PayloadPack")
    statuses = packs._meta.get_field("status").flatchoices  # noqa: SLF001 - Django's model API
    counted = dict(packs.objects.values_list("status").annotate(Count("id")).order_by())
    return {str(value): counted.get(value, 0) for value, _ in statuses}
