"""Links in the console: looked at, and mended or withdrawn where a brand cannot wait."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from minting.catalogue.values import InvalidValue, line_of_text
from resolver.link_changes import faults_of, update_link
from resolver.link_types import LINK_TYPES
from resolver.link_values import LONGEST_TITLE, target_template
from resolver.models import Link
from tieback.brands.audit import ActsFor
from tieback.console import ConsoleAdmin, site


class LinkForm(forms.ModelForm):  # type: ignore[type-arg]
    """What operators may change of a link."""

    class Meta:
        """The columns."""

        model = Link
        fields = ("target", "title", "is_default", "active_from", "active_until")
        help_texts: ClassVar[dict[str, str]] = {
            "target": "An http or https URL; {gtin}, {lot}, {serial} and {token} are filled in.",
            "is_default": "Codes lead here when nothing else is asked for.",
            "active_until": "A moment that has passed withdraws the link.",
        }

    def clean_target(self) -> str:
        """Take what the API takes."""
        try:
            return target_template(self.cleaned_data["target"])
        except InvalidValue as error:
            raise ValidationError(error.message) from None

    def clean_title(self) -> str:
        """Take one line of text."""
        try:
            return line_of_text(self.cleaned_data["title"], LONGEST_TITLE)
        except InvalidValue as error:
            raise ValidationError(error.message) from None

    def clean(self) -> dict[str, Any]:
        """Say beside each field what does not go with other links."""
        values = super().clean() or {}
        if not self.errors:
            wanted = Link(
                id=self.instance.id,
                brand_id=self.instance.brand_id,
                product_id=self.instance.product_id,
                link_type=self.instance.link_type,
                language=self.instance.language,
                media_type=self.instance.media_type,
                **values,
            )
            for fault in faults_of(wanted):
                self.add_error(fault.field, fault.message)
        return values


@admin.register(Link, site=site)
class LinkAdmin(ConsoleAdmin):
    """Links. Each change is audited in the brand's trail, as the brand's own are."""

    form = LinkForm
    list_display = (
        *("title", "kind", "brand", "product", "language", "media_type", "is_default"),
        *("active_from", "active_until", "updated_at"),
    )
    list_filter = ("is_default", "brand")
    list_select_related = ("brand", "product")
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    search_fields = ("link_type__exact", "target__startswith", "brand__slug__exact")
    uuid_search_fields = ("id", "product_id")
    search_help_text = "Link or product id, link type, the beginning of a target, or a brand's slug"
    readonly_fields = (
        *("id", "brand", "product", "kind", "language", "media_type"),
        *("created_at", "updated_at"),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("id", "brand", "product", "kind", "language", "media_type")}),
        ("Where it leads", {"fields": ("target", "title", "is_default")}),
        ("When", {"fields": ("active_from", "active_until", "created_at", "updated_at")}),
    )

    @admin.display(description="link type", ordering="link_type")
    def kind(self, link: Link) -> str:
        """The link type in words, and as it is asked for."""
        return f"{LINK_TYPES.get(link.link_type, '')} ({link.link_type})"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators with the permission may change a link."""
        return request.user.has_perm("resolver.change_link")

    def save_model(self, request: HttpRequest, obj: Link, form: Any, change: Any) -> None:
        """Change the link as the API does."""
        author = ActsFor(obj.brand_id, f"user:{request.user.pk}")
        update_link(author, obj.pk, form.cleaned_data, request=request)
