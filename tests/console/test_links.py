"""Links in the console: an operator mends or withdraws one, by the rules of the API."""

from http import HTTPStatus
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from resolver.models import Link
from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_link
from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")


def save(client: Client, link: Link, **fields: str) -> Any:
    form = {"target": link.target, "title": link.title}
    page = reverse("admin:resolver_link_change", args=[link.pk])
    return client.post(page, {**form, **fields})


def stored(link: Link) -> Link:
    with all_brands():
        return Link.objects.get(pk=link.pk)


def test_an_operator_withdraws_a_link_and_it_is_audited(
    console: Client, operator: User, shop: Shop
) -> None:
    link = make_link(shop)
    answer = save(console, link, active_until_0="2026-01-01", active_until_1="00:00")
    assert answer.status_code == HTTPStatus.FOUND
    ended = stored(link).active_until
    assert ended is not None
    assert ended.isoformat() == "2026-01-01T00:00:00+00:00"
    with all_brands():
        entry = AuditEntry.objects.get(action="link.updated")
    assert (entry.brand_id, entry.actor) == (shop.brand_id, f"user:{operator.pk}")
    assert (entry.target_id, entry.before) == (str(link.pk), {"active_until": None})
    assert entry.request_id


def test_saving_without_a_change_audits_nothing(console: Client, shop: Shop) -> None:
    assert save(console, make_link(shop)).status_code == HTTPStatus.FOUND
    with all_brands():
        assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"target": "javascript:alert(1)"}, "begins with https"),
        ({"target": "https://{lot}.example/"}, "after the host"),
        ({"target": "https://b.example/taken"}, "There is such a link"),
        ({"title": "a\x0bb"}, "without control characters"),
        ({"is_default": "on"}, "Another link is the default"),
        (
            {
                "active_from_0": "2026-02-01",
                "active_from_1": "00:00",
                "active_until_0": "2026-01-01",
                "active_until_1": "00:00",
            },
            "Must be later",
        ),
    ],
)
def test_what_the_api_refuses_is_refused_here(
    console: Client, shop: Shop, fields: dict[str, str], words: str
) -> None:
    link = make_link(shop)
    make_link(shop, "https://b.example/taken", is_default=True)
    answer = save(console, link, **fields)
    assert answer.status_code == HTTPStatus.OK
    assert words in answer.content.decode()
    assert stored(link).updated_at == link.updated_at


def test_every_host_a_brand_has_had_is_its_own(console: Client, shop: Shop) -> None:
    link, brand = make_link(shop, "https://shop.example/"), shop.world.brand
    first, brand.resolver_host = brand.resolver_host, "new.nordhav.example"
    brand.save(update_fields=["resolver_host"])
    for host in (first, "new.nordhav.example", "NEW.nordhav.example:8443"):
        answer = save(console, link, target=f"https://{host}/01/{{gtin}}")
        assert "would lead in a circle" in answer.content.decode()


def test_only_who_may_changes_a_link(shop: Shop) -> None:
    link = make_link(shop)
    viewer = staff_with("view_link")
    assert save(viewer, link, title="x").status_code == HTTPStatus.FORBIDDEN
    assert stored(link).title == link.title


def test_whose_a_link_is_and_its_kind_stay(shop: Shop) -> None:
    make_link(shop)
    for change in ("update resolver_link set link_type = 'gs1:pip'", "delete from resolver_link"):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)
