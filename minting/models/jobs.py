"""A mint job: the row is the truth, a Celery message only wakes someone up to look at it."""

import uuid

from django.db import models
from django.db.models.functions import Now

from minting.models.batches import MintBatch
from minting.models.transitions import only_legal
from minting.states import FINISHED_JOBS, JOB_TRANSITIONS, LIVE_JOBS, JobStatus, Priority
from tieback.brands.models import APPEND_ONLY, ApiCredential, Brand, User
from tieback.brands.scoping import BrandManager

MAX_UNITS = 1_000_000


class MintJob(models.Model):
    """The work of minting one batch.

    ``fence`` rises by one with each claim; whoever writes must hold the present one. A worker
    that lets go clears ``owner``; an ended lease that still has an owner is a worker that died.
    ``turn_at`` is when it began to wait: when it was queued, or last let go for others.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    batch = models.OneToOneField(MintBatch, on_delete=models.PROTECT, related_name="job")
    status = models.CharField(max_length=16, choices=JobStatus.choices, default=JobStatus.QUEUED)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.STANDARD)
    requested_quantity = models.PositiveIntegerField()
    generated_quantity = models.PositiveIntegerField(default=0)
    cycles = models.PositiveIntegerField(default=0)

    fence = models.PositiveBigIntegerField(default=0)
    owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    consecutive_errors = models.PositiveSmallIntegerField(default=0)
    generated_at_claim = models.PositiveIntegerField(default=0)
    crashes_without_progress = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)

    idempotency_key = models.CharField(max_length=255)
    idempotency_fingerprint = models.BinaryField(max_length=32)
    submitted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT)
    submitted_with = models.ForeignKey(ApiCredential, null=True, on_delete=models.PROTECT)

    created_at = models.DateTimeField(db_default=Now())
    queued_at = models.DateTimeField(db_default=Now())
    turn_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        permissions = (
            ("retry_mintjob", "Can retry failed mint jobs"),
            ("cancel_mintjob", "Can cancel mint jobs"),
            ("pause_mintjob", "Can pause and resume mint jobs"),
        )
        indexes = (
            models.Index(
                fields=("priority", "turn_at", "id"),
                condition=models.Q(status__in=LIVE_JOBS),
                name="minting_job_claim_order",
            ),
            models.Index(fields=("brand", "-created_at", "-id"), name="minting_job_recent"),
            models.Index(fields=("brand", "queued_at", "id"), name="minting_job_by_queueing"),
            models.Index(
                fields=("brand", "status", "-created_at", "-id"), name="minting_job_by_status"
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("brand", "idempotency_key"), name="minting_job_idempotency_key"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=JobStatus.values), name="minting_job_status"
            ),
            models.CheckConstraint(
                condition=models.Q(priority__in=Priority.values), name="minting_job_priority"
            ),
            models.CheckConstraint(
                condition=models.Q(requested_quantity__range=(1, MAX_UNITS)),
                name="minting_job_requested",
            ),
            models.CheckConstraint(
                condition=models.Q(generated_quantity__lte=models.F("requested_quantity")),
                name="minting_job_generated_at_most_requested",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=JobStatus.COMPLETED)
                | models.Q(generated_quantity=models.F("requested_quantity")),
                name="minting_job_completed_in_full",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=FINISHED_JOBS, finished_at__isnull=False)
                | models.Q(status__in=LIVE_JOBS, finished_at__isnull=True),
                name="minting_job_finished_has_time",
            ),
        )
        triggers = (only_legal(JOB_TRANSITIONS),)

    def __str__(self) -> str:
        return str(self.id)


class MintCycle(models.Model):
    """Evidence of one atomic chunk: written in the transaction of its units."""

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    job = models.ForeignKey(MintJob, on_delete=models.PROTECT, related_name="cycle_rows")
    number = models.PositiveIntegerField()
    first_ordinal = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    fence = models.PositiveBigIntegerField()
    started_at = models.DateTimeField()
    committed_at = models.DateTimeField()

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("job", "number"), name="minting_cycle_number"),
            models.UniqueConstraint(fields=("job", "first_ordinal"), name="minting_cycle_ordinal"),
            models.CheckConstraint(condition=models.Q(count__gte=1), name="minting_cycle_count"),
        )
        triggers = (APPEND_ONLY,)

    def __str__(self) -> str:
        return f"{self.job_id} cycle {self.number}"


class MintEvent(models.Model):
    """One line of the story of a job, a batch or its packs."""

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    batch = models.ForeignKey(MintBatch, on_delete=models.PROTECT, related_name="events")
    type = models.CharField(max_length=64)
    actor = models.CharField(max_length=254, blank=True)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="minting_event_recent"),
            models.Index(fields=("batch", "-created_at", "-id"), name="minting_event_by_batch"),
        )
        triggers = (APPEND_ONLY,)

    def __str__(self) -> str:
        return self.type
