"""Sending failed jobs back to the queue from the console: the form, and what it does."""

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from minting.models import MintJob
from minting.retries import retry_job
from minting.states import JobStatus
from tieback.errors import Conflict


class RetryForm(forms.Form):
    """Which jobs, and why. The jobs travel as one field, so that hundreds of them fit."""

    MOST: ClassVar[int] = 500

    jobs = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="What was wrong, and why it will work now. Kept in the audit trail.",
    )

    @classmethod
    def of(cls, ids: Iterable[Any]) -> "RetryForm":
        """Return an empty form for these jobs."""
        listed = [str(one) for one in ids][: cls.MOST]
        return cls(initial={"jobs": ",".join(listed)})

    def clean_jobs(self) -> list[UUID]:
        """Return the ids, each once."""
        ids = _ids(self.cleaned_data["jobs"])
        if not ids or len(ids) > self.MOST:
            raise ValidationError(f"Choose between 1 and {self.MOST} jobs.")
        return ids

    def job_ids(self) -> list[UUID]:
        """Return the ids the form carries, valid or not."""
        return _ids(str(self["jobs"].value() or ""))[: self.MOST]


def failed_among(ids: list[UUID]) -> list[MintJob]:
    """Return those of the jobs that can be retried, the oldest first."""
    return list(
        MintJob.objects.filter(pk__in=ids, status=JobStatus.FAILED)
        .select_related("brand", "batch")
        .order_by("created_at", "id")
    )


def retry_failed_jobs(
    ids: list[UUID], *, actor: str, reason: str, request_id: str
) -> tuple[int, int]:
    """Retry each failed job in a transaction of its own; return how many were, and were not.

    A second submit finds them queued and skips them.
    """
    retried = 0
    for job in failed_among(ids):
        try:
            retry_job(job=job, actor=actor, reason=reason, request_id=request_id)
        except Conflict:
            continue
        retried += 1
    return retried, len(ids) - retried


def _ids(text: str) -> list[UUID]:
    """Return the UUIDs in a comma-separated text, each once; anything else is left out."""
    found: dict[UUID, None] = {}
    for part in text.split(","):
        try:
            found[UUID(part.strip())] = None
        except ValueError:
            continue
    return list(found)
