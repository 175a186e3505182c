"""Units in the console: found by token, never listed."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.console.rows import Shop, make_jobs, make_unit

pytestmark = pytest.mark.plane("console")

LIST = "/admin/minting/mintunit/"


def test_no_unit_is_listed_unasked(console: Client, shop: Shop) -> None:
    unit = make_unit(shop, make_jobs(shop)[0])
    with CaptureQueriesContext(connection) as captured:
        content = console.get(LIST).content.decode()
    assert unit.token not in content
    assert not [q for q in captured.captured_queries if "minting_mintunit" in q["sql"]]


@pytest.mark.parametrize("written", ["{}", " {} ", "https://id.nordhav.example/01/0/21/{}/"])
def test_a_unit_is_found_by_token_or_by_its_address(
    console: Client, shop: Shop, written: str
) -> None:
    unit = make_unit(shop, make_jobs(shop)[0])
    content = console.get(LIST, {"q": written.format(unit.token.lower())}).content.decode()
    assert unit.token in content


def test_part_of_a_token_finds_nothing(console: Client, shop: Shop) -> None:
    unit = make_unit(shop, make_jobs(shop)[0])
    assert unit.token not in console.get(LIST, {"q": unit.token[:19]}).content.decode()


def test_its_page_shows_the_address_in_its_code(console: Client, shop: Shop) -> None:
    unit = make_unit(shop, make_jobs(shop)[0])
    content = console.get(reverse("admin:minting_mintunit_change", args=[unit.pk])).content.decode()
    assert f"https://id.nordhav.example/01/{shop.product.gtin}/21/{unit.token}" in content


def test_its_serial_is_the_one_in_its_code(console: Client, shop: Shop) -> None:
    unit = make_unit(shop, make_jobs(shop)[0])
    page = reverse("admin:minting_mintunit_change", args=[unit.pk])
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", console.get(page).content.decode()))
    assert f"Serial: {unit.token}" in shown
