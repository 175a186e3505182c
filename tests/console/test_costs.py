"""Costs in the console: what brands may spend in a day, and what a chain asks for."""

from http import HTTPStatus

import pytest
from django.test import Client

from minting.chain.budgets import hold_back
from minting.models import ChainBudget, ChainPrice
from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_budget, make_jobs, make_price, make_transaction
from tests.planes import acting_as
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = pytest.mark.plane("console")

BUDGETS, PRICES = "/admin/minting/chainbudget/", "/admin/minting/chainprice/"


def cap() -> int | None:
    with all_brands():
        return ChainBudget.objects.get().lamports_per_day


def test_a_cap_is_set_and_lifted_and_each_is_told(console: Client, shop: Shop) -> None:
    given = {"brand": shop.brand_id, "lamports_per_day": 2_500_000_000}
    assert console.post(f"{BUDGETS}add/", given).status_code == HTTPStatus.FOUND
    assert cap() == 2_500_000_000
    assert "2.5" in console.get(BUDGETS).content.decode()
    page = f"{BUDGETS}{shop.brand_id}/change/"
    assert console.post(page, {"lamports_per_day": ""}).status_code == HTTPStatus.FOUND
    assert cap() is None
    with all_brands():
        entries = list(AuditEntry.objects.filter(action="chain_budget.updated").order_by("id"))
    assert [entry.after["lamports_per_day"] for entry in entries] == [2_500_000_000, None]
    assert entries[0].actor.startswith("user:")


def test_a_cap_shows_what_is_spent_and_that_it_holds_back(console: Client, shop: Shop) -> None:
    make_budget(shop)
    (job,) = make_jobs(shop)
    make_transaction(shop, job)
    with acting_as("worker"), brand_scope(shop.brand_id):
        hold_back(shop.brand_id, job.batch_id, 20_000)
    content = console.get(BUDGETS).content.decode()
    assert ("0.00002" in content, "0.000005" in content) == (True, True)
    with all_brands():
        assert ChainBudget.objects.get().held_back_at is not None


def test_staff_who_may_only_look_set_no_cap(shop: Shop) -> None:
    make_budget(shop)
    client = staff_with("view_chainbudget")
    page = f"{BUDGETS}{shop.brand_id}/change/"
    assert client.get(page).status_code == HTTPStatus.OK
    assert client.post(page, {"lamports_per_day": 1}).status_code == HTTPStatus.FORBIDDEN
    assert cap() == 20_000


def test_congestion_is_shown_with_its_reason_and_its_age(console: Client) -> None:
    make_price()
    content = console.get(PRICES).content.decode()
    for shown in ("High", "90,000", "above the cap"):
        assert shown in content
    assert "long ago" not in content
    with acting_as("worker"):
        ChainPrice.objects.update(measured_at="2026-01-01T00:00:00Z")
    assert "High, long ago" in console.get(PRICES).content.decode()
