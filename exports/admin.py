"""Pack builds and packs in the console."""

from typing import Any, ClassVar

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from exports.models import PackBuild, PayloadPack
from minting.admin.display import NOTHING, age, label, short, short_id
from tieback.console import ConsoleAdmin, site


class _PackRows(ConsoleAdmin):
    """What builds and packs have in common."""

    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)

    @admin.display(description="status")
    def state(self, row: PackBuild | PayloadPack) -> SafeString:
        """Its status as a coloured word."""
        return label(row)

    @admin.display(description="batch")
    def batch_short(self, row: PackBuild | PayloadPack) -> str:
        """The first block of the batch's id."""
        return short_id(row.batch_id)


@admin.register(PackBuild, site=site)
class PackBuildAdmin(_PackRows):
    """Builds of a batch's packs."""

    list_display = (
        *("short_id", "brand", "batch_short", "state", "profile", "format", "pack_count"),
        *("errors", "error", "created_at", "age"),
    )
    list_filter = ("status", "created_at", "brand")
    list_select_related = ("brand",)
    search_fields = ("id__startswith",)
    uuid_search_fields = ("id", "batch_id")
    search_help_text = "Build or batch id, or the beginning of a build id"
    readonly_fields = ("state", "its_packs", "age")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("id", "brand", "batch", "state", "age", "its_packs")}),
        ("Trouble", {"fields": ("consecutive_errors", "last_error")}),
        (
            "Files",
            {
                "fields": (
                    *("profile", "format", "pack_size", "pack_count"),
                    *("manifest_key", "manifest_sha256"),
                )
            },
        ),
        ("Work", {"fields": ("owner", "fence", "lease_until", "next_attempt_at")}),
        ("Times", {"fields": ("created_at", "queued_at", "finished_at")}),
    )

    @admin.display(description="build")
    def short_id(self, build: PackBuild) -> str:
        """The first block of its id."""
        return short_id(build.id)

    @admin.display(description="errors")
    def errors(self, build: PackBuild) -> int:
        """How many it met in a row."""
        return build.consecutive_errors

    @admin.display(description="last error")
    def error(self, build: PackBuild) -> str:
        """The beginning of its last error."""
        return short(build.last_error)

    @admin.display(description="age")
    def age(self, build: PackBuild) -> str:
        """From the request to its end, or until now."""
        return age(build.created_at, build.finished_at)

    @admin.display(description="packs")
    def its_packs(self, build: PackBuild) -> SafeString:
        """The way to its files."""
        packs = reverse("admin:exports_payloadpack_changelist")
        return format_html('<a href="{}?build__id__exact={}">its packs</a>', packs, build.pk)


@admin.register(PayloadPack, site=site)
class PayloadPackAdmin(_PackRows):
    """Packs: the files."""

    list_display = (
        *("storage_key", "brand", "batch_short", "number", "state"),
        *("row_count", "size", "created_at"),
    )
    list_filter = ("status", "created_at", "brand")
    list_select_related = ("brand",)
    search_fields = ("storage_key__exact", "sha256__exact")
    uuid_search_fields = ("id", "batch_id", "build_id")
    search_help_text = "Pack, build or batch id, storage key or SHA-256"
    readonly_fields = ("state", "size")
    fields = (
        *("id", "brand", "batch", "build", "number", "state", "first_ordinal", "row_count"),
        *("size", "byte_size", "sha256", "storage_key", "created_at", "completed_at"),
    )

    @admin.display(description="size")
    def size(self, pack: PayloadPack) -> str:
        """Its size in words."""
        return NOTHING if pack.byte_size is None else filesizeformat(pack.byte_size)
