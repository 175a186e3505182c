"""Grants of access in the console: who may read what of which passports, and until when."""

from typing import Any, ClassVar

from django.contrib import admin

from minting.admin.display import short_id
from resolver.models import AccessGrant
from tieback.console import ConsoleAdmin, site


@admin.register(AccessGrant, site=site)
class AccessGrantAdmin(ConsoleAdmin):
    """Grants, to be looked at: a brand's own people issue and revoke them."""

    list_display = (
        *("short_id", "brand", "access", "holder", "product", "batch"),
        *("created_at", "expires_at", "revoked_at"),
    )
    list_filter = ("access", "brand")
    list_select_related = ("brand", "product", "batch")
    search_fields = ("holder__icontains",)
    uuid_search_fields = ("id", "product_id", "batch_id")
    search_help_text = "Grant, product or batch id, or part of a holder's name"
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("id", "brand", "access", "holder", "granted_by")}),
        ("For which passports", {"fields": ("product", "batch")}),
        ("Times", {"fields": ("created_at", "expires_at", "revoked_at")}),
    )

    @admin.display(description="grant")
    def short_id(self, grant: AccessGrant) -> str:
        """The first block of its id."""
        return short_id(grant.id)
