"""Editing a brand: host, prefixes and quotas, checked and audited."""

from http import HTTPStatus
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.console.conftest import staff_with
from tests.console.rows import Shop
from tests.resolver.logos import chunk, png
from tieback.brands.models import AuditEntry, Brand, BrandLogo, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")


def save(client: Client, shop: Shop, **fields: Any) -> Any:
    brand = shop.world.brand
    form = {
        "resolver_host": brand.resolver_host,
        "gs1_prefixes": ",".join(brand.gs1_prefixes),
        "max_concurrent_jobs": "",
        "max_units_per_day": "",
        "default_locale": brand.default_locale,
        "accent_colour": "",
        "support_url": "",
        "support_email": "",
    }
    page = reverse("admin:brands_brand_change", args=[brand.pk])
    return client.post(page, {**form, **fields})


def stored(shop: Shop) -> Brand:
    return Brand.objects.get(pk=shop.brand_id)


def test_an_operator_changes_host_prefixes_and_quotas(console: Client, shop: Shop) -> None:
    answer = save(
        console,
        shop,
        resolver_host="ID.nordhav.example",
        gs1_prefixes="0950600, 4012345",
        max_concurrent_jobs="4",
        max_units_per_day="2000000",
    )
    assert answer.status_code == HTTPStatus.FOUND
    brand = stored(shop)
    assert brand.resolver_host == "id.nordhav.example"
    assert brand.gs1_prefixes == ["0950600", "4012345"]
    assert (brand.max_concurrent_jobs, brand.max_units_per_day) == (4, 2_000_000)


def test_an_operator_lets_a_brands_batches_wait_for_their_release(
    console: Client, shop: Shop
) -> None:
    save(console, shop, activates_after_release="on")
    assert stored(shop).activates_after_release
    save(console, shop)
    assert not stored(shop).activates_after_release
    with all_brands():
        entry = AuditEntry.objects.filter(action="brand.updated").latest("id")
    assert (entry.before, entry.after) == (
        {"activates_after_release": True},
        {"activates_after_release": False},
    )


def test_a_change_is_audited_with_what_was_before(
    console: Client, operator: User, shop: Shop
) -> None:
    save(console, shop, max_concurrent_jobs="4")
    with all_brands():
        entry = AuditEntry.objects.get(action="brand.updated")
    assert entry.actor == f"user:{operator.pk}"
    assert entry.brand_id == shop.brand_id
    assert entry.before == {"max_concurrent_jobs": None}
    assert entry.after == {"max_concurrent_jobs": 4}
    assert entry.request_id


def test_saving_without_a_change_audits_nothing(console: Client, shop: Shop) -> None:
    save(console, shop)
    with all_brands():
        assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("resolver_host", "https://id.nordhav.example"),
        ("resolver_host", "id.nordhav.example/x"),
        ("resolver_host", "-nordhav.example"),
        ("resolver_host", "nördhav.example"),
        ("resolver_host", "nordhav.example:99999"),
        ("gs1_prefixes", "12345"),
        ("gs1_prefixes", "095060a"),
        ("max_concurrent_jobs", "-1"),
        ("max_units_per_day", "many"),
        ("default_locale", "German"),
        ("default_locale", "de-"),
        ("accent_colour", "red"),
        ("accent_colour", "#12345"),
        ("support_url", "javascript:alert(1)"),
        ("support_url", "ftp://care.example"),
        ("support_email", "care"),
    ],
)
def test_a_wrong_value_is_refused_beside_its_field(
    console: Client, shop: Shop, field: str, value: str
) -> None:
    answer = save(console, shop, **{field: value})
    assert answer.context["adminform"].form.errors.keys() == {field}
    assert getattr(stored(shop), field) == getattr(shop.world.brand, field)


def test_an_emptied_host_stops_minting_and_is_allowed(console: Client, shop: Shop) -> None:
    save(console, shop, resolver_host="")
    assert stored(shop).resolver_host == ""


def test_an_operator_says_how_the_public_pages_look(console: Client, shop: Shop) -> None:
    save(
        console,
        shop,
        default_locale="de",
        accent_colour="#FFE100",
        support_url="https://care.example/",
        support_email="care@nordhav.example",
    )
    brand = stored(shop)
    assert (brand.default_locale, brand.accent_colour) == ("de", "#ffe100")
    assert brand.support_url == "https://care.example/"
    assert brand.support_email == "care@nordhav.example"


def logo_of(shop: Shop) -> BrandLogo | None:
    with all_brands():
        return BrandLogo.objects.filter(brand_id=shop.brand_id).first()


def test_a_logo_is_set_replaced_and_removed(console: Client, shop: Shop) -> None:
    told = png(64, 24, chunk(b"tEXt", b"Author\x00Somebody"))
    save(console, shop, logo=SimpleUploadedFile("logo.png", told))
    first = logo_of(shop)
    assert first is not None
    assert (bytes(first.image), first.width, first.height) == (png(64, 24), 64, 24)
    page = reverse("admin:brands_brand_change", args=[shop.brand_id])
    assert "data:image/png;base64," in console.get(page).text
    save(console, shop)
    save(console, shop, logo=SimpleUploadedFile("logo.png", png(32, 32)))
    second = logo_of(shop)
    assert second is not None
    assert second.width == 32
    save(console, shop, remove_logo="on")
    assert logo_of(shop) is None
    with all_brands():
        entries = AuditEntry.objects.filter(action="brand.updated").order_by("id")
        told_of = [(entry.before["logo"], entry.after["logo"]) for entry in entries]
    assert told_of == [(None, first.sha256), (first.sha256, second.sha256), (second.sha256, None)]


def test_what_is_no_logo_is_refused_beside_its_field(console: Client, shop: Shop) -> None:
    svg = SimpleUploadedFile("logo.png", b"<svg onload='alert(1)'/>")
    answer = save(console, shop, logo=svg)
    assert answer.context["adminform"].form.errors.keys() == {"logo"}
    assert logo_of(shop) is None


def test_a_logo_that_is_too_large_is_told_its_size(console: Client, shop: Shop) -> None:
    large = SimpleUploadedFile("logo.png", png() + b"\x00" * 50_000)
    answer = save(console, shop, logo=large)
    assert f"20,000 bytes at most, not {large.size:,}." in answer.content.decode()
    assert logo_of(shop) is None


@pytest.mark.parametrize("tag", ["xx", "pt-BR", "fil"])
def test_a_language_that_is_not_offered_is_refused_with_those_that_are(
    console: Client, shop: Shop, tag: str
) -> None:
    said = save(console, shop, default_locale=tag).content.decode()
    assert "ar, de, en, es, fr, it, nl, pl or sv" in said
    assert stored(shop).default_locale == "en"


def test_an_offered_language_may_name_a_region(console: Client, shop: Shop) -> None:
    save(console, shop, default_locale="de-AT")
    assert stored(shop).default_locale == "de-AT"


def test_slug_and_name_are_not_editable(console: Client, shop: Shop) -> None:
    save(console, shop, slug="other", name="Other")
    assert stored(shop).slug == shop.world.brand.slug
    assert stored(shop).name == shop.world.brand.name


def test_staff_who_may_only_look_cannot_save(shop: Shop) -> None:
    client = staff_with("view_brand")
    assert save(client, shop, max_units_per_day="1").status_code == HTTPStatus.FORBIDDEN
    assert stored(shop).max_units_per_day is None
