"""Compressed NFTs of units in the console: how far each has come, and letting failed ones go on."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from minting.admin.display import NOTHING, label, short, short_id
from minting.chain.assets.retrying import retry_asset
from minting.chain.assets.waiting import why_it_waits
from minting.chain.changes.standing import change_of
from minting.chain.networks import NETWORKS, address_url
from minting.models import UnitAsset
from minting.revocations import Act
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of

MOST_RETRIED = 500


@admin.register(UnitAsset, site=site)
class UnitAssetAdmin(ConsoleAdmin):
    """One asset of a unit at most; there may be millions."""

    list_display = (
        *("number", "brand", "batch_short", "state", "network", "leaf_index"),
        *("tries", "error", "created_at"),
    )
    list_display_links = ("number",)
    list_filter = ("status", "network", "brand")
    list_select_related = ("brand",)
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("asset_id__exact", "unit__token__exact", "name__exact")
    uuid_search_fields = ("batch_id", "submission_id")
    search_help_text = "Asset id, the unit's token, or the id of its batch or submission"
    show_full_result_count = False
    readonly_fields = ("state", "waits_for", "change", "explorer", "token", "batch_short")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("token", "batch_short", "brand", "state", "waits_for", "priority")}),
        (
            "Chain",
            {"fields": ("blockchain", "network", "asset_id", "explorer", "leaf_index", "owner")},
        ),
        ("Leaf", {"fields": ("name", "metadata_uri", "schema")}),
        ("Sent by", {"fields": ("tree", "submission", "place", "transaction")}),
        (
            "Changes",
            {
                "fields": (
                    *("document", "transfer_to", "change", "change_submission", "change_error"),
                    *("changed_in", "changed_at"),
                )
            },
        ),
        ("Trouble", {"fields": ("retry_count", "error_message")}),
        ("Times", {"fields": ("created_at", "processed_at", "updated_at", "reconciled_at")}),
    )
    actions = ("retry",)

    @admin.display(description="asset")
    def number(self, asset: UnitAsset) -> str:
        """Its number here; its id on the chain is on its page."""
        return str(asset.pk)

    @admin.display(description="batch")
    def batch_short(self, asset: UnitAsset) -> str:
        """The first block of the batch's id."""
        return short_id(asset.batch_id)

    @admin.display(description="unit")
    def token(self, asset: UnitAsset) -> str:
        """The unit's token."""
        return asset.unit.token

    @admin.display(description="status")
    def state(self, asset: UnitAsset) -> SafeString:
        """Its status as a coloured word."""
        return label(asset)

    @admin.display(description="waits for")
    def waits_for(self, asset: UnitAsset) -> str:
        """What it waits for, while it does."""
        return why_it_waits(asset) or NOTHING

    @admin.display(description="change")
    def change(self, asset: UnitAsset) -> str:
        """How far a change of its leaf has come."""
        return change_of(asset)

    @admin.display(description="retries")
    def tries(self, asset: UnitAsset) -> int:
        """How often a person let it go on."""
        return asset.retry_count

    @admin.display(description="error")
    def error(self, asset: UnitAsset) -> str:
        """The beginning of what went wrong."""
        return short(asset.error_message)

    @admin.display(description="explorer")
    def explorer(self, asset: UnitAsset) -> str:
        """Where anyone can look at it."""
        known = asset.asset_id is not None and asset.network in NETWORKS
        url = address_url(asset.network, asset.asset_id or "") if known else None
        return format_html('<a href="{}" rel="noreferrer">{}</a>', url, url) if url else NOTHING

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may let failed assets go on."""
        return request.user.has_perm("minting.retry_unitasset")

    @admin.action(description="Let failed assets go on", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[UnitAsset]) -> None:
        """Let the chosen assets that failed go on, with all that share their submissions."""
        act = Act(f"user:{request.user.pk}", request_id=request_id_of(request))
        chosen = list(queryset.order_by("id").values_list("id", flat=True)[:MOST_RETRIED])
        done = sum(retry_asset(asset_id=one, act=act) for one in chosen)
        said = f"{done} submissions or assets go on, {len(chosen) - done} skipped (not failed)"
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)
