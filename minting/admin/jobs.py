"""Mint jobs in the console: what waits, what runs, what failed, and what can be done about it."""

from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, When
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from minting.admin.acts import ACTS, JobAct, JobsForm
from minting.admin.display import (
    NOTHING,
    age,
    coloured,
    label,
    per_second,
    progress,
    short,
    short_id,
)
from minting.admin.events import story
from minting.admin.verifying import verify_page
from minting.models import MintCycle, MintJob, MintPause
from minting.revocations import Act
from minting.states import LIVE_JOBS, JobStatus
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of

CYCLES_SHOWN_AT_EACH_END = 50

_HELD = (JobStatus.RESERVED, JobStatus.PROCESSING)
_LEASE_ENDED = Q(status__in=_HELD, lease_until__lte=Now())


def paused() -> Q:
    """Return the condition that a job is paused, by itself, its brand or its queue."""
    covers = (
        Q(job=OuterRef("pk"))
        | Q(job=None, brand=OuterRef("brand"))
        | Q(priority=OuterRef("priority"))
    )
    return Q(Exists(MintPause.objects.filter(covers)), status__in=LIVE_JOBS)


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
            ("paused", "is paused"),
        )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        conditions = {
            "waiting": (Q(status=JobStatus.QUEUED) | _LEASE_ENDED) & ~paused(),
            "held": Q(status__in=_HELD, lease_until__gt=Now()),
            "expired": _LEASE_ENDED & ~Q(owner="") & ~paused(),
            "paused": paused(),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


def may(request: HttpRequest, act: JobAct) -> bool:
    """Say whether this person may do the act."""
    return request.user.has_perm(f"minting.{act.permission}")


def _ask(
    act: JobAct, model_admin: "MintJobAdmin", request: HttpRequest, queryset: QuerySet[MintJob]
) -> HttpResponse:
    return model_admin.ask(act, request, queryset)


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
        ("Times", {"fields": ("created_at", "queued_at", "turn_at", "started_at", "finished_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[MintJob]:
        """Tell of each job whether it is paused, by itself, its brand or its queue."""
        rows: QuerySet[MintJob] = super().get_queryset(request)
        return rows.annotate(is_paused=Case(When(paused(), then=True), default=False))

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
        """Its status as a coloured word, and whether it is kept from being worked."""
        if not getattr(job, "is_paused", False):
            return label(job)
        return format_html("{} {}", label(job), coloured("Paused", "waits"))

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

    # Acts

    def get_urls(self) -> list[URLPattern]:
        """Add a confirm page for each act, and the page of verdicts."""
        pages = [
            path(
                f"{act.name}/",
                self.admin_site.admin_view(partial(self.act_view, act=act)),
                name=act.url_name,
            )
            for act in ACTS
        ]
        verify = self.admin_site.admin_view(self.verify_view)
        verdicts = path("<uuid:job_id>/verify/", verify, name="minting_mintjob_verify")
        return [*pages, verdicts, *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the acts that this person may do."""
        actions: dict[str, Any] = super().get_actions(request)
        for act in ACTS:
            if may(request, act):
                actions[act.action] = (partial(_ask, act), act.action, act.title)
        return actions

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse an act outright to those who may not; Django would only not offer it."""
        if any(request.POST.get("action") == act.action and not may(request, act) for act in ACTS):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    def ask(self, act: JobAct, request: HttpRequest, queryset: QuerySet[MintJob]) -> HttpResponse:
        """Ask for a reason before anything happens."""
        fits_first = Case(When(act.fits, then=0), default=1)
        chosen = queryset.order_by(fits_first, "created_at", "id")
        ids = list(dict.fromkeys(chosen.values_list("id", flat=True)[: JobsForm.MOST + 1]))
        return self._confirm(request, act, JobsForm.of(ids), is_cut=len(ids) > JobsForm.MOST)

    def act_view(self, request: HttpRequest, act: JobAct) -> HttpResponse:
        """Ask, and on POST with a reason do it. A GET changes nothing."""
        if not may(request, act):
            raise PermissionDenied
        if request.method != "POST":
            return self._confirm(request, act, JobsForm.of(request.GET.getlist("id")))
        form = JobsForm(request.POST)
        if not form.is_valid():
            return self._confirm(request, act, form)
        reason = form.cleaned_data["reason"]
        done, skipped = act.do_all(
            form.cleaned_data["chosen"],
            Act(f"user:{request.user.pk}", reason, request_id_of(request)),
        )
        return self._tell(request, act, done, skipped)

    def _confirm(
        self, request: HttpRequest, act: JobAct, form: JobsForm, *, is_cut: bool = False
    ) -> HttpResponse:
        ids = form.ids()
        jobs = act.among(ids)
        if not jobs:
            return self._tell(request, act, 0, len(ids))
        context = {
            **self.admin_site.each_context(request),
            "title": act.title,
            "opts": self.opts,
            "act": act,
            "act_url": reverse(f"admin:{act.url_name}"),
            "effect": act.effects[len(jobs) > 1],
            "jobs": [(job, self.done(job)) for job in jobs],
            "skipped": len(ids) - len(jobs),
            "is_cut": is_cut,
            "form": form,
            "send": f"{act.name.capitalize()} {len(jobs)} job{'s' * (len(jobs) > 1)}",
        }
        return TemplateResponse(request, "admin/minting/mintjob/act.html", context)

    def _tell(self, request: HttpRequest, act: JobAct, done: int, skipped: int) -> HttpResponse:
        said = f"{done} {act.done}, {skipped} skipped ({act.not_fit})"
        level = messages.SUCCESS if done else messages.WARNING
        self.message_user(request, said, level)
        return redirect("admin:minting_mintjob_changelist")

    # Verifying

    def verify_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """Check the job's invariants. Looking at a job is permission enough to have it checked."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        job = get_object_or_404(MintJob, pk=job_id)
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return verify_page(request, job, context)

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
            context["acts"] = [
                (act, f"{reverse(f'admin:{act.url_name}')}?id={job.pk}")
                for act in ACTS
                if may(request, act) and act.among([job.pk])
            ]
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )
