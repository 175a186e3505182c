"""Reconciliation in the console: reports, asking for a run, and deciding what becomes of drifts."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString

from minting.admin.display import age, label, short, short_id
from minting.chain.reconciliation.asking import ReconciliationUnderWay, ask_for_all
from minting.chain.reconciliation.deciding import ACCEPT, REPAIR, UNAUTHORISED, Decision, decide
from minting.models import ChainDrift, ReconciliationRun
from minting.revocations import Act
from minting.states import RunScope
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of

MOST_DECIDED = 500
LONGEST_REASON = 500


class ReasonForm(ActionForm):
    """The choice of an action, and why."""

    reason = forms.CharField(
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.TextInput(attrs={"size": 40, "placeholder": "Why (kept in the audit trail)"}),
    )


class ScopeFilter(admin.ChoicesFieldListFilter):
    """What runs look at. The first choice is any of it, so the scope "All" needs another word."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Name the choices."""
        any_scope, *scopes = super().choices(changelist)
        yield any_scope
        for choice, scope in zip(scopes, RunScope, strict=True):
            word = "Everything" if scope is RunScope.ALL else scope.label
            yield {**choice, "display": word}


@admin.register(ReconciliationRun, site=site)
class ReconciliationRunAdmin(ConsoleAdmin):
    """Runs and their reports: scheduled ones, the brands' and the operators'."""

    list_display = (
        *("id_short", "type", "scope", "brand", "state", "read_only"),
        *("db_to_chain_issues", "chain_to_db_issues", "mismatches", "successes"),
        *("repaired", "quarantined", "known", "took", "error", "created_at"),
    )
    list_filter = (*("status", "type", ("scope", ScopeFilter), "read_only", "created_at", "brand"),)
    list_select_related = ("brand",)
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    search_fields = ("id__startswith",)
    uuid_search_fields = ("id",)
    readonly_fields = ("state", "took", "findings")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("brand", "type", "scope", "read_only", "network", "state", "actor")}),
        (
            "Found",
            {
                "fields": (
                    *("db_to_chain_issues", "chain_to_db_issues", "mismatches", "successes"),
                    *("repaired", "quarantined", "known", "findings"),
                )
            },
        ),
        ("Work", {"fields": ("cursor", "fence", "lease_until", "next_attempt_at")}),
        ("Trouble", {"fields": ("consecutive_errors", "last_error")}),
        ("Times", {"fields": ("created_at", "finished_at", "took")}),
    )

    @admin.display(description="run")
    def id_short(self, run: ReconciliationRun) -> str:
        """The first block of its id."""
        return short_id(run.pk)

    @admin.display(description="status")
    def state(self, run: ReconciliationRun) -> SafeString:
        """Its status as a coloured word."""
        return label(run)

    @admin.display(description="took")
    def took(self, run: ReconciliationRun) -> str:
        """From its asking to its end, or until now."""
        return age(run.created_at, run.finished_at)

    @admin.display(description="last error")
    def error(self, run: ReconciliationRun) -> str:
        """The beginning of its last error."""
        return short(run.last_error)

    @admin.display(description="first findings")
    def findings(self, run: ReconciliationRun) -> SafeString:
        """What it was the first to find."""
        return format_html("<pre>{}</pre>", json.dumps(run.details, indent=2))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may ask for a run over all brands."""
        return request.user.has_perm("minting.start_reconciliationrun")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for no more than what to look at."""
        if obj is not None:
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": ("scope", "read_only")})]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for a run over everything of every brand; say so where one is under way."""
        try:
            return super().add_view(request, form_url, extra_context)
        except ReconciliationUnderWay as refused:
            self.message_user(request, refused.message, messages.WARNING)
            return redirect("admin:minting_reconciliationrun_changelist")

    def save_model(
        self, request: HttpRequest, obj: ReconciliationRun, form: Any, change: Any
    ) -> None:
        """Ask for the run, audited."""
        act = Act(f"user:{request.user.pk}", request_id=request_id_of(request))
        run = ask_for_all(act, scope=RunScope(obj.scope), read_only=obj.read_only)
        # What is said of it names both.
        obj.pk, obj.type = run.pk, run.type


@admin.register(ChainDrift, site=site)
class ChainDriftAdmin(ConsoleAdmin):
    """What was found to differ, and what became of it."""

    list_display = (
        *("kind", "direction", "subject", "brand", "network", "state", "times_seen"),
        *("found_at", "seen_at", "decided_by"),
    )
    list_filter = ("status", "kind", "direction", "network", "found_at", "brand")
    list_select_related = ("brand",)
    ordering = ("-found_at", "-id")
    sortable_by = ("found_at",)
    search_fields = ("subject_id__startswith", "batch__id__startswith")
    uuid_search_fields = ("id", "batch_id", "run_id", "subject_id")
    search_help_text = "The beginning of the subject, batch id, run id"
    readonly_fields = ("state", "shown")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("kind", "direction", "subject_type", "subject_id", "state")}),
        ("Whose", {"fields": ("brand", "batch", "network")}),
        ("Found", {"fields": ("shown", "run_id", "times_seen", "found_at", "seen_at")}),
        ("Decided", {"fields": ("decided_by", "decided_at", "reason", "wants_repair")}),
        ("Times", {"fields": ("closed_at",)}),
    )
    action_form = ReasonForm
    actions = ("repair", "accept", "mark_unauthorised")

    @admin.display(description="subject")
    def subject(self, drift: ChainDrift) -> str:
        """What it is of."""
        return f"{drift.subject_type} {short(drift.subject_id, 24)}"

    @admin.display(description="status")
    def state(self, drift: ChainDrift) -> SafeString:
        """Its status as a coloured word."""
        return label(drift)

    @admin.display(description="differs in")
    def shown(self, drift: ChainDrift) -> SafeString:
        """What was found, as JSON that people can read."""
        return format_html("<pre>{}</pre>", json.dumps(drift.detail, indent=2))

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission decide what becomes of drifts."""
        return request.user.has_perm("minting.decide_chaindrift")

    @admin.action(description="Repair", permissions=["decide"])
    def repair(self, request: HttpRequest, queryset: QuerySet[ChainDrift]) -> None:
        """Have the next run put the chosen drifts right."""
        self._decide(request, queryset, REPAIR, "will be repaired", "cannot be repaired")

    @admin.action(description="Accept as it is", permissions=["decide"])
    def accept(self, request: HttpRequest, queryset: QuerySet[ChainDrift]) -> None:
        """Take the chosen drifts for what is to be."""
        self._decide(request, queryset, ACCEPT, "accepted", "not open")

    @admin.action(description="Mark as unauthorised", permissions=["decide"])
    def mark_unauthorised(self, request: HttpRequest, queryset: QuerySet[ChainDrift]) -> None:
        """Say that nobody was allowed to do this."""
        self._decide(request, queryset, UNAUTHORISED, "marked as unauthorised", "not open")

    def _decide(
        self,
        request: HttpRequest,
        queryset: QuerySet[ChainDrift],
        decision: Decision,
        done_words: str,
        else_words: str,
    ) -> None:
        reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
        if not reason:
            self.message_user(request, "Say why, beside the action.", messages.WARNING)
            return
        act = Act(f"user:{request.user.pk}", reason, request_id_of(request))
        ids = queryset.order_by("found_at", "id").values_list("id", flat=True)
        chosen = list(ids[:MOST_DECIDED])
        done = sum(decide(drift_id=one, decision=decision, act=act) for one in chosen)
        said = f"{done} {done_words}, {len(chosen) - done} skipped ({else_words})"
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)
