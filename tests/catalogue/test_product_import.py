"""Importing products: each row for itself, the others with it, and the same file twice for free."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.catalogue.calls import (
    PRODUCTS,
    audited,
    code,
    counts,
    csv_text,
    data,
    row_faults,
    stored,
    upload,
    versions,
)
from tests.factories import BrandWorld, make_product, make_world
from tests.minting.requests import request_for, submit
from tests.passports import ready_passport

pytestmark = pytest.mark.django_db

DEMO = Path(__file__).parents[2] / "demo"
HEADER = ("sku", "name", "gtin", "category", "commercial_status", "dpp")
MINIMAL = ("sku", "name", "category")


def row(number: int, **fields: object) -> list[object]:
    values = {
        "sku": f"S-{number}",
        "name": f"Product {number}",
        "gtin": code(number),
        "category": "generic",
        "commercial_status": "active",
        "dpp": json.dumps(ready_passport("generic")),
    }
    return [{**values, **fields}[column] for column in HEADER]


def send(api: APIClient, *rows: list[object], dry_run: bool = False) -> dict:
    return data(upload(api, csv_text(HEADER, *rows), dry_run=dry_run))


def test_a_file_inserts_products_with_their_first_passport_version(
    api: APIClient, nordhav: BrandWorld
):
    report = send(api, row(1), row(2, dpp="", gtin="", commercial_status=""))
    assert report == {
        "dry_run": False,
        "total": 2,
        "inserted": 2,
        "updated": 0,
        "unchanged": 0,
        "errors": 0,
        "errors_omitted": 0,
        "rows": [
            {"line": 2, "sku": "S-1", "outcome": "inserted", "errors": []},
            {"line": 3, "sku": "S-2", "outcome": "inserted", "errors": []},
        ],
    }
    first = data(api.get(f"{PRODUCTS}{stored(nordhav, 'S-1').id}/"))
    assert first["dpp"] == ready_passport("generic")
    assert first["gtin"] == code(1)
    assert first["ready"] is True
    assert versions(nordhav, "S-1") == [(1, "generic", ready_passport("generic"))]
    second = stored(nordhav, "S-2")
    assert (second.gtin, second.commercial_status, second.dpp) == (None, "draft", {})


def test_the_same_file_again_changes_nothing(api: APIClient, nordhav: BrandWorld):
    send(api, row(1), row(2))
    before = stored(nordhav, "S-1")
    assert counts(send(api, row(1), row(2))) == {"unchanged": 2}
    after = stored(nordhav, "S-1")
    assert (after.updated_at, after.dpp_version) == (before.updated_at, 1)


def test_a_changed_row_updates_its_product_whatever_the_case_of_its_sku(
    api: APIClient, nordhav: BrandWorld
):
    send(api, row(1), row(2))
    passport = {**ready_passport("generic"), "end_of_life": "Bring it back."}
    report = send(api, row(1, sku="s-1", name="New"), row(2, dpp=json.dumps(passport)))
    assert counts(report) == {"updated": 2}
    first, second = stored(nordhav, "S-1"), stored(nordhav, "S-2")
    assert (first.name, first.dpp_version) == ("New", 1)
    assert second.dpp_version == 2
    assert versions(nordhav, "S-2")[1] == (2, "generic", passport)


def test_an_empty_cell_leaves_what_is_stored(api: APIClient, nordhav: BrandWorld):
    send(api, row(1))
    report = send(api, row(1, gtin="", commercial_status="", dpp="", name="New"))
    assert counts(report) == {"updated": 1}
    product = stored(nordhav, "S-1")
    assert product.gtin == code(1)
    assert product.commercial_status == "active"
    assert product.dpp == ready_passport("generic")


def test_a_missing_column_leaves_what_is_stored(api: APIClient, nordhav: BrandWorld):
    send(api, row(1))
    report = data(upload(api, csv_text(MINIMAL, ["S-1", "New", "generic"])))
    assert counts(report) == {"updated": 1}
    assert stored(nordhav, "S-1").gtin == code(1)


def test_single_passport_fields_are_set_in_their_types_and_the_others_stay(
    api: APIClient, nordhav: BrandWorld
):
    header = (*MINIMAL, "dpp.end_of_life", "dpp.contains_substances_of_concern", "dpp.materials")
    materials = [{"material": "steel", "percentage": 99.5}]
    send(api, row(1))
    file = csv_text(header, ["S-1", "P", "generic", "Bin.", "no", json.dumps(materials)])
    assert counts(data(upload(api, file))) == {"updated": 1}
    dpp = stored(nordhav, "S-1").dpp
    assert dpp["end_of_life"] == "Bin."
    assert dpp["contains_substances_of_concern"] is False
    assert dpp["materials"] == materials
    assert dpp["manufacturer_name"] == ready_passport("generic")["manufacturer_name"]
    assert counts(data(upload(api, file))) == {"unchanged": 1}


def test_single_fields_win_over_the_whole_passport_of_the_same_row(
    api: APIClient, nordhav: BrandWorld
):
    whole = json.dumps({"end_of_life": "Whole.", "manufacturer_name": "Nordhav"})
    file = csv_text((*MINIMAL, "dpp", "dpp.end_of_life"), ["S-1", "P", "generic", whole, "Single."])
    assert counts(data(upload(api, file))) == {"inserted": 1}
    assert stored(nordhav, "S-1").dpp == {"end_of_life": "Single.", "manufacturer_name": "Nordhav"}


def test_a_row_in_error_keeps_no_other_from_being_written(api: APIClient, nordhav: BrandWorld):
    report = send(
        api,
        row(1, name="", gtin="123", category="food", commercial_status="gone"),
        row(2),
        row(3, dpp=json.dumps({"colour": "red", "manufacturer_name": 5})),
        row(4, dpp="{", sku="x" * 65),
        row(5, dpp="[]"),
        row(6, gtin="04006381333931"),
    )
    assert counts(report) == {"inserted": 1, "errors": 5}
    assert row_faults(report) == {
        2: {
            ("name", "BLANK"),
            ("gtin", "GTIN_INVALID"),
            ("category", "INVALID_CHOICE"),
            ("commercial_status", "INVALID_CHOICE"),
        },
        4: {("dpp.colour", "UNKNOWN_FIELD"), ("dpp.manufacturer_name", "INVALID_TYPE")},
        5: {("dpp", "INVALID_JSON"), ("sku", "MAX_LENGTH")},
        6: {("dpp", "INVALID_TYPE")},
        7: {("gtin", "GTIN_PREFIX_NOT_OWNED")},
    }
    assert [row["sku"] for row in data(api.get(PRODUCTS))] == ["S-2"]


def test_what_a_file_names_twice_is_an_error_on_the_later_row(api: APIClient, nordhav: BrandWorld):
    report = send(api, row(1), row(2, sku="s-1"), row(3, gtin=code(1)))
    assert counts(report) == {"inserted": 1, "errors": 2}
    assert row_faults(report) == {
        3: {("sku", "DUPLICATE_IN_FILE")},
        4: {("gtin", "DUPLICATE_IN_FILE")},
    }
    assert "Line 2" in report["rows"][1]["errors"][0]["message"]


def test_a_gtin_of_another_product_is_refused_by_the_name_of_that_product(
    api: APIClient, nordhav: BrandWorld, strangers: BrandWorld
):
    make_product(nordhav, sku="Holder", gtin=code(1))
    make_product(strangers, sku="Theirs", gtin=code(2))
    report = send(api, row(1), row(2))
    assert counts(report) == {"inserted": 1, "errors": 1}
    (fault,) = report["rows"][0]["errors"]
    assert (fault["field"], fault["code"]) == ("gtin", "TAKEN")
    assert "Holder" in fault["message"]


def test_a_gtin_that_codes_of_another_product_carry_is_refused(api: APIClient, nordhav: BrandWorld):
    send(api, row(1), row(2))
    submit(nordhav, request_for(stored(nordhav, "S-1")))
    send(api, row(1, gtin=code(11)), row(2, gtin=code(12)))
    report = send(api, row(3, gtin=code(1)), row(4, gtin=code(2)))
    assert row_faults(report) == {2: {("gtin", "GTIN_RESERVED")}}
    assert report["rows"][0]["errors"][0]["detail"] == {"sku": "S-1"}
    assert counts(send(api, row(1, gtin=code(1)))) == {"updated": 1}


def test_another_category_needs_a_passport_of_that_category(api: APIClient, nordhav: BrandWorld):
    send(api, row(1), row(2))
    textile = json.dumps(ready_passport("textile"))
    report = send(api, row(1, category="textile", dpp=""), row(2, category="textile", dpp=textile))
    assert counts(report) == {"updated": 1, "errors": 1}
    assert ("dpp.country_of_origin", "UNKNOWN_FIELD") in row_faults(report)[2]
    assert [v[:2] for v in versions(nordhav, "S-2")] == [(1, "generic"), (2, "textile")]


def test_a_dry_run_reports_the_same_and_writes_nothing(api: APIClient, nordhav: BrandWorld):
    send(api, row(1))
    rows = (row(1, name="New"), row(2), row(3, gtin="123"))
    dry = send(api, *rows, dry_run=True)
    assert counts(dry) == {"inserted": 1, "updated": 1, "errors": 1}
    assert stored(nordhav, "S-1").name == "Product 1"
    assert len(data(api.get(PRODUCTS))) == 1
    assert len(audited(nordhav, ["products.imported"])) == 1
    wet = send(api, *rows)
    assert {**wet, "dry_run": True} == dry


def test_an_import_tells_the_audit_trail_of_the_file_and_of_each_product(
    api: APIClient, nordhav: BrandWorld
):
    send(api, row(1), row(2, gtin="123"))
    send(api, row(1, name="New"))
    entries = [(entry.action, entry.before, entry.after) for entry in audited(nordhav)]
    summary = {"total": 2, "inserted": 1, "updated": 0, "unchanged": 0, "errors": 1}
    assert [action for action, _, _ in entries] == [
        "product.created",
        "products.imported",
        "product.updated",
        "products.imported",
    ]
    assert entries[1][2] == summary
    assert entries[2][1:] == ({"name": "Product 1"}, {"name": "New"})


def test_only_the_first_thousand_errors_are_listed(api: APIClient):
    rows = [[f"S-{n}", "P", "food"] for n in range(1_005)] + [["S-x", "P", "generic"]]
    report = data(upload(api, csv_text(MINIMAL, *rows)))
    assert (report["errors"], report["errors_omitted"], report["inserted"]) == (1_005, 5, 1)
    assert len(report["rows"]) == 1_001
    assert report["rows"][-1]["outcome"] == "inserted"


def test_a_file_of_many_rows_takes_no_more_queries_than_one_of_few(
    api: APIClient, nordhav: BrandWorld
):
    send(api, row(1))

    def queries(first: int, last: int) -> int:
        rows = [row(n, dpp="", name="Renamed") for n in range(first, last)]
        with CaptureQueriesContext(connection) as made:
            assert send(api, *rows)["errors"] == 0
        return len(made)

    few = queries(1, 4)
    assert queries(1, 300) <= few


def test_the_demos_catalogue_is_taken_whole_and_again_unchanged(
    client_of: Callable[..., APIClient], db: None
):
    api = client_of(make_world("demo", gs1_prefixes=["9524010"]))
    file = (DEMO / "products.csv").read_bytes()
    first, again = data(upload(api, file)), data(upload(api, file))
    assert counts(first) == {"inserted": first["total"]}
    assert counts(again) == {"unchanged": first["total"]}
