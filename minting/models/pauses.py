"""Pauses: what keeps waiting jobs from being claimed, of one job, one brand, or one queue."""

import uuid

from django.db import models
from django.db.models.functions import Now

from minting.models.jobs import MintJob
from minting.states import Priority
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager


class MintPause(models.Model):
    """While the row stands, no job it covers is claimed, and a worker lets go after its cycle.

    With a job it covers that job, with a brand alone all jobs of the brand, with a priority the
    queue of that priority in every brand. Ending a pause deletes the row; the audit trail keeps
    both acts.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, null=True, on_delete=models.PROTECT)
    job = models.ForeignKey(MintJob, null=True, on_delete=models.PROTECT, related_name="pauses")
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, null=True)
    reason = models.CharField(max_length=500)
    actor = models.CharField(max_length=254)
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        permissions = (("pause_queue", "Can pause and resume queues"),)
        constraints = (
            models.UniqueConstraint(
                fields=("job",), condition=models.Q(job__isnull=False), name="minting_pause_job"
            ),
            models.UniqueConstraint(
                fields=("brand",), condition=models.Q(job__isnull=True), name="minting_pause_brand"
            ),
            models.UniqueConstraint(
                fields=("priority",),
                condition=models.Q(priority__isnull=False),
                name="minting_pause_queue",
            ),
            models.CheckConstraint(
                condition=models.Q(brand__isnull=False, priority__isnull=True)
                | models.Q(brand__isnull=True, job__isnull=True, priority__isnull=False),
                name="minting_pause_covers_one_thing",
            ),
        )

    def __str__(self) -> str:
        return f"pause of {self.job_id or self.brand_id or self.get_priority_display()}"
