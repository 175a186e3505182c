"""Pausing and resuming a queue for every brand: a page of its own, by priority, with a reason."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from minting.admin.display import short_id
from minting.lifecycle import pause_queue, resume_queue
from minting.models import MintPause
from minting.revocations import Act
from minting.states import Priority
from tieback.console import ConsoleAdmin, site
from tieback.errors import Conflict
from tieback.requests import request_id_of

_DO = {"pause": pause_queue, "resume": resume_queue}


class QueueForm(forms.Form):
    """Which queue, what to do with it, and why."""

    priority = forms.TypedChoiceField(
        choices=Priority.choices, coerce=lambda value: Priority(int(value))
    )
    act = forms.ChoiceField(choices=[("pause", "Pause"), ("resume", "Resume")])
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="Shown to the brands as paused; the reason is kept in the audit trail.",
    )


@admin.register(MintPause, site=site)
class MintPauseAdmin(ConsoleAdmin):
    """Pauses that stand: of jobs, brands and queues."""

    list_display = ("covers", "reason", "actor", "created_at")
    list_filter = ("priority", "created_at", "brand")
    list_select_related = ("brand", "job")
    ordering = ("-created_at", "-id")
    search_fields = ("brand__slug__exact", "actor__exact")
    uuid_search_fields = ("id", "job_id", "brand_id")
    change_list_template = "admin/minting/mintpause/change_list.html"

    @admin.display(description="what is paused")
    def covers(self, pause: MintPause) -> str:
        """A job, a brand, or the queue of a priority in every brand."""
        if pause.job_id is not None:
            return f"job {short_id(pause.job_id)} of {pause.brand}"
        if pause.brand_id is not None:
            return f"brand {pause.brand}"
        return f"queue {pause.get_priority_display()}, every brand"

    def get_urls(self) -> list[URLPattern]:
        """Add the page that pauses and resumes queues."""
        page = self.admin_site.admin_view(self.queue_view)
        return [path("queue/", page, name="minting_mintpause_queue"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the page to those who may use it."""
        offered = {"may_pause": request.user.has_perm("minting.pause_queue")}
        return super().changelist_view(request, {**offered, **(extra_context or {})})

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        """Ask, and on POST with a reason do it. A GET changes nothing."""
        if not request.user.has_perm("minting.pause_queue"):
            raise PermissionDenied
        form = QueueForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            return self._do(request, form)
        context = {
            **self.admin_site.each_context(request),
            "title": "Pause or resume a queue",
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/minting/mintpause/queue.html", context)

    def _do(self, request: HttpRequest, form: QueueForm) -> HttpResponse:
        given = form.cleaned_data
        act = Act(f"user:{request.user.pk}", given["reason"], request_id_of(request))
        try:
            _DO[given["act"]](priority=given["priority"], act=act)
        except Conflict as refused:
            self.message_user(request, refused.message, messages.WARNING)
        else:
            said = f"The queue {given['priority'].label} is {given['act']}d."
            self.message_user(request, said, messages.SUCCESS)
        return redirect("admin:minting_mintpause_changelist")
