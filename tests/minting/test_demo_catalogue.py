"""The demo brand's files: what they promise to show, they show."""

import csv
import json
from pathlib import Path
from typing import Any

from minting.gtin import belongs_to_prefix, is_valid, normalise
from minting.readiness import CATEGORIES, assess, shape_errors

DEMO = Path(__file__).parent.parent.parent / "demo"
NORDHAV_PREFIX = "9524010"  # under 952, the GS1 prefix set aside for demonstrations

NOT_READY = {
    "NH-HOD-070": ["fibre_composition", "care_instructions"],
    "NH-EVB-130": [
        "critical_raw_materials",
        "cycle_life_reference_test",
        "warranty_months",
        "declaration_of_conformity",
        "dismantling_documents",
        "test_reports",
    ],
}


def rows(name: str) -> list[dict[str, str]]:
    with (DEMO / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, strict=True))


def passport(product: dict[str, str]) -> Any:
    return json.loads(product["dpp"])


PRODUCTS = rows("products.csv")
RUNS = rows("production_batches.csv")


def test_the_columns_are_those_of_the_import() -> None:
    assert list(PRODUCTS[0]) == ["sku", "name", "gtin", "category", "commercial_status", "dpp"]
    assert list(RUNS[0]) == ["external_ref", "sku", "status", "quantity"]


def test_every_gtin_is_valid_unique_and_the_brands_own() -> None:
    gtins = [product["gtin"] for product in PRODUCTS]
    assert all(is_valid(gtin) for gtin in gtins)
    assert all(belongs_to_prefix(normalise(gtin), [NORDHAV_PREFIX]) for gtin in gtins)
    assert len({normalise(gtin) for gtin in gtins}) == len(PRODUCTS)


def test_skus_and_external_references_are_unique() -> None:
    assert len({product["sku"] for product in PRODUCTS}) == len(PRODUCTS) >= 14
    assert len({run["external_ref"] for run in RUNS}) == len(RUNS)


def test_every_category_is_well_represented() -> None:
    counts = {c: sum(product["category"] == c for product in PRODUCTS) for c in CATEGORIES}
    assert counts["textile"] >= 6
    assert counts["battery_ev"] >= 3
    assert counts["generic"] >= 3
    assert min(counts.values()) >= 1


def test_no_value_is_wrong_anywhere() -> None:
    wrong = {p["sku"]: shape_errors(p["category"], passport(p)) for p in PRODUCTS}
    assert not any(wrong.values()), wrong


def test_exactly_two_products_are_not_ready_and_for_known_reasons() -> None:
    gaps = {
        product["sku"]: [a.name for a in assess(product["category"], passport(product)).missing]
        for product in PRODUCTS
    }
    assert {sku: missing for sku, missing in gaps.items() if missing} == NOT_READY


def test_one_ready_product_is_still_a_draft() -> None:
    drafts = [p for p in PRODUCTS if p["commercial_status"] != "active"]
    assert [p["commercial_status"] for p in drafts] == ["draft"]
    assert assess(drafts[0]["category"], passport(drafts[0])).ready


def test_the_main_product_has_a_run_of_two_million() -> None:
    (run,) = [run for run in RUNS if run["sku"] == "NH-TEE-001"]
    assert (run["status"], run["quantity"]) == ("READY", "2000000")


def test_runs_are_of_known_products_and_mostly_ready() -> None:
    assert {run["sku"] for run in RUNS} <= {product["sku"] for product in PRODUCTS}
    assert all(int(run["quantity"]) > 0 for run in RUNS)
    statuses = [run["status"] for run in RUNS]
    assert statuses.count("PLANNED") == statuses.count("CLOSED") == 1
    mintable = {run["sku"] for run in RUNS if run["status"] == "READY"} - set(NOT_READY)
    assert len(mintable) >= 8
    assert len(statuses) == statuses.count("READY") + 2
