"""Mint batches in the console."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from minting.admin.display import label, progress, short_id
from minting.admin.events import story
from minting.models import MintBatch
from minting.releases import release_batch
from minting.revocations import Act
from tieback.console import ConsoleAdmin, site
from tieback.errors import Conflict
from tieback.requests import request_id_of

MOST_RELEASED = 500


def _released(batch_id: UUID, act: Act) -> bool:
    try:
        return release_batch(batch_id=batch_id, act=act)
    except Conflict:
        return False


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
    def release(self, request: HttpRequest, queryset: QuerySet[MintBatch]) -> None:
        """Let first scans activate the units of the chosen batches, the oldest 500, one by one."""
        act = Act(f"user:{request.user.pk}", request_id=request_id_of(request))
        ids = queryset.order_by("created_at", "id").values_list("id", flat=True)[:MOST_RELEASED]
        done = sum(_released(batch_id, act) for batch_id in ids)
        said = (
            f"{done} released, {len(ids) - done} skipped (released before, or not to be released)"
        )
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)

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
