"""Products in the console, with the versions of their passports and what they were called."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from minting.admin.display import NOTHING, coloured
from minting.catalogue.assessments import is_ready
from minting.models import PassportVersion, Product, ProductIdentifier
from tieback.console import ConsoleAdmin, site

LINES_SHOWN = 100


@admin.register(Product, site=site)
class ProductAdmin(ConsoleAdmin):
    """Products."""

    list_display = (
        *("sku", "name", "brand", "gtin", "category", "state", "readiness_now"),
        *("dpp_version", "updated_at"),
    )
    list_filter = ("category", "commercial_status", "readiness__ready", "brand")
    list_select_related = ("brand", "readiness")
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    search_fields = ("sku__istartswith", "gtin__exact", "identifiers__value__exact")
    uuid_search_fields = ("id",)
    search_help_text = "Product id, the beginning of a SKU, or any identifier it has or had"
    readonly_fields = ("state", "readiness_now")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("id", "brand", "sku", "name", "gtin", "mpn", "state")}),
        ("Passport", {"fields": ("category", "dpp_version", "readiness_now", "dpp")}),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )

    @admin.display(description="commercial status")
    def state(self, product: Product) -> SafeString:
        """Its commercial status as a coloured word."""
        tone = "good" if product.commercial_status == "active" else "plain"
        return coloured(product.get_commercial_status_display(), tone)

    @admin.display(description="passport")
    def readiness_now(self, product: Product) -> SafeString:
        """Whether it may be minted."""
        ready = is_ready(product)
        return coloured("Ready" if ready else "Not ready", "good" if ready else "waits")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show versions and identifiers below the product's fields."""
        product = self.get_object(request, object_id)
        context = _history(product) if product is not None else {}
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )


def _history(product: Product) -> dict[str, Any]:
    versions = PassportVersion.objects.filter(product=product).defer("dpp").order_by("-number")
    identifiers = ProductIdentifier.objects.filter(product=product)
    return {
        "versions": versions[:LINES_SHOWN],
        "identifiers": identifiers.order_by("type", "-valid_from", "-id")[:LINES_SHOWN],
        "nothing": NOTHING,
    }
