"""Further hosts of a brand: added by operators, audited, never taken back."""

from http import HTTPStatus
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_link, open_shop
from tests.factories import make_world
from tieback.brands.models import AuditEntry, ResolverHost, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")


def add(client: Client, shop: Shop, host: str) -> Any:
    page = reverse("admin:brands_resolverhost_add")
    return client.post(page, {"host": host, "brand": str(shop.brand_id)})


def print_codes_with(client: Client, shop: Shop, host: str) -> Any:
    page = reverse("admin:brands_brand_change", args=[shop.brand_id])
    prefixes = ",".join(shop.world.brand.gs1_prefixes)
    form = {"resolver_host": host, "gs1_prefixes": prefixes, "default_locale": "en"}
    return client.post(page, form)


def hosts_of(shop: Shop) -> set[str]:
    with all_brands():
        return set(
            ResolverHost.objects.filter(brand_id=shop.brand_id).values_list("host", flat=True)
        )


def test_a_brand_holds_the_host_it_prints_and_those_it_has_printed(shop: Shop) -> None:
    first = shop.world.brand.resolver_host
    shop.world.brand.resolver_host = "new.nordhav.example"
    shop.world.brand.save(update_fields=["resolver_host"])
    assert hosts_of(shop) == {first, "new.nordhav.example"}


def test_an_operator_adds_a_host_and_it_is_audited(
    console: Client, operator: User, shop: Shop
) -> None:
    answer = add(console, shop, "Codes.nordhav.example")
    assert answer.status_code == HTTPStatus.FOUND
    assert "codes.nordhav.example" in hosts_of(shop)
    with all_brands():
        entry = AuditEntry.objects.get(action="resolver_host.added")
    assert (entry.brand_id, entry.actor) == (shop.brand_id, f"user:{operator.pk}")
    assert (entry.target_id, entry.after) == (
        "codes.nordhav.example",
        {"host": "codes.nordhav.example"},
    )


@pytest.mark.parametrize("host", ["https://a.example", "a b", ""])
def test_what_is_no_host_is_refused(console: Client, shop: Shop, host: str) -> None:
    before = hosts_of(shop)
    assert add(console, shop, host).status_code == HTTPStatus.OK
    assert hosts_of(shop) == before


@pytest.mark.parametrize(("scheme", "port"), [("https", 443), ("http", 80)])
def test_a_host_with_the_port_that_browsers_leave_out_is_refused(
    console: Client, shop: Shop, settings: Any, scheme: str, port: int
) -> None:
    settings.TIEBACK_RESOLVER_SCHEME = scheme
    before = hosts_of(shop)
    for answer in (
        add(console, shop, f"codes.nordhav.example:{port}"),
        print_codes_with(console, shop, f"codes.nordhav.example:{port}"),
    ):
        assert f"Write codes.nordhav.example without :{port}:" in answer.content.decode()
    assert hosts_of(shop) == before
    assert add(console, shop, f"codes.nordhav.example:8{port}").status_code == HTTPStatus.FOUND


def test_a_host_belongs_to_one_brand(console: Client, shop: Shop) -> None:
    other = make_world("other").brand
    answer = add(console, shop, other.resolver_host)
    assert "is held by another brand" in answer.content.decode()
    with pytest.raises(DatabaseError, match="belongs to another brand"), transaction.atomic():
        type(other).objects.filter(pk=shop.brand_id).update(resolver_host=other.resolver_host)


def test_a_host_that_the_brand_holds_is_said_to_be_its_own(console: Client, shop: Shop) -> None:
    answer = add(console, shop, shop.world.brand.resolver_host).content.decode()
    assert f"{shop.world.brand.name} has {shop.world.brand.resolver_host} already." in answer
    assert "another brand" not in answer


@pytest.mark.parametrize(
    "target", ["https://Help.example/faqs", "http://help.example:8443/", "https://help.example?a"]
)
def test_a_host_to_which_a_link_of_the_brand_leads_is_refused(
    console: Client, shop: Shop, target: str
) -> None:
    make_link(shop, target, title="Questions & answers")
    before = hosts_of(shop)
    for answer in (
        add(console, shop, "help.example"),
        print_codes_with(console, shop, "help.example"),
    ):
        said = answer.content.decode()
        assert "“Questions &amp; answers”" in said
        assert "would lead in a circle. Change the link first." in said
    assert hosts_of(shop) == before


def test_links_to_other_hosts_and_of_other_brands_stand_in_no_way(
    console: Client, shop: Shop
) -> None:
    make_link(shop, "https://help.example.com/")
    make_link(open_shop("lichtwerk"), "https://help.example/")
    assert add(console, shop, "help.example").status_code == HTTPStatus.FOUND


def test_a_host_that_is_held_already_is_not_looked_at_again(console: Client, shop: Shop) -> None:
    make_link(shop, f"https://{shop.world.brand.resolver_host}/about")
    answer = print_codes_with(console, shop, shop.world.brand.resolver_host)
    assert answer.status_code == HTTPStatus.FOUND


def test_a_host_is_never_taken_back(shop: Shop) -> None:
    for change in ("delete from brands_resolverhost", "update brands_resolverhost set host = 'x'"):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)


def test_only_who_may_adds_a_host(shop: Shop) -> None:
    before = hosts_of(shop)
    viewer = staff_with("view_resolverhost")
    assert add(viewer, shop, "a.example").status_code == HTTPStatus.FORBIDDEN
    assert hosts_of(shop) == before
