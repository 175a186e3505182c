"""What is written to a chain, in the console: submissions, and their transactions."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from minting.admin.display import NOTHING, label, short, short_id
from minting.chain.networks import NETWORKS, explorer_url
from minting.chain.sending.retrying import retry_submission
from minting.models import ChainSubmission, ChainTransaction
from minting.revocations import Act
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of

MOST_RETRIED = 500


class TransactionsOfSubmission(admin.TabularInline):  # type: ignore[type-arg]
    """The attempts of a submission, the latest last."""

    model = ChainTransaction
    fields = readonly_fields = (
        *("attempt", "signature", "status", "slot", "fee", "error"),
        *("created_at", "confirmed_at", "settled_at"),
    )
    ordering = ("attempt",)
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds a transaction but the sender."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was signed stays."""
        return False


@admin.register(ChainSubmission, site=site)
class ChainSubmissionAdmin(ConsoleAdmin):
    """What is to happen on a chain once, and how far it has come."""

    list_display = (
        *("key", "brand", "kind", "network", "state", "attempts", "errors", "error"),
        "created_at",
    )
    list_filter = ("status", "kind", "network", "priority", "created_at", "brand")
    list_select_related = ("brand",)
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    search_fields = ("batch__id__startswith", "key__startswith")
    uuid_search_fields = ("batch_id",)
    search_help_text = "Batch id or its beginning, or the submission's key"
    readonly_fields = ("state",)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("key", "batch", "brand", "state", "priority")}),
        ("Chain", {"fields": ("kind", "blockchain", "network", "payload", "attempts")}),
        ("Work", {"fields": ("fence", "lease_until", "next_attempt_at")}),
        ("Trouble", {"fields": ("consecutive_errors", "last_error")}),
        ("Times", {"fields": ("created_at", "completed_at")}),
    )
    inlines = (TransactionsOfSubmission,)
    actions = ("retry",)

    @admin.display(description="status")
    def state(self, submission: ChainSubmission) -> SafeString:
        """Its status as a coloured word."""
        return label(submission)

    @admin.display(description="errors")
    def errors(self, submission: ChainSubmission) -> int:
        """How many it met in a row."""
        return submission.consecutive_errors

    @admin.display(description="last error")
    def error(self, submission: ChainSubmission) -> str:
        """The beginning of its last error."""
        return short(submission.last_error)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may let failed submissions go on."""
        return request.user.has_perm("minting.retry_chainsubmission")

    @admin.action(description="Let failed submissions go on", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[ChainSubmission]) -> None:
        """Let the chosen submissions that failed go on, the oldest 500."""
        act = Act(f"user:{request.user.pk}", request_id=request_id_of(request))
        chosen = list(queryset.order_by("created_at", "id").values_list("id", flat=True))
        chosen = chosen[:MOST_RETRIED]
        done = sum(retry_submission(submission_id=one, act=act) for one in chosen)
        said = f"{done} go on, {len(chosen) - done} skipped (not failed)"
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)


@admin.register(ChainTransaction, site=site)
class ChainTransactionAdmin(ConsoleAdmin):
    """Every transaction that was ever signed."""

    list_display = (
        *("short_signature", "brand", "kind", "network", "state", "slot", "fee", "created_at"),
    )
    list_filter = ("status", "kind", "network", "created_at", "brand")
    list_select_related = ("brand",)
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    search_fields = ("signature__exact", "batch__id__startswith")
    uuid_search_fields = ("batch_id",)
    search_help_text = "Signature, batch id or its beginning"
    readonly_fields = ("state", "explorer")
    fieldsets: ClassVar[Any] = (
        (
            None,
            {"fields": ("signature", "explorer", "submission", "batch_short", "brand", "state")},
        ),
        ("Chain", {"fields": ("kind", "blockchain", "network", "payer", "attempt", "slot")}),
        (
            "Lamports",
            {"fields": ("fee", "priority_fee", "spent_besides", "compute_units", "mint_count")},
        ),
        ("Trouble", {"fields": ("error", "last_valid_block_height")}),
        ("Times", {"fields": ("created_at", "confirmed_at", "settled_at")}),
    )

    @admin.display(description="signature")
    def short_signature(self, transaction: ChainTransaction) -> str:
        """The beginning of its signature."""
        return f"{transaction.signature[:12]}…"

    @admin.display(description="batch")
    def batch_short(self, transaction: ChainTransaction) -> str:
        """The first block of the batch's id."""
        return short_id(transaction.batch_id) if transaction.batch_id else NOTHING

    @admin.display(description="status")
    def state(self, transaction: ChainTransaction) -> SafeString:
        """Its status as a coloured word."""
        return label(transaction)

    @admin.display(description="explorer")
    def explorer(self, transaction: ChainTransaction) -> str:
        """Where anyone can look at it."""
        known = transaction.network in NETWORKS
        url = explorer_url(transaction.network, transaction.signature) if known else None
        return format_html('<a href="{}" rel="noreferrer">{}</a>', url, url) if url else NOTHING
