"""The readiness of a whole catalogue: figures, the products that lack something, and a file."""

import csv
import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from minting import passport_schema
from minting.catalogue.assessments import refresh
from minting.models import ProductReadiness
from tests.catalogue.calls import PRODUCTS, csv_text, data, faults, product_body, upload
from tests.factories import BrandWorld, make_product, make_world
from tests.passports import ready_passport
from tests.planes import acting_as
from tests.platform.furnishing import clear_everything
from tieback.brands.scoping import brand_scope
from tieback.planes import CONSOLE

pytestmark = pytest.mark.django_db

REPORT = f"{PRODUCTS}readiness-report/"
LACKING = f"{REPORT}products/"
FILE = f"{REPORT}csv/"


def without(category: str, *names: str) -> dict[str, Any]:
    return {k: v for k, v in ready_passport(category).items() if k not in names}


@pytest.fixture
def catalogue(nordhav: BrandWorld, strangers: BrandWorld) -> BrandWorld:
    """Six products, three of them ready."""
    make_product(nordhav, sku="G-1")
    make_product(nordhav, sku="G-2", dpp=without("generic", "end_of_life"))
    make_product(
        nordhav, sku="G-3", dpp=without("generic", "end_of_life", "country_of_origin"), name="=1+1"
    )
    make_product(nordhav, sku="T-1", category="textile", commercial_status="draft")
    make_product(nordhav, sku="L-1", category="battery_lmt")
    make_product(
        nordhav, sku="L-2", category="battery_lmt", dpp=without("battery_lmt", "weight_kg")
    )
    make_product(strangers, sku="Theirs", dpp={})
    return nordhav


def test_the_report_counts_products_and_answers_by_category(api: APIClient, catalogue: BrandWorld):
    report = data(api.get(REPORT))
    totals = {name: report[name] for name in ("products", "ready", "not_ready", "outdated")}
    assert totals == {"products": 6, "ready": 3, "not_ready": 3, "outdated": 0}
    by_category = {row["category"]: row for row in report["by_category"]}
    assert {c: (row["products"], row["ready"]) for c, row in by_category.items()} == {
        "battery_lmt": (2, 1),
        "generic": (3, 1),
        "textile": (1, 1),
    }
    assert by_category["generic"]["answers"]["missing"] == 3
    assert by_category["battery_lmt"]["answers"]["missing"] == 1
    per_battery = sum(by_category["battery_lmt"]["answers"].values()) / 2
    schema = passport_schema.load("battery_lmt")
    assert per_battery == len(schema.fields) + len(schema.never_filled)


def test_the_report_names_what_is_missing_most_often(api: APIClient, catalogue: BrandWorld):
    most = data(api.get(REPORT))["most_missing"]
    assert [(row["category"], row["field"], row["products"]) for row in most] == [
        ("generic", "end_of_life", 2),
        ("battery_lmt", "weight_kg", 1),
        ("generic", "country_of_origin", 1),
    ]
    assert most[0]["label"] == "End of life"


@pytest.mark.parametrize(
    ("query", "products", "ready"),
    [
        ({"category": "generic"}, 3, 1),
        ({"commercial_status": "draft"}, 1, 1),
        ({"category": "generic", "commercial_status": "draft"}, 0, 0),
    ],
)
def test_the_report_is_narrowed_by_category_and_commercial_status(
    api: APIClient, catalogue: BrandWorld, query, products, ready
):
    report = data(api.get(REPORT, query))
    assert (report["products"], report["ready"]) == (products, ready)


def test_products_that_are_not_ready_are_listed_with_what_they_lack(
    api: APIClient, catalogue: BrandWorld
):
    rows = data(api.get(LACKING, {"ordering": "sku"}))
    assert {row["sku"]: [field["name"] for field in row["missing"]] for row in rows} == {
        "G-2": ["end_of_life"],
        "G-3": ["country_of_origin", "end_of_life"],
        "L-2": ["weight_kg"],
    }
    assert [row["sku"] for row in rows] == ["G-2", "G-3", "L-2"]
    assert rows[0]["missing"][0]["label"] == "End of life"
    assert [row["sku"] for row in data(api.get(LACKING, {"category": "battery_lmt"}))] == ["L-2"]


def test_the_list_is_paged(api: APIClient, catalogue: BrandWorld):
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        body = api.get(LACKING, {"page_size": 1, "ordering": "-sku", **cursor}).json()
        seen += [row["sku"] for row in body["data"]]
        if body["meta"]["next_cursor"] is None:
            break
        cursor = {"cursor": body["meta"]["next_cursor"]}
    assert seen == ["L-2", "G-3", "G-2"]


