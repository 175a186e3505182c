"""The story of batches: every event, and the last ones beside a job or a batch."""

from uuid import UUID

from django.contrib import admin

from minting.admin.display import short, short_id
from minting.models import MintEvent
from tieback.console import ConsoleAdmin, site

LINES_SHOWN = 100


def story(batch_id: UUID) -> dict[str, object]:
    """Return a batch's latest events, newest first, and whether there are earlier ones."""
    rows = MintEvent.objects.filter(batch_id=batch_id).order_by("-created_at", "-id")
    events = list(rows[: LINES_SHOWN + 1])
    return {
        "batch_id": batch_id,
        "events": events[:LINES_SHOWN],
        "has_more": len(events) > LINES_SHOWN,
    }


@admin.register(MintEvent, site=site)
class MintEventAdmin(ConsoleAdmin):
    """Mint events, newest first."""

    list_display = ("created_at", "type", "brand", "batch_short", "actor", "data_short")
    list_filter = ("created_at", "brand")
    list_select_related = ("brand",)
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("type__startswith", "actor__exact")
    uuid_search_fields = ("batch_id",)
    search_help_text = "Batch id, the beginning of a type such as job.failed, or an actor"
    fields = ("id", "created_at", "type", "brand", "batch", "actor", "data")

    @admin.display(description="batch")
    def batch_short(self, event: MintEvent) -> str:
        """The first block of the batch's id."""
        return short_id(event.batch_id)

    @admin.display(description="data")
    def data_short(self, event: MintEvent) -> str:
        """What the event says, in short."""
        return short(", ".join(f"{name}: {value}" for name, value in event.data.items()), 90)
