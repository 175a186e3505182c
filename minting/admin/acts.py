"""What operators do to jobs: retry, cancel, pause, resume. The form, and each act.

Every act asks for a reason first, happens in a transaction of its own for each job, and skips the
jobs it does not fit, so that a second submit does nothing more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from minting.admin.choosing import ChosenForm
from minting.lifecycle import cancel_job, pause_job, resume_job
from minting.models import MintJob
from minting.retries import retry_job
from minting.revocations import Act
from minting.states import LIVE_JOBS, JobStatus
from tieback.errors import Conflict


@dataclass(frozen=True)
class JobAct:
    """One kind of act, and how the pages speak of it."""

    name: str
    title: str
    done: str
    not_fit: str
    effects: tuple[str, str]
    asks: str
    permission: str
    fits: Q
    do: Callable[[MintJob, Act], Any]

    @property
    def action(self) -> str:
        """The name of the list's action."""
        return f"{self.name}_{'failed' if self.name == 'retry' else 'jobs'}"

    @property
    def url_name(self) -> str:
        """The name of the confirm page."""
        return f"minting_mintjob_{self.name}"

    def among(self, ids: list[UUID]) -> list[MintJob]:
        """Return those of the jobs that the act fits, the oldest first."""
        jobs = MintJob.objects.filter(self.fits, pk__in=ids).distinct()
        return list(jobs.select_related("brand", "batch").order_by("created_at", "id"))

    def do_all(self, ids: list[UUID], act: Act) -> tuple[int, int]:
        """Do it to each job it fits; return to how many it was done, and to how many not."""
        done = 0
        for job in self.among(ids):
            try:
                self.do(job, act)
            except Conflict:
                continue
            done += 1
        return done, len(ids) - done


def _retry(job: MintJob, act: Act) -> None:
    retry_job(job=job, actor=act.actor, reason=act.reason, request_id=act.request_id)


RETRY = JobAct(
    "retry",
    "Retry failed jobs",
    "retried",
    "not failed",
    (
        "failed job goes back to the queue and on at the next unit; what was minted stays.",
        "failed jobs go back to the queue and on at the next unit; what was minted stays.",
    ),
    "What was wrong, and why it will work now.",
    "retry_mintjob",
    Q(status=JobStatus.FAILED),
    _retry,
)
CANCEL = JobAct(
    "cancel",
    "Cancel jobs",
    "cancelled",
    "at an end",
    (
        "job ends for good; the units it made are voided.",
        "jobs end for good; the units they made are voided.",
    ),
    "Why nobody wants these units.",
    "cancel_mintjob",
    Q(status__in=(*LIVE_JOBS, JobStatus.FAILED)),
    lambda job, act: cancel_job(job_id=job.pk, act=act),
)
PAUSE = JobAct(
    "pause",
    "Pause jobs",
    "paused",
    "at an end, or paused",
    (
        "job is kept from being worked until it is resumed.",
        "jobs are kept from being worked until they are resumed.",
    ),
    "What has to happen before they go on.",
    "pause_mintjob",
    Q(status__in=LIVE_JOBS, pauses__isnull=True),
    lambda job, act: pause_job(job_id=job.pk, act=act),
)
RESUME = JobAct(
    "resume",
    "Resume jobs",
    "resumed",
    "not paused",
    ("job goes on at the next unit.", "jobs go on at the next unit."),
    "What has changed.",
    "pause_mintjob",
    Q(pauses__isnull=False, status__in=LIVE_JOBS),
    lambda job, act: resume_job(job_id=job.pk, act=act),
)
ACTS = (RETRY, CANCEL, PAUSE, RESUME)


class JobsForm(ChosenForm):
    """Which jobs, and why."""

    NOUN = "jobs"