@pytest.mark.parametrize("accept", ["*/*", "text/csv", "application/json"])
def test_the_list_comes_as_a_file_whose_cells_are_no_formulas(
    api: APIClient, catalogue: BrandWorld, accept: str
):
    answer = api.get(FILE, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="not-ready-products.csv"' in answer.headers["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["sku"] for row in rows] == ["G-2", "G-3", "L-2"]
    assert rows[1]["name"] == "'=1+1"
    assert rows[1]["missing_fields"] == "country_of_origin; end_of_life"
    assert rows[1]["missing_labels"] == "Country of origin; End of life"


def test_the_file_is_read_in_steps_without_loss(
    api: APIClient, catalogue: BrandWorld, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("minting.catalogue.readiness_report._ROWS_A_STEP", 1)
    text = b"".join(api.get(FILE).streaming_content).decode()
    assert [line.split(",")[0] for line in text.splitlines()] == ["sku", "G-2", "G-3", "L-2"]


@pytest.mark.parametrize("path", [REPORT, LACKING, FILE])
def test_a_filter_that_is_not_known_is_refused_in_the_envelope(api: APIClient, path: str):
    refused = api.get(path, {"category": "food"}, headers={"Accept": "text/csv, */*"})
    assert refused.status_code == 400
    assert faults(refused) == {("category", "INVALID_CHOICE")}


def test_the_report_follows_every_writer(api: APIClient, nordhav: BrandWorld):
    product = data(api.post(PRODUCTS, product_body(dpp=without("generic", "end_of_life"))), 201)
    assert data(api.get(REPORT))["not_ready"] == 1
    assert [row["sku"] for row in data(api.get(PRODUCTS, {"ready": "false"}))] == ["TEE-1"]
    data(api.patch(f"{PRODUCTS}{product['id']}/", {"dpp": ready_passport("generic")}))
    assert data(api.get(REPORT))["ready"] == 1
    assert [row["sku"] for row in data(api.get(PRODUCTS, {"ready": "true"}))] == ["TEE-1"]
    header = ("sku", "name", "category", "dpp")
    data(upload(api, csv_text(header, ["TEE-1", "Tee", "generic", "{}"])))
    report = data(api.get(REPORT))
    assert (report["ready"], report["not_ready"], report["outdated"]) == (0, 1, 0)


def test_a_report_takes_as_many_queries_for_many_products_as_for_few(
    api: APIClient, nordhav: BrandWorld
):
    def queries() -> int:
        with CaptureQueriesContext(connection) as made:
            data(api.get(REPORT))
        return len(made)

    make_product(nordhav, dpp={})
    queries()
    few = queries()
    for _ in range(30):
        make_product(nordhav, dpp={})
    assert queries() == few


def outdate(world: BrandWorld) -> None:
    """Leave the kept answers as an earlier schema gave them: wrong."""
    with brand_scope(world.brand.id):
        ProductReadiness.objects.update(
            schema_version=0, ready=False, missing=1, missing_fields=["gone"]
        )


def test_an_answer_of_an_earlier_schema_is_told_and_never_shown_for_the_present_one(
    api: APIClient, nordhav: BrandWorld
):
    make_product(nordhav)
    outdate(nordhav)
    assert data(api.get(REPORT))["outdated"] == 1
    (row,) = data(api.get(PRODUCTS))
    assert row["ready"] is True
    with brand_scope(nordhav.brand.id):
        assert [refresh()[0], refresh()[0]] == [1, 0]
    report = data(api.get(REPORT))
    assert (report["ready"], report["outdated"]) == (1, 0)


def test_an_older_answer_never_replaces_a_newer_one(api: APIClient, nordhav: BrandWorld):
    from minting.catalogue.assessments import assessed, store_assessments

    product = make_product(nordhav)
    data(api.patch(f"{PRODUCTS}{product.id}/", {"dpp": {}}))
    with brand_scope(nordhav.brand.id):
        store_assessments([assessed(product)])
        kept = ProductReadiness.objects.get()
    assert (kept.dpp_version, kept.ready) == (2, False)


@pytest.mark.django_db(transaction=True)
def test_the_command_renews_the_answers_of_every_brand(settings: Settings):
    worlds = [make_world(name) for name in ("one", "two")]
    for world in worlds:
        make_product(world)
        outdate(world)
    try:
        with pytest.raises(CommandError, match="TIEBACK_PLANE=console"):
            call_command("refresh_readiness")
        settings.PLANE = CONSOLE
        for expected in ("2 products", "0 products"):
            said = io.StringIO()
            with acting_as("console"):
                call_command("refresh_readiness", stdout=said)
            assert said.getvalue().startswith(expected)
        for world in worlds:
            with brand_scope(world.brand.id):
                assert ProductReadiness.objects.get().ready
    finally:
        clear_everything()
