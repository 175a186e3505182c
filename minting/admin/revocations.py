"""Revocations in the console: who revoked what, why, and how far it has come."""

from django.contrib import admin
from django.utils.safestring import SafeString

from minting.admin.display import label, progress, short_id
from minting.models import MintRevocation
from tieback.console import ConsoleAdmin, site


@admin.register(MintRevocation, site=site)
class MintRevocationAdmin(ConsoleAdmin):
    """Acts of revoking units."""

    list_display = ("short_id", "brand", "kind", "reason", "state", "done", "actor", "created_at")
    list_filter = ("status", "reason", "kind", "created_at", "brand")
    list_select_related = ("brand",)
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    search_fields = ("id__startswith", "actor__exact", "brand__slug__exact")
    uuid_search_fields = ("id", "batch_id")
    search_help_text = "Revocation or batch id, the beginning of a revocation id, actor, brand slug"
    readonly_fields = ("state", "done")
    fields = (
        *("id", "brand", "kind", "batch", "lot", "first_ordinal", "last_ordinal"),
        *("reason", "note", "state", "done", "revoked_quantity", "already_revoked_quantity"),
        *("actor", "created_at", "finished_at"),
    )

    @admin.display(description="revocation")
    def short_id(self, revocation: MintRevocation) -> str:
        """The first block of its id."""
        return short_id(revocation.pk)

    @admin.display(description="status")
    def state(self, revocation: MintRevocation) -> SafeString:
        """Its status as a coloured word."""
        return label(revocation)

    @admin.display(description="progress")
    def done(self, revocation: MintRevocation) -> SafeString:
        """How far it has come."""
        first, coming = revocation.first_ordinal, revocation.next_ordinal
        if first is None or coming is None:
            return progress(revocation.requested_quantity, revocation.requested_quantity)
        return progress(coming - first, revocation.requested_quantity)
