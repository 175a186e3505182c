"""Units in the console: found by token, never listed; there may be billions."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from minting.admin.display import label
from minting.models import MintUnit
from minting.serials import TOKEN_LENGTH, resolver_url
from tieback.console import ConsoleAdmin, site


@admin.register(MintUnit, site=site)
class MintUnitAdmin(ConsoleAdmin):
    """Units, one at a time."""

    list_display = ("token", "state", "brand", "sku", "batch", "ordinal", "activated_at")
    list_select_related = ("brand", "batch")
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("token__exact",)
    search_help_text = "A unit's token, or the address in its code that ends with it"
    readonly_fields = ("state", "serial_in_code", "address", "sku")
    fields = (
        *("token", "state", "serial_in_code", "address", "brand", "product", "sku", "batch", "lot"),
        *("ordinal", "created_at", "activated_at", "revoked_at"),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[MintUnit], search_term: str
    ) -> tuple[QuerySet[MintUnit], bool]:
        """Find the one unit with this token; without one, find nothing."""
        token = search_term.strip().rstrip("/").rsplit("/", 1)[-1].upper()
        if len(token) != TOKEN_LENGTH:
            return queryset.none(), False
        return queryset.filter(token=token), False

    @admin.display(description="status")
    def state(self, unit: MintUnit) -> SafeString:
        """Its status as a coloured word."""
        return label(unit)

    @admin.display(description="SKU")
    def sku(self, unit: MintUnit) -> str:
        """What it is."""
        return unit.batch.sku

    @admin.display(description="serial")
    def serial_in_code(self, unit: MintUnit) -> str:
        """Its own serial, or the token, which stands in the place of one."""
        return unit.serial or unit.token

    @admin.display(description="address in its code")
    def address(self, unit: MintUnit) -> Any:
        """The text of its code, as printed."""
        return resolver_url(
            base=unit.batch.resolver_base,
            gtin=unit.batch.gtin,
            token=unit.token,
            serial=unit.serial,
            lot=unit.lot.lot_code if unit.lot else None,
        )
