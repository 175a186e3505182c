"""Mint batches in the console."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from minting.admin.display import label, progress, short_id
from minting.admin.events import story
from minting.admin.releasing import FITS, NOT_FIT, ReleaseForm, among, release_all
from minting.models import MintBatch
from minting.revocations import Act
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of


@admin.register(MintBatch, site=site)
class MintBatchAdmin(ConsoleAdmin):
    """Mint batches."""

    list_display = (
        *("short_id", "brand", "sku", "state", "done", "physical_status"),
        *("activated_quantity", "revoked_quantity", "created_at"),
    )
    list_filter = ("status", "job__priority", "physical_status", "created_at", "brand")
    list_select_related = ("brand",)
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    search_fields = ("id__startswith", "sku", "gtin__exact", "production_ref__exact")
    uuid_search_fields = ("id", "job__id", "product_id")
    search_help_text = "Batch, job or product id, the beginning of a batch id, SKU, GTIN or ERP run"
    readonly_fields = ("state", "done", "job")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("id", "brand", "job", "state", "done", "physical_status")}),
        (
            "What is printed",
            {
                "fields": (
                    *("resolver_base", "url_rule", "gtin", "sku", "production_ref"),
                    *("product", "passport_version", "production_batch"),
                )
            },
        ),
        ("What is shown", {"fields": ("shown_version", "passport_changes", "leaf_document")}),
        ("Modes", {"fields": ("identity_mode", "activation_mode", "needs_release")}),
        ("Chain", {"fields": ("chain_mode", "chain_network", "leaf_owner")}),
        (
            "Units",
            {
                "fields": (
                    *("requested_quantity", "minted_quantity"),
                    *("activated_quantity", "revoked_quantity"),
                )
            },
        ),
        ("Times", {"fields": ("created_at", "minted_at", "released_at")}),
    )

    actions = ("release",)

    @admin.display(description="batch")
    def short_id(self, batch: MintBatch) -> str:
        """The first block of its id."""
        return short_id(batch.id)

    @admin.display(description="status")
    def state(self, batch: MintBatch) -> SafeString:
        """Its status as a coloured word."""
        return label(batch)

    @admin.display(description="minted")
    def done(self, batch: MintBatch) -> SafeString:
        """How many of its units exist."""
        return progress(batch.minted_quantity, batch.requested_quantity)

    def has_release_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may release batches."""
        return request.user.has_perm("minting.release_mintbatch")

    @admin.action(description="Release batches", permissions=["release"])
    def release(self, request: HttpRequest, queryset: QuerySet[MintBatch]) -> HttpResponse:
        """Ask for a reason before anything happens: no release is taken back."""
        fits_first = Case(When(FITS, then=0), default=1)
        chosen = queryset.order_by(fits_first, "created_at", "id")
        ids = list(chosen.values_list("id", flat=True)[: ReleaseForm.MOST + 1])
        return self._confirm(request, ReleaseForm.of(ids), is_cut=len(ids) > ReleaseForm.MOST)

    def get_urls(self) -> list[URLPattern]:
        """Add the page that asks before a release."""
        page = self.admin_site.admin_view(self.release_view)
        return [path("release/", page, name="minting_mintbatch_release"), *super().get_urls()]

    def release_view(self, request: HttpRequest) -> HttpResponse:
        """On POST with a reason, release. A GET changes nothing."""
        if not self.has_release_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return redirect("admin:minting_mintbatch_changelist")
        form = ReleaseForm(request.POST)
        if not form.is_valid():
            return self._confirm(request, form)
        given = form.cleaned_data
        act = Act(f"user:{request.user.pk}", given["reason"], request_id_of(request))
        done = release_all(given["chosen"], act)
        return self._tell(request, done, len(given["chosen"]) - done)

    def _confirm(
        self, request: HttpRequest, form: ReleaseForm, *, is_cut: bool = False
    ) -> HttpResponse:
        ids = form.ids()
        batches = among(ids)
        if not batches:
            return self._tell(request, 0, len(ids))
        context = {
            **self.admin_site.each_context(request),
            "title": "Release batches",
            "opts": self.opts,
            "batches": batches,
            "skipped": len(ids) - len(batches),
            "not_fit": NOT_FIT,
            "is_cut": is_cut,
            "form": form,
            "send": f"Release {len(batches)} batch{'es' * (len(batches) > 1)}",
        }
        return TemplateResponse(request, "admin/minting/mintbatch/release.html", context)

    def _tell(self, request: HttpRequest, done: int, skipped: int) -> HttpResponse:
        said = f"{done} released, {skipped} skipped ({NOT_FIT})"
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)
        return redirect("admin:minting_mintbatch_changelist")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the batch's story below its fields."""
        batch = self.get_object(request, object_id)
        context = {"story": story(batch.pk)} if batch is not None else {}
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )
