"""Changes of passports in the console: what a batch's units show since when, and why."""

from django.contrib import admin

from minting.admin.display import short, short_id
from minting.models import PassportChange
from tieback.console import ConsoleAdmin, site


@admin.register(PassportChange, site=site)
class PassportChangeAdmin(ConsoleAdmin):
    """Changes after minting. None is ever undone: a further one may take it back."""

    list_display = ("change", "brand", "batch_short", "number", "why", "actor", "created_at")
    list_filter = ("created_at", "brand")
    list_select_related = ("brand",)
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    search_fields = ("id__startswith", "actor__exact", "brand__slug__exact")
    uuid_search_fields = ("id", "batch_id")
    search_help_text = "Change or batch id, the beginning of a change id, actor, brand slug"
    fields = (
        *("id", "brand", "batch", "number", "from_version", "to_version", "fields"),
        *("reason", "actor", "created_at"),
    )

    @admin.display(description="change")
    def change(self, change: PassportChange) -> str:
        """The first block of its id."""
        return short_id(change.pk)

    @admin.display(description="batch")
    def batch_short(self, change: PassportChange) -> str:
        """The first block of the batch's id."""
        return short_id(change.batch_id)

    @admin.display(description="reason")
    def why(self, change: PassportChange) -> str:
        """The beginning of the reason."""
        return short(change.reason)
