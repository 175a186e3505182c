"""Scans in the console: signals, and what each brand keeps."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from minting.admin.display import short, short_id
from minting.passport_schema import CATEGORIES
from resolver.models import ScanPolicy, ScanSignal
from resolver.policies import change_policy
from tieback.brands.audit import ActsFor
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of


@admin.register(ScanSignal, site=site)
class ScanSignalAdmin(ConsoleAdmin):
    """What does not look right about scans, the latest first."""

    list_display = ("last_at", "rule", "brand", "batch_short", "about", "scans", "detail_short")
    list_filter = ("rule", "day", "brand")
    list_select_related = ("brand",)
    ordering = ("-last_at", "-id")
    sortable_by = ("last_at", "scans")
    search_fields = ("subject__startswith", "brand__slug__exact")
    uuid_search_fields = ("batch_id",)
    search_help_text = "Batch id, brand slug, or the beginning of a path, a network or a unit's id"
    fields = (
        *("id", "rule", "day", "brand", "batch", "unit_id", "subject"),
        *("scans", "first_at", "last_at", "detail"),
    )

    @admin.display(description="batch")
    def batch_short(self, signal: ScanSignal) -> str:
        """The first block of the batch's id."""
        return short_id(signal.batch_id) if signal.batch_id else ""

    @admin.display(description="about")
    def about(self, signal: ScanSignal) -> str:
        """The unit's id, the path or the network."""
        return short(signal.subject)

    @admin.display(description="detail")
    def detail_short(self, signal: ScanSignal) -> str:
        """What else the rule has found, in short."""
        return short(", ".join(f"{name}: {value}" for name, value in signal.detail.items()), 90)


class ScanPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a brand keeps of its scans."""

    aggregate_only = forms.MultipleChoiceField(
        choices=[(name, name) for name in CATEGORIES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=ScanPolicy._meta.get_field("aggregate_only").help_text,  # noqa: SLF001
    )

    class Meta:
        """The columns."""

        model = ScanPolicy
        fields = ("brand", "retention_days", "aggregate_only")


@admin.register(ScanPolicy, site=site)
class ScanPolicyAdmin(ConsoleAdmin):
    """What brands keep of their scans; a brand that is not listed keeps what is usual."""

    form = ScanPolicyForm
    list_display = ("brand", "retention_days", "aggregate_only")
    list_filter = ("brand",)
    list_select_related = ("brand",)
    ordering = ("brand__slug",)
    search_fields = ("brand__slug__exact",)
    search_help_text = "A brand's slug"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may choose for a brand that has not."""
        return request.user.has_perm("resolver.add_scanpolicy")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators with the permission may choose anew."""
        return request.user.has_perm("resolver.change_scanpolicy")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A policy stays its brand's."""
        return ("brand",) if obj else ()

    def save_model(self, request: HttpRequest, obj: ScanPolicy, form: Any, change: Any) -> None:
        """Keep the policy and say in the audit trail what it was and is."""
        change_policy(
            ActsFor(obj.brand_id, f"user:{request.user.pk}"),
            retention_days=obj.retention_days,
            aggregate_only=obj.aggregate_only,
            request=request_id_of(request),
        )
