"""Prices of chains in the console: how hard it is to be taken, and why."""

from typing import ClassVar

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString

from minting.admin.display import coloured
from minting.chain.kept_prices import STALE_AFTER
from minting.models import ChainPrice
from tieback.console import ConsoleAdmin, site

_TONES = {"low": "good", "normal": "good", "high": "bad"}


@admin.register(ChainPrice, site=site)
class ChainPriceAdmin(ConsoleAdmin):
    """What each network asked for when a worker last heard: every half minute as a rule."""

    list_display = ("network", "level", "price", "reason", "measured_at")
    ordering = ("network",)
    fields = ("network", "blockchain", "level", "price", "reason", "measured_at")
    readonly_fields: ClassVar[tuple[str, ...]] = ("level", "price")

    @admin.display(description="congestion")
    def level(self, price: ChainPrice) -> SafeString:
        """Its congestion as a coloured word; of what is old, that it is."""
        if timezone.now() - price.measured_at > STALE_AFTER:
            return coloured(f"{price.get_congestion_display()}, long ago", "waits")
        return coloured(price.get_congestion_display(), _TONES[price.congestion])

    @admin.display(description="micro-lamports")
    def price(self, price: ChainPrice) -> str:
        """What it asks for each compute unit."""
        return f"{price.micro_lamports:,}"
