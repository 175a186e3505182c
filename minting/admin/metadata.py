"""Metadata documents in the console."""

import json
import time
from collections import Counter
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from minting.admin.display import NOTHING, label, short, short_id
from minting.metadata import checking
from minting.metadata.addresses import gateway_url
from minting.metadata.checking import Finding
from minting.metadata.composing import base_of
from minting.metadata.retrying import retry_document
from minting.models import MetadataDocument
from minting.revocations import Act
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of

MOST_RETRIED = 500
# Each is a request or two to a place that may be slow, and somebody waits for the page: so many
# are asked for, and none begun after so many seconds.
MOST_ASKED, LONGEST_SECONDS = 20, 20.0


@admin.register(MetadataDocument, site=site)
class MetadataDocumentAdmin(ConsoleAdmin):
    """What is pinned of each passport version, what waits, and what has failed."""

    list_display = (
        *("id_short", "brand", "product", "version", "number", "state"),
        *("driver", "errors", "error", "created_at"),
    )
    list_filter = ("status", "driver", "created_at", "brand")
    list_select_related = ("brand", "product", "passport_version")
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    search_fields = ("id__startswith", "cid__exact", "short_id__exact", "product__sku__exact")
    uuid_search_fields = ("id", "product_id")
    search_help_text = "Id or its beginning, CID, short address, product's id or SKU"
    readonly_fields = ("state", "version", "link", "shown")
    # The bytes themselves are shown as what they say.
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("brand", "product", "version", "number", "replaces", "state")}),
        ("Asked for", {"fields": ("actor", "reason")}),
        ("Named", {"fields": ("cid", "short_id", "size", "sha256", "driver", "link")}),
        ("Trouble", {"fields": ("consecutive_errors", "last_error", "next_attempt_at")}),
        ("Times", {"fields": ("created_at", "pinned_at")}),
        ("Document", {"fields": ("shown",)}),
    )
    actions = ("retry", "check_pins", "pin_again")

    def get_queryset(self, request: HttpRequest) -> QuerySet[MetadataDocument]:
        """Leave the bytes out of lists."""
        return super().get_queryset(request).defer("content", "passport_version__dpp")

    @admin.display(description="document")
    def id_short(self, document: MetadataDocument) -> str:
        """The first block of its id."""
        return short_id(document.pk)

    @admin.display(description="passport version")
    def version(self, document: MetadataDocument) -> int:
        """The number of the passport version it is of."""
        return document.passport_version.number

    @admin.display(description="status")
    def state(self, document: MetadataDocument) -> SafeString:
        """Its status as a coloured word."""
        return label(document)

    @admin.display(description="errors")
    def errors(self, document: MetadataDocument) -> int:
        """How many it met in a row."""
        return document.consecutive_errors

    @admin.display(description="last error")
    def error(self, document: MetadataDocument) -> str:
        """The beginning of its last error."""
        return short(document.last_error)

    @admin.display(description="read it at")
    def link(self, document: MetadataDocument) -> str:
        """Where anyone reads it once it is pinned."""
        gateway = settings.IPFS_GATEWAY_URL or base_of(document.brand)
        return gateway_url(gateway, document.cid) if gateway and document.cid else NOTHING

    @admin.display(description="says")
    def shown(self, document: MetadataDocument) -> SafeString | str:
        """What it says, as JSON that people can read."""
        if document.content is None:
            return NOTHING
        told = json.loads(bytes(document.content))
        return format_html("<pre>{}</pre>", json.dumps(told, indent=2, ensure_ascii=False))

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may let failed documents go on."""
        return request.user.has_perm("minting.retry_metadatadocument")

    def has_check_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may ask the places that documents are pinned at."""
        return request.user.has_perm("minting.check_metadatadocument")

    @admin.action(description="Let failed documents go on", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[MetadataDocument]) -> None:
        """Let the chosen documents that failed be pinned after all, the oldest 500."""
        act = Act(f"user:{request.user.pk}", request_id=request_id_of(request))
        ids = queryset.order_by("created_at", "id").values_list("id", flat=True)
        chosen = list(ids[:MOST_RETRIED])
        done = sum(retry_document(document_id=document_id, act=act) for document_id in chosen)
        said = f"{done} go on, {len(chosen) - done} skipped (not failed)"
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)

    @admin.action(description="Check the pins", permissions=["check"])
    def check_pins(self, request: HttpRequest, queryset: QuerySet[MetadataDocument]) -> None:
        """Fetch the chosen documents, the newest 20, from where they are pinned, and compare."""
        until = time.monotonic() + LONGEST_SECONDS
        found = Counter(
            checking.check_pin(document) if time.monotonic() < until else Finding.NOT_ASKED
            for document in self._newest(queryset)
        )
        said = ", ".join(f"{found[one]} {one}" for one in Finding if found[one])
        is_well = set(found) <= {Finding.SOUND}
        self.message_user(request, said, messages.SUCCESS if is_well else messages.WARNING)

    @admin.action(description="Pin again what is pinned", permissions=["check"])
    def pin_again(self, request: HttpRequest, queryset: QuerySet[MetadataDocument]) -> None:
        """Pin the chosen documents, the newest 20, once more at the place that had them."""
        act = Act(f"user:{request.user.pk}", request_id=request_id_of(request))
        until = time.monotonic() + LONGEST_SECONDS
        chosen = self._newest(queryset)
        done = sum(
            time.monotonic() < until and checking.pin_again(document, act) for document in chosen
        )
        said = f"{done} pinned again, {len(chosen) - done} not (the log says why)"
        is_well = done == len(chosen)
        self.message_user(request, said, messages.SUCCESS if is_well else messages.WARNING)

    @staticmethod
    def _newest(queryset: QuerySet[MetadataDocument]) -> list[MetadataDocument]:
        return list(queryset.defer(None).order_by("-created_at", "-id")[:MOST_ASKED])
