"""Proofs of batches in the console."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from minting.admin.display import NOTHING, label, progress, short, short_id
from minting.models import BatchProof, ProofHead
from minting.proofs.retrying import retry_proof
from minting.revocations import Act
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of

MOST_RETRIED = 500


@admin.register(BatchProof, site=site)
class BatchProofAdmin(ConsoleAdmin):
    """How far the trees of batches have come, and what was signed."""

    list_display = ("batch_short", "brand", "state", "done", "errors", "error", "created_at")
    list_filter = ("status", "created_at", "brand")
    list_select_related = ("brand",)
    ordering = ("-created_at", "-batch")
    sortable_by = ("created_at",)
    search_fields = ("batch__id__startswith", "root__exact", "key__exact")
    uuid_search_fields = ("batch_id",)
    search_help_text = "Batch id or its beginning, root or key"
    readonly_fields = ("state", "done", "heads")
    # The key that salts the leaves is nobody's business here.
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("batch", "brand", "state", "done")}),
        ("Signed", {"fields": ("root", "key", "signature", "signed_at", "passport_sha256")}),
        ("Roots", {"fields": ("heads",)}),
        ("Trouble", {"fields": ("consecutive_errors", "last_error", "next_attempt_at")}),
        ("Times", {"fields": ("created_at",)}),
    )
    actions = ("retry",)

    @admin.display(description="batch")
    def batch_short(self, proof: BatchProof) -> str:
        """The first block of the batch's id."""
        return short_id(proof.batch_id)

    @admin.display(description="status")
    def state(self, proof: BatchProof) -> SafeString:
        """Its status as a coloured word."""
        return label(proof)

    @admin.display(description="units in the tree")
    def done(self, proof: BatchProof) -> SafeString:
        """How many of the batch's units are in it."""
        return progress(proof.hashed_quantity, proof.quantity)

    @admin.display(description="errors")
    def errors(self, proof: BatchProof) -> int:
        """How many it met in a row."""
        return proof.consecutive_errors

    @admin.display(description="last error")
    def error(self, proof: BatchProof) -> str:
        """The beginning of its last error."""
        return short(proof.last_error)

    @admin.display(description="root after each cycle")
    def heads(self, proof: BatchProof) -> str:
        """The size of the tree and its root, a line a cycle."""
        rows = ProofHead.objects.filter(batch=proof.batch_id).order_by("number")
        shown = rows.values_list("size", "root")
        return format_html_join("", "{} {}<br>", ((f"{size:,}", root) for size, root in shown)) or (
            NOTHING
        )

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may let failed proofs go on."""
        return request.user.has_perm("minting.retry_batchproof")

    @admin.action(description="Let failed proofs go on", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[BatchProof]) -> None:
        """Let the chosen proofs that failed go on, the oldest 500."""
        act = Act(f"user:{request.user.pk}", request_id=request_id_of(request))
        ids = queryset.order_by("created_at", "batch").values_list("batch_id", flat=True)
        chosen = list(ids[:MOST_RETRIED])
        done = sum(retry_proof(batch_id=batch_id, act=act) for batch_id in chosen)
        said = f"{done} go on, {len(chosen) - done} skipped (not failed)"
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)
