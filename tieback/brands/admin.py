"""Brands, people, credentials and the audit trail in the console."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from tieback.brands.audit import ActsFor, record
from tieback.brands.logos import LARGEST_BYTES, LARGEST_SIDE, Logo, check_size, read_logo
from tieback.brands.models import (
    ApiCredential,
    AuditEntry,
    Brand,
    BrandLogo,
    Membership,
    ResolverHost,
    User,
)
from tieback.brands.onboarding import (
    clean_gs1_prefixes,
    free_resolver_host,
    further_resolver_host,
)
from tieback.brands.setting_rules import check_setting
from tieback.console import ConsoleAdmin, site

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")


@contextmanager
def _told_beside_the_field() -> Iterator[None]:
    """Say what is wrong with a value where it was entered."""
    try:
        yield
    except ValueError as error:
        raise ValidationError(str(error)) from None


class BrandForm(forms.ModelForm):  # type: ignore[type-arg]
    """What operators may change of a brand."""

    logo = forms.FileField(
        required=False,
        help_text=(
            f"PNG, {LARGEST_BYTES // 1000} kB and {LARGEST_SIDE} pixels a side at most. Stands at"
            " the head of the public pages; what the file tells beside the picture is left out."
        ),
        widget=forms.FileInput(attrs={"accept": "image/png"}),
    )
    remove_logo = forms.BooleanField(required=False)
    support_url = forms.URLField(
        required=False,
        max_length=500,
        assume_scheme="https",
        help_text="Where readers of the public pages are sent with questions.",
    )

    class Meta:
        """The columns."""

        model = Brand
        fields = (
            *("resolver_host", "gs1_prefixes", "max_concurrent_jobs", "max_units_per_day"),
            "activates_after_release",
            *("default_locale", "accent_colour", "support_url", "support_email"),
        )
        help_texts: ClassVar[dict[str, str]] = {
            "resolver_host": (
                "Printed in codes minted from now on. Codes on hosts the brand has had go on being"
                " answered, as long as those hosts lead here."
            ),
            "gs1_prefixes": "GS1 company prefixes, 6 to 12 digits each, separated by commas.",
            "max_concurrent_jobs": "Jobs waiting or running at one time; empty: no limit.",
            "max_units_per_day": "Units asked for in a day (UTC); empty: no limit.",
            "activates_after_release": (
                "Batches asked for from now on must be released before a first scan activates"
                " their units. Earlier batches stay as they are."
            ),
            "default_locale": (
                "Language of the public pages for readers who name none that is offered: a tag"
                " such as de or pl."
            ),
            "accent_colour": (
                "Of the public pages, as #rrggbb; empty: none. Text on it, and links in it, are"
                " made light or dark enough to be read."
            ),
            "support_email": "Whom they may write to.",
        }

    def clean_resolver_host(self) -> str:
        """Take a host, or nothing: then nothing mints."""
        given = self.cleaned_data["resolver_host"]
        with _told_beside_the_field():
            return free_resolver_host(given, brand_id=self.instance.pk) if given.strip() else ""

    def clean_default_locale(self) -> str:
        """Take the tag of a language that the pages are offered in, as RFC 5646 writes it."""
        tag: str = self.cleaned_data["default_locale"]
        with _told_beside_the_field():
            check_setting("default_locale", self.instance.pk, tag)
        if not _LANGUAGE_TAG.fullmatch(tag):
            raise ValidationError("Write a language tag such as en, de or de-AT.")
        return tag

    def clean_accent_colour(self) -> str:
        """Take a colour of six digits, in lower case."""
        colour: str = self.cleaned_data["accent_colour"].lower()
        if colour and not _COLOUR.fullmatch(colour):
            raise ValidationError("Write the colour as # and six digits: #0b4a8f.")
        return colour

    def clean_support_url(self) -> str:
        """Take an address that a browser opens."""
        address: str = self.cleaned_data["support_url"]
        if address and not address.startswith(("https://", "http://")):
            raise ValidationError("Write a web address that begins with https://.")
        return address

    def clean_logo(self) -> Logo | None:
        """Take a small picture, without what else its file tells."""
        given = self.cleaned_data["logo"]
        if not given:
            return None
        with _told_beside_the_field():
            check_size(given.size)
            return read_logo(given.read())

    def clean_gs1_prefixes(self) -> list[str]:
        """Take company prefixes only."""
        with _told_beside_the_field():
            return list(clean_gs1_prefixes(self.cleaned_data["gs1_prefixes"]))


@admin.register(Brand, site=site)
class BrandAdmin(ConsoleAdmin):
    """Brands: the one page with a form. Each change is audited in its own transaction."""

    form = BrandForm
    list_display = ("slug", "name", "resolver_host", "gs1_prefixes", "created_at")
    search_fields = ("slug__startswith", "name", "resolver_host")
    uuid_search_fields = ("id",)
    search_help_text = "Brand id, slug, name or resolver host"
    ordering = ("slug",)
    readonly_fields = ("id", "slug", "name", "present_logo", "retention_days", "created_at")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("id", "slug", "name", "created_at")}),
        ("What is printed", {"fields": ("resolver_host", "gs1_prefixes")}),
        ("Quotas", {"fields": ("max_concurrent_jobs", "max_units_per_day")}),
        ("First scans", {"fields": ("activates_after_release",)}),
        (
            "Public pages",
            {
                "fields": (
                    *("default_locale", "accent_colour", "present_logo", "logo", "remove_logo"),
                    *("support_url", "support_email"),
                )
            },
        ),
        ("Chosen by the brand", {"fields": ("retention_days",)}),
    )

    @admin.display(description="present logo")
    def present_logo(self, brand: Brand) -> str:
        """Show the logo as it stands."""
        logo = BrandLogo.objects.filter(brand=brand).first()
        if logo is None:
            return "none"
        picture = b64encode(logo.image).decode()
        return format_html('<img src="data:image/png;base64,{}" alt="The logo">', picture)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators with the permission may edit a brand."""
        return request.user.has_perm("brands.change_brand")

    def save_model(self, request: HttpRequest, obj: Brand, form: Any, change: Any) -> None:
        """Save the changed columns and say in the audit trail what they were and are."""
        # Not form.changed_data: it takes the text of a list for another value than the list.
        changed = [name for name, was in form.initial.items() if form.cleaned_data[name] != was]
        before = {name: form.initial[name] for name in changed}
        after = {name: form.cleaned_data[name] for name in changed}
        if changed:
            obj.save(update_fields=changed)
        if form.cleaned_data["logo"] or form.cleaned_data["remove_logo"]:
            before["logo"], after["logo"] = _replace_logo(obj, form.cleaned_data["logo"])
        if before == after:
            return
        record(
            ActsFor(obj.pk, f"user:{request.user.pk}"),
            "brand.updated",
            "brand",
            obj.pk,
            before=before,
            after=after,
            request=request,
        )


