"""Acts on jobs, queues and labels: cancel, pause, resume, physical status."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Count, F, Sum
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.api.batches import MintBatchSerializer
from minting.api.jobs import MintJobSerializer
from minting.lifecycle import (
    cancel_job,
    pause_brand,
    pause_job,
    paused_queues,
    resume_brand,
    resume_job,
    set_physical_status,
)
from minting.models import MintBatch, MintJob, MintPause
from minting.releases import release_batch
from minting.revocations import Act
from minting.states import LIVE_JOBS, PhysicalStatus
from tieback.api.fields import StrictSerializer, StrictTextField
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.requests import request_id_of


class ReasonSerializer(StrictSerializer):
    """Why; kept in the audit trail and the batch's story."""

    reason = StrictTextField(max_length=500)


class CancelledJobSerializer(MintJobSerializer):
    """A cancelled job: ``generated_quantity`` says what was made, and is voided."""

    revocation_id = serializers.UUIDField(allow_null=True)

    class Meta(MintJobSerializer.Meta):
        fields = (*MintJobSerializer.Meta.fields, "revocation_id")  # type: ignore[assignment]


class PhysicalStatusSerializer(StrictSerializer):
    """What happened to the labels."""

    physical_status = serializers.ChoiceField(
        choices=[
            (status.value, status.label)
            for status in (PhysicalStatus.EXPORTED, PhysicalStatus.PRINTED, PhysicalStatus.APPLIED)
        ]
    )
    note = StrictTextField(max_length=500, required=False, allow_blank=True, default="")


class ReleaseSerializer(StrictSerializer):
    """What is to be kept of a release."""

    note = StrictTextField(max_length=500, required=False, allow_blank=True, default="")


class PauseSerializer(serializers.Serializer[Any]):
    """A pause that stands."""

    paused_at = serializers.DateTimeField(source="created_at")
    reason = serializers.CharField()
    actor = serializers.CharField()


class QueueSerializer(serializers.Serializer[Any]):
    """The brand's part of the queue, and what keeps it from being worked."""

    live_jobs = serializers.DictField(child=serializers.IntegerField())
    units_left = serializers.IntegerField()
    paused = PauseSerializer(allow_null=True)
    paused_jobs = serializers.IntegerField()
    paused_queues = serializers.ListField(child=serializers.CharField())


class JobActView(BrandAPIView):
    """An act on one job, with a reason."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_WRITE}

    def act(self, request: Request) -> Act:
        """Read who acts, and why."""
        given = ReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        reason = given.validated_data["reason"]
        return Act(self.principal.actor, reason, request_id_of(request))


class MintJobCancelView(JobActView):
    """Cancel a job."""

    @extend_schema(
        operation_id="cancel_mint_job",
        request=ReasonSerializer,
        responses={200: CancelledJobSerializer},
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """End a job within one cycle; what it made is voided and still resolves and exports.

        Live and FAILED jobs can be cancelled. A COMPLETED or CANCELLED one answers 409: revoke
        the units of a completed batch instead. ``revocation_id`` is the act that voids the units.
        """
        done = cancel_job(job_id=job_id, act=self.act(request))
        done.job.revocation_id = done.revocation_id  # type: ignore[attr-defined]
        return Response(CancelledJobSerializer(done.job).data)


class MintJobPauseView(JobActView):
    """Pause a job."""

    @extend_schema(
        operation_id="pause_mint_job", request=ReasonSerializer, responses={200: MintJobSerializer}
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Keep a live job from being worked; a worker that has it lets go after its cycle."""
        pause_job(job_id=job_id, act=self.act(request))
        return Response(MintJobSerializer(MintJob.objects.get(pk=job_id)).data)


