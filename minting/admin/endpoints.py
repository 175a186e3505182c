"""Endpoints of the chain in the console: how they do, and which of them are asked."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from minting.admin.display import NOTHING, coloured, short
from minting.chain.rpc.addresses import is_address
from minting.chain.rpc.operating import (
    CHANGEABLE,
    forgive_endpoints,
    save_endpoint,
    switch_endpoints,
)
from minting.models import RpcEndpoint
from minting.revocations import Act
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of

_TONES = {"closed": "good", "open": "bad", "half_open": "waits"}


class RpcEndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """An endpoint of the operators' own. Its address goes in and never comes out."""

    new_url = forms.CharField(
        label="Address",
        required=False,
        max_length=2000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "size": 80}),
        help_text="With its key. Not shown again; leave it empty to keep the present one.",
    )

    per_second = forms.FloatField(
        min_value=0,
        initial=0,
        help_text="Requests a second that each worker process sends at most; 0: no limit.",
    )

    class Meta:
        """The columns."""

        model = RpcEndpoint
        fields = CHANGEABLE
        help_texts: ClassVar[dict[str, str]] = {
            "name": "In this list, in the log and in metrics.",
            "position": "Of endpoints that do as well, the one with the lowest number is asked.",
        }

    def clean_new_url(self) -> str:
        """Take an address that no other endpoint has; a new endpoint needs one."""
        url: str = self.cleaned_data["new_url"]
        if not url and not self.instance.pk:
            raise ValidationError("Write the address.")
        if url and not is_address(url):
            raise ValidationError("Write an address that begins with https:// or http://.")
        if url and RpcEndpoint.objects.filter(url=url).exclude(pk=self.instance.pk).exists():
            raise ValidationError("Another endpoint has this address.")
        return url


@admin.register(RpcEndpoint, site=site)
class RpcEndpointAdmin(ConsoleAdmin):
    """Endpoints: those of the settings are shown, those of the operators can be changed."""

    form = RpcEndpointForm
    list_display = (
        *("name", "address", "enabled", "state", "failing", "latency", "slot_lag"),
        *("last_success_at", "last_failure_at", "error"),
    )
    list_filter = ("status", "enabled", "from_settings")
    ordering = ("-enabled", "position", "id")
    sortable_by = ("name",)
    search_fields = ("name__istartswith",)
    search_help_text = "The beginning of a name"
    readonly_fields = (
        *("address", "blockchain", "enabled", "from_settings", "state", "rests_until"),
        *("failing", "latency", "slot", "slot_lag", "success_count", "failure_count"),
        *("last_success_at", "last_failure_at", "last_error", "created_at", "updated_at"),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("name", "address", "new_url", "position", "per_second")}),
        ("Use", {"fields": ("blockchain", "enabled", "from_settings")}),
        (
            "Health",
            {
                "fields": (
                    *("state", "rests_until", "failing", "latency", "slot", "slot_lag"),
                    *("success_count", "failure_count"),
                    *("last_success_at", "last_failure_at", "last_error"),
                )
            },
        ),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )
    actions = ("enable", "disable", "forgive")

    @admin.display(description="scheme and host")
    def address(self, endpoint: RpcEndpoint) -> str:
        """What of its address may be shown."""
        return endpoint.shown_url if endpoint.url else NOTHING

    @admin.display(description="breaker")
    def state(self, endpoint: RpcEndpoint) -> SafeString:
        """Its breaker's state as a coloured word."""
        return coloured(endpoint.get_status_display(), _TONES[endpoint.status])

    @admin.display(description="fails")
    def failing(self, endpoint: RpcEndpoint) -> str:
        """How many of its last answers were failures."""
        return f"{endpoint.failure_rate:.0%}"

    @admin.display(description="answers in")
    def latency(self, endpoint: RpcEndpoint) -> str:
        """How long it takes as a rule."""
        average = endpoint.average_latency_ms
        return NOTHING if average is None else f"{average:,.0f} ms"

    @admin.display(description="last error")
    def error(self, endpoint: RpcEndpoint) -> str:
        """The beginning of its last error."""
        return short(endpoint.last_error)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for the address only of whoever may save one."""
        may_save = self.has_change_permission(request, obj) if obj else True
        (_, first), *others = super().get_fieldsets(request, obj)
        left_out = {"new_url"} if not may_save else {"address"} if obj is None else set()
        fields = tuple(name for name in first["fields"] if name not in left_out)
        return [(None, {"fields": fields}), *(others if obj else [])]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may add endpoints."""
        return request.user.has_perm("minting.add_rpcendpoint")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What the settings name is changed in the settings."""
        own = obj is None or not obj.from_settings
        return own and request.user.has_perm("minting.change_rpcendpoint")

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission say which endpoints are asked."""
        return request.user.has_perm("minting.switch_rpcendpoint")

    def has_forgive_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may close breakers."""
        return request.user.has_perm("minting.forgive_rpcendpoint")

    def save_model(self, request: HttpRequest, obj: RpcEndpoint, form: Any, change: Any) -> None:
        """Save the endpoint, audited."""
        save_endpoint(obj, url=form.cleaned_data["new_url"], act=_act_of(request))

    @admin.action(description="Enable", permissions=["switch"])
    def enable(self, request: HttpRequest, queryset: QuerySet[RpcEndpoint]) -> None:
        """Let the chosen endpoints be asked."""
        ids = _ids(queryset)
        done = switch_endpoints(ids, enabled=True, act=_act_of(request))
        self._tell(request, f"{done} enabled, {len(ids) - done} skipped (were so)", done)

    @admin.action(description="Disable", permissions=["switch"])
    def disable(self, request: HttpRequest, queryset: QuerySet[RpcEndpoint]) -> None:
        """Let the chosen endpoints be asked no more."""
        ids = _ids(queryset)
        done = switch_endpoints(ids, enabled=False, act=_act_of(request))
        self._tell(request, f"{done} disabled, {len(ids) - done} skipped (were so)", done)

    @admin.action(description="Forget what went wrong", permissions=["forgive"])
    def forgive(self, request: HttpRequest, queryset: QuerySet[RpcEndpoint]) -> None:
        """Close the breakers of the chosen endpoints."""
        ids = _ids(queryset)
        done = forgive_endpoints(ids, act=_act_of(request))
        self._tell(request, f"{done} forgiven, {len(ids) - done} skipped (nothing wrong)", done)

    def _tell(self, request: HttpRequest, said: str, done: int) -> None:
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)


def _ids(queryset: QuerySet[RpcEndpoint]) -> list[int]:
    return list(queryset.order_by("id").values_list("pk", flat=True))


def _act_of(request: HttpRequest) -> Act:
    return Act(f"user:{request.user.pk}", request_id=request_id_of(request))