def _replace_logo(brand: Brand, logo: Logo | None) -> tuple[str | None, str | None]:
    """Store the logo, or none, and return the hashes of the one before and of this one."""
    rows = BrandLogo.objects.filter(brand=brand)
    before: str | None = rows.values_list("sha256", flat=True).first()
    if logo is None:
        rows.delete()
        return before, None
    sha256 = hashlib.sha256(logo.image).hexdigest()
    BrandLogo.objects.update_or_create(
        brand=brand, defaults={**logo._asdict(), "sha256": sha256, "uploaded_at": timezone.now()}
    )
    return before, sha256


class ResolverHostForm(forms.ModelForm):  # type: ignore[type-arg]
    """A further host for a brand."""

    class Meta:
        """The columns."""

        model = ResolverHost
        fields = ("host", "brand")
        help_texts: ClassVar[dict[str, str]] = {
            "host": "It must lead to the resolver. It cannot be taken back: codes may name it.",
        }

    def clean(self) -> dict[str, Any]:
        """Take a host that no brand holds, and to which nothing of this one leads."""
        values: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                values["host"] = further_resolver_host(values["host"], brand=values["brand"])
            except ValueError as error:
                self.add_error("host", str(error))
        return values


@admin.register(ResolverHost, site=site)
class ResolverHostAdmin(ConsoleAdmin):
    """The hosts whose codes are answered, each one brand's; they can be added and stay."""

    form = ResolverHostForm
    list_display = ("host", "brand", "created_at")
    list_filter = ("brand",)
    list_select_related = ("brand",)
    search_fields = ("host__startswith", "brand__slug__exact")
    search_help_text = "The beginning of a host, or a brand's slug"
    ordering = ("host",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators with the permission may add a host."""
        return request.user.has_perm("brands.add_resolverhost")

    def save_model(self, request: HttpRequest, obj: ResolverHost, form: Any, change: Any) -> None:
        """Save the host and say in the audit trail whose it is."""
        obj.save(force_insert=True)
        record(
            ActsFor(obj.brand_id, f"user:{request.user.pk}"),
            "resolver_host.added",
            "resolver_host",
            obj.host,
            after={"host": obj.host},
            request=request,
        )


@admin.register(User, site=site)
class UserAdmin(ConsoleAdmin):
    """People. Their password's hash is not shown."""

    list_display = ("email", "full_name", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email__startswith", "full_name")
    ordering = ("email",)
    fields = (
        *("email", "full_name", "is_active", "is_staff", "is_superuser"),
        *("groups", "user_permissions", "date_joined", "last_login"),
    )


@admin.register(Membership, site=site)
class MembershipAdmin(ConsoleAdmin):
    """Who acts for which brand."""

    list_display = ("user", "brand", "role", "created_at")
    list_filter = ("role", "brand")
    list_select_related = ("user", "brand")
    search_fields = ("user__email", "brand__slug")
    ordering = ("brand__slug", "user__email")
    fields = ("id", "user", "brand", "role", "created_at")


@admin.register(ApiCredential, site=site)
class ApiCredentialAdmin(ConsoleAdmin):
    """API credentials. Neither the secret, which nobody has, nor its hash is shown."""

    list_display = ("id", "brand", "name", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("brand", "revoked_at")
    list_select_related = ("brand",)
    search_fields = ("id__exact", "name", "brand__slug__exact")
    search_help_text = "Credential id (the part before the dot), name or brand slug"
    ordering = ("-created_at",)
    fields = (
        *("id", "brand", "name", "scopes", "created_by"),
        *("created_at", "expires_at", "last_used_at", "revoked_at"),
    )


@admin.register(AuditEntry, site=site)
class AuditEntryAdmin(ConsoleAdmin):
    """The audit trail, newest first."""

    list_display = ("created_at", "brand", "actor", "action", "target_type", "target_id", "reason")
    list_filter = ("created_at", "brand")
    list_select_related = ("brand",)
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("target_id__exact", "actor__exact", "action__startswith", "request_id__exact")
    search_help_text = "Target id, actor, the beginning of an action, or a request id"
    fields = (
        *("id", "created_at", "brand", "actor", "action", "target_type", "target_id"),
        *("reason", "before", "after", "request_id"),
    )
