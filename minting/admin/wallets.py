"""Wallets in the console: which addresses have signed, on which network, and ending one's use."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from minting.chain.wallets.binding import retire
from minting.models import ChainWallet
from minting.revocations import Act
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of


@admin.register(ChainWallet, site=site)
class ChainWalletAdmin(ConsoleAdmin):
    """Addresses and what they are bound to. Their keys are not in the database."""

    list_display = ("address", "role", "network", "first_used_at", "retired_at")
    list_filter = ("network", "role", "first_used_at")
    sortable_by = ("first_used_at",)
    search_fields = ("address__exact", "genesis_hash__exact")
    search_help_text = "Address or genesis hash"
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("address", "role", "network", "genesis_hash")}),
        ("Times", {"fields": ("first_used_at", "retired_at")}),
    )
    actions = ("retire_wallets",)

    def has_retire_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may retire wallets."""
        return request.user.has_perm("minting.retire_chainwallet")

    @admin.action(description="Retire wallets for good", permissions=["retire"])
    def retire_wallets(self, request: HttpRequest, queryset: QuerySet[ChainWallet]) -> None:
        """End the use of the chosen wallets: no process signs with their keys any more."""
        act = Act(f"user:{request.user.pk}", request_id=request_id_of(request))
        chosen = list(queryset.order_by("address").values_list("address", flat=True))
        done = sum(retire(address=address, act=act) for address in chosen)
        said = f"{done} retired, {len(chosen) - done} skipped (retired before)"
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)
