"""Daily caps of brands in the console."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from minting.chain.budgets import budget_of, set_budget
from minting.chain.prices import in_sol
from minting.models import ChainBudget
from tieback.brands.audit import ActsFor
from tieback.console import ConsoleAdmin, site
from tieback.requests import request_id_of


class ChainBudgetForm(forms.ModelForm):  # type: ignore[type-arg]
    """How much a brand may spend in a day."""

    class Meta:
        """The columns."""

        model = ChainBudget
        fields = ("brand", "lamports_per_day")
        help_texts: ClassVar[dict[str, str]] = {
            "lamports_per_day": "1 SOL is 1,000,000,000 lamports. Empty: no cap."
        }


@admin.register(ChainBudget, site=site)
class ChainBudgetAdmin(ConsoleAdmin):
    """What brands may spend on chains in a day of UTC; one that is not listed has no cap."""

    form = ChainBudgetForm
    list_display = ("brand", "cap", "spent", "held_back_at")
    list_filter = ("brand",)
    list_select_related = ("brand",)
    ordering = ("brand__slug",)
    search_fields = ("brand__slug__exact",)
    search_help_text = "A brand's slug"
    readonly_fields = ("spent", "held_back_at")
    fields = ("brand", "lamports_per_day", "spent", "held_back_at")

    @admin.display(description="SOL a day")
    def cap(self, budget: ChainBudget) -> str:
        """The cap in SOL."""
        return "no cap" if budget.lamports_per_day is None else in_sol(budget.lamports_per_day)

    @admin.display(description="SOL spent today")
    def spent(self, budget: ChainBudget) -> str:
        """What is paid today, and still to be paid."""
        return in_sol(budget_of(budget.brand_id).spent_today) if budget.brand_id else ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may give a brand a cap."""
        return request.user.has_perm("minting.add_chainbudget")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators with the permission may change it."""
        return request.user.has_perm("minting.change_chainbudget")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A cap stays its brand's."""
        return (*self.readonly_fields, *(("brand",) if obj else ()))

    def save_model(self, request: HttpRequest, obj: ChainBudget, form: Any, change: Any) -> None:
        """Save the cap, audited."""
        set_budget(
            ActsFor(obj.brand_id, f"user:{request.user.pk}"),
            lamports_per_day=form.cleaned_data["lamports_per_day"],
            request=request_id_of(request),
        )
