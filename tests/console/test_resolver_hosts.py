"""Further hosts of a brand: added by operators, audited, never taken back."""

from http import HTTPStatus
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from tests.console.conftest import staff_with
from tests.console.rows import Shop
from tests.factories import make_world
from tieback.brands.models import AuditEntry, ResolverHost, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")


def add(client: Client, shop: Shop, host: str) -> Any:
    page = reverse("admin:brands_resolverhost_add")
    return client.post(page, {"host": host, "brand": str(shop.brand_id)})


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


def test_a_host_belongs_to_one_brand(console: Client, shop: Shop) -> None:
    other = make_world("other").brand
    answer = add(console, shop, other.resolver_host)
    assert "is held by another brand" in answer.content.decode()
    with pytest.raises(DatabaseError, match="belongs to another brand"), transaction.atomic():
        type(other).objects.filter(pk=shop.brand_id).update(resolver_host=other.resolver_host)


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
