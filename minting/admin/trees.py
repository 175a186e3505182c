"""Trees of compressed NFTs in the console: how full they are, and what is wrong with them."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from minting.admin.display import NOTHING, label, progress, short
from minting.chain.trees.operating import archive_tree, replace_tree, retry_tree
from minting.chain.trees.shapes import shape_of_tree
from minting.models import ChainTree
from minting.revocations import Act
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of


@admin.register(ChainTree, site=site)
class ChainTreeAdmin(ConsoleAdmin):
    """A brand's trees on a chain."""

    list_display = (
        *("name", "brand", "network", "schema", "state", "filled", "on_their_way"),
        *("what_is_wrong", "created_at"),
    )
    list_filter = ("status", "network", "schema", "created_at", "brand")
    list_select_related = ("brand", "submission")
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    search_fields = ("id__startswith", "name__startswith", "address__exact")
    uuid_search_fields = ("id",)
    search_help_text = "Id or its beginning, name or its beginning, address"
    readonly_fields = ("state", "filled", "on_their_way", "paid", "what_is_wrong")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("name", "symbol", "brand", "state", "filled", "on_their_way")}),
        ("Chain", {"fields": ("blockchain", "network", "address", "authority_address")}),
        ("Keys", {"fields": ("creator", "delegate")}),
        ("Shape", {"fields": ("schema", "max_depth", "max_buffer_size", "canopy", "paid")}),
        ("Belongs to", {"fields": ("core_collection", "metadata", "submission")}),
        ("Trouble", {"fields": ("what_is_wrong", "checked_at")}),
        ("Times", {"fields": ("created_at", "activated_at", "archived_at")}),
    )
    actions = ("retry", "replace", "archive")

    @admin.display(description="status")
    def state(self, tree: ChainTree) -> SafeString:
        """Its status as a coloured word."""
        return label(tree)

    @admin.display(description="assets in it")
    def filled(self, tree: ChainTree) -> SafeString:
        """How many assets are known to be in it, of how many it holds."""
        return progress(tree.current_supply, tree.max_supply)

    @admin.display(description="on their way")
    def on_their_way(self, tree: ChainTree) -> str:
        """How many have room in it and have not landed."""
        return f"{tree.reserved:,}"

    @admin.display(description="rent")
    def paid(self, tree: ChainTree) -> str:
        """What it took, or will take."""
        if tree.rent is None:
            return f"{shape_of_tree(tree).rent:,} lamports, to be paid"
        return f"{tree.rent:,} lamports"

    @admin.display(description="trouble")
    def what_is_wrong(self, tree: ChainTree) -> str:
        """What the last look at the chain found, or what keeps it from being made."""
        if tree.trouble or tree.submission is None:
            return tree.trouble or NOTHING
        return short(tree.submission.last_error, 300)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may have trees made that could not be."""
        return request.user.has_perm("minting.retry_chaintree")

    def has_archive_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may close trees."""
        return request.user.has_perm("minting.archive_chaintree")

    @admin.action(description="Let failed trees be made after all", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[ChainTree]) -> None:
        """Let the chosen trees that failed be made at their addresses."""
        self._do(request, queryset, retry_tree, "go on", "not failed")

    @admin.action(description="Have others made in place of failed ones", permissions=["retry"])
    def replace(self, request: HttpRequest, queryset: QuerySet[ChainTree]) -> None:
        """Give the chosen trees up that failed, and ask for others."""
        self._do(request, queryset, replace_tree, "replaced", "not failed")

    @admin.action(description="Archive trees: nothing more goes into them", permissions=["archive"])
    def archive(self, request: HttpRequest, queryset: QuerySet[ChainTree]) -> None:
        """Close the chosen trees."""
        self._do(request, queryset, archive_tree, "archived", "being made, or archived")

    def _do(
        self,
        request: HttpRequest,
        queryset: QuerySet[ChainTree],
        do: Callable[..., bool],
        done_word: str,
        not_fit: str,
    ) -> None:
        act = Act(f"user:{request.user.pk}", request_id=request_id_of(request))
        chosen: list[UUID] = list(
            queryset.order_by("created_at", "id").values_list("id", flat=True)
        )
        done = sum(do(tree_id=tree_id, act=act) for tree_id in chosen)
        said = f"{done} {done_word}, {len(chosen) - done} skipped ({not_fit})"
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)
