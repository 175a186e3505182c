"""Mint jobs in the console: what waits, what runs, what failed, and sending failures back."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Q, QuerySet, When
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from minting.admin.display import NOTHING, age, label, per_second, progress, short, short_id
from minting.admin.events import story
from minting.admin.retry import RetryForm, failed_among, retry_failed_jobs
from minting.models import MintCycle, MintJob
from minting.states import JobStatus
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of

RETRY = "retry_failed"
CYCLES_SHOWN_AT_EACH_END = 50

_HELD = (JobStatus.RESERVED, JobStatus.PROCESSING)
_LEASE_ENDED = Q(status__in=_HELD, lease_until__lte=Now())


class WorkFilter(admin.SimpleListFilter):
    """Who has the job in hand."""

    title = "worker"
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Name the choices."""
        return (
            ("waiting", "waits for a worker"),
            ("held", "in a worker's hands"),
            ("expired", "its worker died"),
        )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        conditions = {
            "waiting": Q(status=JobStatus.QUEUED) | _LEASE_ENDED,
            "held": Q(status__in=_HELD, lease_until__gt=Now()),
            "expired": _LEASE_ENDED & ~Q(owner=""),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


def cycles(job: MintJob) -> list[MintCycle]:
    """Return a job's cycles; of more than a hundred only the first and the last fifty."""
    is_shown = Q(number__lte=CYCLES_SHOWN_AT_EACH_END) | Q(
        number__gt=job.cycles - CYCLES_SHOWN_AT_EACH_END
    )
    return list(MintCycle.objects.filter(is_shown, job=job).order_by("number"))


@admin.register(MintJob, site=site)
class MintJobAdmin(ConsoleAdmin):
    """Mint jobs."""

    list_display = (
        *("short_id", "brand", "sku", "state", "done", "rate", "priority"),
        *("errors", "error", "created_at", "age"),
    )
    list_filter = ("status", WorkFilter, "priority", "created_at", "brand")
    list_select_related = ("brand", "batch")
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at", "priority", "errors")
    search_fields = ("id__startswith", "batch__sku", "idempotency_key__exact", "brand__slug__exact")
    uuid_search_fields = ("id", "batch_id")
    search_help_text = "Job or batch id, the beginning of a job id, SKU, key or brand slug"
    actions = (RETRY,)
    readonly_fields = ("state", "done", "rate", "age", "fingerprint", "sku")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("id", "brand", "batch", "sku", "state", "done", "rate", "age")}),
        (
            "Trouble",
            {"fields": ("consecutive_errors", "crashes_without_progress", "last_error")},
        ),
        (
            "Work",
            {
                "fields": (
                    *("priority", "requested_quantity", "generated_quantity", "cycles"),
                    *("owner", "fence", "lease_until", "next_attempt_at", "generated_at_claim"),
                )
            },
        ),
        (
            "Submission",
            {"fields": ("submitted_by", "submitted_with", "idempotency_key", "fingerprint")},
        ),
        ("Times", {"fields": ("created_at", "queued_at", "started_at", "finished_at")}),
    )

    # What a row shows

    @admin.display(description="job")
    def short_id(self, job: MintJob) -> str:
        """The first block of its id."""
        return short_id(job.id)

    @admin.display(description="SKU")
    def sku(self, job: MintJob) -> str:
        """What is minted."""
        return job.batch.sku

    @admin.display(description="status")
    def state(self, job: MintJob) -> SafeString:
        """Its status as a coloured word."""
        return label(job)

    @admin.display(description="progress")
    def done(self, job: MintJob) -> SafeString:
        """How far it has come."""
        return progress(job.generated_quantity, job.requested_quantity)

    @admin.display(description="rate")
    def rate(self, job: MintJob) -> str:
        """Units a second since the first claim, pauses included."""
        if job.started_at is None or not job.generated_quantity:
            return NOTHING
        seconds = ((job.finished_at or timezone.now()) - job.started_at).total_seconds()
        return per_second(job.generated_quantity, seconds)

    @admin.display(description="errors", ordering="consecutive_errors")
    def errors(self, job: MintJob) -> int:
        """How many it met in a row."""
        return job.consecutive_errors

    @admin.display(description="last error")
    def error(self, job: MintJob) -> str:
        """The beginning of its last error."""
        return short(job.last_error)

    @admin.display(description="age")
    def age(self, job: MintJob) -> str:
        """From submission to its end, or until now."""
        return age(job.created_at, job.finished_at)

    @admin.display(description="request fingerprint")
    def fingerprint(self, job: MintJob) -> str:
        """SHA-256 of the request behind the key."""
        return bytes(job.idempotency_fingerprint).hex()

    # Retrying

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Who may send failed jobs back."""
        return request.user.has_perm("minting.retry_mintjob")

    def get_urls(self) -> list[URLPattern]:
        """Add the confirm page."""
        confirm = self.admin_site.admin_view(self.retry_view)
        return [path("retry/", confirm, name="minting_mintjob_retry"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse the action outright to those who may not; Django would only not offer it."""
        if request.POST.get("action") == RETRY and not self.has_retry_permission(request):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    @admin.action(description="Retry failed jobs", permissions=["retry"])
    def retry_failed(self, request: HttpRequest, queryset: QuerySet[MintJob]) -> HttpResponse:
        """Ask for a reason before anything happens."""
        failed_first = Case(When(status=JobStatus.FAILED, then=0), default=1)
        chosen = queryset.order_by(failed_first, "created_at", "id")
        ids = list(chosen.values_list("id", flat=True)[: RetryForm.MOST + 1])
        return self._confirm(request, RetryForm.of(ids), is_cut=len(ids) > RetryForm.MOST)

    def retry_view(self, request: HttpRequest) -> HttpResponse:
        """Ask, and on POST with a reason do it. A GET changes nothing."""
        if not self.has_retry_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._confirm(request, RetryForm.of(request.GET.getlist("id")))
        form = RetryForm(request.POST)
        if not form.is_valid():
            return self._confirm(request, form)
        retried, skipped = retry_failed_jobs(
            form.cleaned_data["jobs"],
            actor=f"user:{request.user.pk}",
            reason=form.cleaned_data["reason"],
            request_id=request_id_of(request),
        )
        return self._tell(request, retried, skipped)

    def _confirm(
        self, request: HttpRequest, form: RetryForm, *, is_cut: bool = False
    ) -> HttpResponse:
        ids = form.job_ids()
        jobs = failed_among(ids)
        if not jobs:
            return self._tell(request, 0, len(ids))
        context = {
            **self.admin_site.each_context(request),
            "title": "Retry failed jobs",
            "opts": self.opts,
            "jobs": [(job, self.done(job)) for job in jobs],
            "skipped": len(ids) - len(jobs),
            "is_cut": is_cut,
            "form": form,
        }
        return TemplateResponse(request, "admin/minting/mintjob/retry.html", context)

    def _tell(self, request: HttpRequest, retried: int, skipped: int) -> HttpResponse:
        said = f"{retried} retried, {skipped} skipped (not failed)"
        level = messages.SUCCESS if retried else messages.WARNING
        self.message_user(request, said, level)
        return redirect("admin:minting_mintjob_changelist")

    # The job's page

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the story of the job's batch, and the way to retry if it failed."""
        job = self.get_object(request, object_id)
        context: dict[str, Any] = {}
        if job is not None:
            context = {"story": story(job.batch_id), "cycles": cycles(job)}
            if job.status == JobStatus.FAILED and self.has_retry_permission(request):
                context["retry_url"] = f"{reverse('admin:minting_mintjob_retry')}?id={job.pk}"
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )
