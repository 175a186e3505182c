"""Reading products: lists with filters, and what a product still lacks."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.catalogue.calls import PRODUCTS, code, data, faults
from tests.factories import BrandWorld, make_product

pytestmark = pytest.mark.django_db


def skus(api: APIClient, **query: object) -> list[str]:
    return [row["sku"] for row in data(api.get(PRODUCTS, query))]


def test_the_list_shows_the_brands_products_and_whether_they_are_ready(
    api: APIClient, nordhav: BrandWorld, strangers: BrandWorld
):
    make_product(nordhav, sku="Ready")
    make_product(nordhav, sku="Not", dpp={})
    make_product(strangers, sku="Theirs")
    rows = {row["sku"]: row for row in data(api.get(PRODUCTS))}
    assert {sku: row["ready"] for sku, row in rows.items()} == {"Ready": True, "Not": False}
    assert "dpp" not in rows["Ready"]


def test_the_list_is_filtered(api: APIClient, nordhav: BrandWorld):
    make_product(nordhav, sku="Fjord-1", name="T-shirt", gtin=code(11))
    make_product(nordhav, sku="Fjord-2", name="Lamp 100%", commercial_status="draft")
    make_product(nordhav, sku="Skagen", name="Fjord jacket", category="textile")
    assert skus(api, sku="FJORD-1") == ["Fjord-1"]
    assert skus(api, sku="FJORD") == []
    assert skus(api, gtin=code(11).lstrip("0")) == ["Fjord-1"]
    assert skus(api, category="textile") == ["Skagen"]
    assert skus(api, commercial_status="draft") == ["Fjord-2"]
    assert sorted(skus(api, q="fjord")) == ["Fjord-1", "Fjord-2", "Skagen"]
    assert skus(api, q="0%") == ["Fjord-2"]
    assert skus(api, q="fjord", category="generic", sku="fjord-2") == ["Fjord-2"]
    assert skus(api, created_after="2100-01-01T00:00:00Z") == []
    assert len(skus(api, created_before="2100-01-01T00:00:00Z")) == 3


def test_pages_follow_each_other_without_gaps(api: APIClient, nordhav: BrandWorld):
    made = {make_product(nordhav).sku for _ in range(5)}
    seen: list[str] = []
    cursor: dict[str, object] = {}
    for _ in range(3):
        answer = api.get(PRODUCTS, {"page_size": 2, **cursor}).json()
        seen += [row["sku"] for row in answer["data"]]
        cursor = {"cursor": answer["meta"]["next_cursor"]}
    assert answer["meta"]["has_more"] is False
    assert len(seen) == 5
    assert set(seen) == made


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"page_size": 501}, "page_size"),
        ({"page_size": "x"}, "page_size"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"q": "x" * 101}, "q"),
        ({"q": "a\x00b"}, "q"),
        ({"sku": "a\x00b"}, "sku"),
        ({"gtin": "123"}, "gtin"),
        ({"category": "food"}, "category"),
        ({"commercial_status": "gone"}, "commercial_status"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_after": "0001-01-01T00:00:00+14:00"}, "created_after"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_by_name(api: APIClient, query, field: str):
    response = api.get(PRODUCTS, query)
    assert response.status_code == 400
    assert {name for name, _ in faults(response)} == {field}


def test_a_list_takes_as_many_queries_for_fifty_products_as_for_one(
    api: APIClient, nordhav: BrandWorld
):
    make_product(nordhav)
    api.get(PRODUCTS)  # the first request of a process also looks at the schema's state
    with CaptureQueriesContext(connection) as one:
        assert len(data(api.get(PRODUCTS))) == 1
    for _ in range(49):
        make_product(nordhav)
    with CaptureQueriesContext(connection) as fifty:
        assert len(data(api.get(PRODUCTS))) == 50
    assert len(fifty) == len(one)


def test_readiness_answers_every_field_under_its_schema(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, dpp={"contains_substances_of_concern": True})
    report = data(api.get(f"{PRODUCTS}{product.id}/readiness/"))
    answers = {field["name"]: field["answer"] for field in report["fields"]}
    assert report["ready"] is False
    assert (report["schema_id"], report["schema_version"]) == ("urn:tieback:schema:generic:1", 1)
    assert report["dpp_version"] == 1
    assert answers["contains_substances_of_concern"] == "filled"
    assert answers["substances_of_concern"] == "missing"
    assert answers["materials"] == "not_applicable"
    assert answers["carbon_footprint_kg"] == "not_yet_required"
    assert set(report["missing"]) == {n for n, answer in answers.items() if answer == "missing"}
    missing = next(f for f in report["fields"] if f["name"] == "substances_of_concern")
    assert "substances of concern" in missing["problem"]


def test_readiness_of_a_complete_product_misses_nothing(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, category="battery_ev")
    report = data(api.get(f"{PRODUCTS}{product.id}/readiness/"))
    assert report["ready"] is True
    assert report["missing"] == []
