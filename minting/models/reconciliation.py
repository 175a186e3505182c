"""Comparing the database with the chain and with where documents lie: runs, and what they find."""

import uuid

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from minting.models.batches import MintBatch
from minting.models.transitions import only_legal
from minting.states import (
    DRIFT_TRANSITIONS,
    OPEN_DRIFTS,
    RUN_TRANSITIONS,
    STANDING_DRIFTS,
    DriftDirection,
    DriftKind,
    DriftStatus,
    RunScope,
    RunStatus,
    RunType,
)
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager


class ReconciliationRun(models.Model):
    """One run and its report. Without a brand it is of all of them, and the operators' to see.

    ``cursor``: the stage it is at, and how far in it. ``details`` names the first findings.
    ``known`` counts what was found before and is there still. As with mint jobs, ``fence`` rises
    with each claim, and whoever writes names the present one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, null=True, on_delete=models.PROTECT, db_index=False)
    type = models.CharField(max_length=16, choices=RunType.choices)
    scope = models.CharField(max_length=16, choices=RunScope.choices, default=RunScope.ALL)
    status = models.CharField(max_length=16, choices=RunStatus.choices, default=RunStatus.PENDING)
    read_only = models.BooleanField(default=False)
    network = models.CharField(max_length=32, blank=True)
    actor = models.CharField(max_length=254, blank=True)
    cursor = models.JSONField(default=dict)
    db_to_chain_issues = models.PositiveIntegerField(default=0)
    chain_to_db_issues = models.PositiveIntegerField(default=0)
    mismatches = models.PositiveIntegerField(default=0)
    successes = models.PositiveBigIntegerField(default=0)
    repaired = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    details = models.JSONField(default=list)
    fence = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    consecutive_errors = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        permissions = (("start_reconciliationrun", "Can start reconciliations"),)
        indexes = (
            models.Index(fields=("created_at", "id"), name="minting_run_by_age"),
            models.Index(fields=("brand", "-created_at", "-id"), name="minting_run_recent"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("brand", "type"),
                condition=models.Q(status=RunStatus.PENDING),
                nulls_distinct=False,
                name="minting_run_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    status__in=RunStatus.values,
                    type__in=RunType.values,
                    scope__in=RunScope.values,
                ),
                name="minting_run_status",
            ),
            models.CheckConstraint(
                condition=models.Q(status=RunStatus.PENDING, finished_at__isnull=True)
                | ~models.Q(status=RunStatus.PENDING) & models.Q(finished_at__isnull=False),
                name="minting_run_finished",
            ),
        )
        triggers = (
            only_legal(RUN_TRANSITIONS),
            pgtrigger.Protect(
                name="finished_stays",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__status=RunStatus.PENDING),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_type_display()} reconciliation {self.id}"


class ChainDrift(models.Model):
    """Something that is not the same on both sides: of which kind, of what, and what became of it.

    While it is there a kind and a subject have one row, which each run brings up to date.
    ``wants_repair``: a person has asked for it; the next run sees to it. ``run_id`` is the run that
    found it, which is kept for less time.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, null=True, on_delete=models.PROTECT, db_index=False)
    batch = models.ForeignKey(
        MintBatch, null=True, on_delete=models.PROTECT, related_name="drifts", db_index=False
    )
    network = models.CharField(max_length=32, blank=True)
    kind = models.CharField(max_length=24, choices=DriftKind.choices)
    direction = models.CharField(max_length=12, choices=DriftDirection.choices)
    subject_type = models.CharField(max_length=16)
    subject_id = models.CharField(max_length=120)
    detail = models.JSONField(default=dict)
    status = models.CharField(max_length=12, choices=DriftStatus.choices)
    wants_repair = models.BooleanField(default=False)
    run_id = models.UUIDField(null=True)
    times_seen = models.PositiveIntegerField(default=1)
    found_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    decided_by = models.CharField(max_length=254, blank=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        permissions = (("decide_chaindrift", "Can decide what becomes of drifts"),)
        indexes = (
            models.Index(fields=("brand", "-found_at", "-id"), name="minting_drift_recent"),
            models.Index(
                fields=("kind", "seen_at"),
                condition=models.Q(status__in=OPEN_DRIFTS),
                name="minting_drift_open",
            ),
            models.Index(
                fields=("closed_at",),
                condition=models.Q(closed_at__isnull=False),
                name="minting_drift_closed",
            ),
            models.Index(fields=("kind", "subject_id"), name="minting_drift_of_subject"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "network", "subject_type", "subject_id"),
                condition=models.Q(status__in=STANDING_DRIFTS),
                name="minting_drift_once",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    status__in=DriftStatus.values,
                    kind__in=DriftKind.values,
                    direction__in=DriftDirection.values,
                ),
                name="minting_drift_status",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=STANDING_DRIFTS, closed_at__isnull=True)
                | ~models.Q(status__in=STANDING_DRIFTS) & models.Q(closed_at__isnull=False),
                name="minting_drift_closed_whole",
            ),
        )
        triggers = (
            only_legal(DRIFT_TRANSITIONS),
            pgtrigger.Protect(
                name="closed_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__closed_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject_type} {self.subject_id}"


class ReconciliationCursor(models.Model):
    """How far the scheduled runs have come in each of their stages. The platform's own."""

    id = models.BigAutoField(primary_key=True)
    network = models.CharField(max_length=32, blank=True)
    stage = models.CharField(max_length=32)
    position = models.JSONField(default=dict)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("network", "stage"), name="minting_reconciled_stage"),
        )

    def __str__(self) -> str:
        return f"{self.stage} of {self.network}"