class MintJobResumeView(JobActView):
    """Resume a job."""

    @extend_schema(
        operation_id="resume_mint_job", request=ReasonSerializer, responses={200: MintJobSerializer}
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """End a job's own pause; it goes on at the next ordinal. Not paused: 409."""
        resume_job(job_id=job_id, act=self.act(request))
        return Response(MintJobSerializer(MintJob.objects.get(pk=job_id)).data)


class MintQueueView(BrandAPIView):
    """The brand's queue."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(operation_id="get_mint_queue", responses=QueueSerializer)
    def get(self, request: Request) -> Response:
        """Return how many jobs wait and run, and every pause that covers them.

        ``paused_queues`` are priorities that the operators have paused for everyone.
        """
        return Response(QueueSerializer(_queue_of(self.principal.brand_id)).data)


class MintQueuePauseView(JobActView):
    """Pause the brand's minting."""

    @extend_schema(
        operation_id="pause_mint_queue", request=ReasonSerializer, responses={200: QueueSerializer}
    )
    def post(self, request: Request) -> Response:
        """Keep every job of the brand from being worked; requests are still accepted."""
        pause_brand(brand_id=self.principal.brand_id, act=self.act(request))
        return Response(QueueSerializer(_queue_of(self.principal.brand_id)).data)


class MintQueueResumeView(JobActView):
    """Resume the brand's minting."""

    @extend_schema(
        operation_id="resume_mint_queue", request=ReasonSerializer, responses={200: QueueSerializer}
    )
    def post(self, request: Request) -> Response:
        """End the brand's pause. Not paused: 409."""
        resume_brand(brand_id=self.principal.brand_id, act=self.act(request))
        return Response(QueueSerializer(_queue_of(self.principal.brand_id)).data)


class MintBatchPhysicalStatusView(BrandAPIView):
    """What happened to a batch's labels."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_WRITE}

    @extend_schema(
        operation_id="set_physical_status",
        request=PhysicalStatusSerializer,
        responses={200: MintBatchSerializer},
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        """Move the labels forward: exported, printed, applied. Backwards answers 409.

        Labels become voided by revoking the batch with the reason ``spoiled``, or by cancelling.
        """
        given = PhysicalStatusSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        act = Act(self.principal.actor, given.validated_data["note"], request_id_of(request))
        status = PhysicalStatus(given.validated_data["physical_status"])
        set_physical_status(batch_id=batch_id, status=status, act=act)
        rows = MintBatch.objects.select_related("job", "passport_version")
        return Response(MintBatchSerializer(rows.get(pk=batch_id)).data)


class MintBatchReleaseView(BrandAPIView):
    """Whether a batch's units may be activated."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_WRITE}

    @extend_schema(
        operation_id="release_mint_batch",
        request=ReleaseSerializer,
        responses={200: MintBatchSerializer},
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        """Let first scans activate a batch's units, for good; a second release changes nothing.

        Where the brand asks for it (``needs_release``), no scan activates a unit before. A batch
        whose units do not all exist, or whose labels are voided, answers 409.
        """
        given = ReleaseSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        act = Act(self.principal.actor, given.validated_data["note"], request_id_of(request))
        release_batch(batch_id=batch_id, act=act)
        rows = MintBatch.objects.select_related("job", "passport_version")
        return Response(MintBatchSerializer(rows.get(pk=batch_id)).data)


def _queue_of(brand_id: UUID) -> dict[str, Any]:
    live = MintJob.objects.filter(status__in=LIVE_JOBS)
    counted = dict(live.values_list("status").annotate(Count("id")).order_by())
    totals = live.aggregate(left=Sum(F("requested_quantity") - F("generated_quantity")))
    own = MintPause.objects.filter(brand_id=brand_id, job__isnull=True).first()
    return {
        "live_jobs": dict.fromkeys((str(status) for status in LIVE_JOBS), 0) | counted,
        "units_left": totals["left"] or 0,
        "paused": own,
        "paused_jobs": MintPause.objects.filter(job__status__in=LIVE_JOBS).count(),
        "paused_queues": _paused_queues(),
    }


def _paused_queues() -> list[str]:
    """Return the priorities that operators have paused, which all brands may know."""
    return [priority.label for priority in paused_queues()]
