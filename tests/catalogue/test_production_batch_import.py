"""Importing production batches: the ERP's file, as often as the ERP likes to send it."""

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.catalogue.calls import (
    PRODUCTION_BATCH_IMPORT,
    PRODUCTION_BATCHES,
    audited,
    counts,
    csv_text,
    data,
    faults,
    row_faults,
    stored_run,
    upload,
)
from tests.factories import BrandWorld, make_product, make_production_batch
from tests.minting.requests import request_for, submit

pytestmark = pytest.mark.django_db

HEADER = ("external_ref", "sku", "status", "quantity")
DEMO = Path(__file__).parents[2] / "demo" / "production_batches.csv"


def send(api: APIClient, *rows: list[object], dry_run: bool = False) -> dict:
    file = csv_text(HEADER, *rows)
    return data(upload(api, file, path=PRODUCTION_BATCH_IMPORT, dry_run=dry_run))


def test_a_file_inserts_updates_and_leaves_alone(api: APIClient, nordhav: BrandWorld):
    make_product(nordhav, sku="Tee")
    first = [["PO-1", "TEE", "READY", 10], ["PO-2", "Tee", "", ""]]
    assert counts(send(api, *first)) == {"inserted": 2}
    run = stored_run(nordhav, "PO-2")
    assert (run.status, run.quantity) == ("PLANNED", None)
    assert counts(send(api, *first)) == {"unchanged": 2}
    second = [["po-1", "tee", "CLOSED", ""], ["PO-2", "Tee", "", 7], ["PO-3", "Tee", "", 1]]
    report = send(api, *second)
    assert [row["outcome"] for row in report["rows"]] == ["updated", "updated", "inserted"]
    assert report["rows"][0]["external_ref"] == "po-1"
    run = stored_run(nordhav, "PO-1")
    assert (run.status, run.quantity) == ("CLOSED", 10)
    assert stored_run(nordhav, "PO-2").quantity == 7


def test_each_row_in_error_says_why(api: APIClient, nordhav: BrandWorld, strangers: BrandWorld):
    make_product(nordhav, sku="Tee")
    make_product(strangers, sku="Theirs")
    report = send(
        api,
        ["", "Tee", "", ""],
        ["PO-1", "Theirs", "", ""],
        ["PO-2", "", "", ""],
        ["PO-3", "Tee", "ready", "0"],
        ["PO-4", "Tee", "", "1.5"],
        ["PO-5", "Tee", "", "2,000"],
        ["PO-6", "Tee", "", "1E+06"],
        ["PO-7", "Tee", "", str(2**53)],
        ["PO-8", "Tee", "", "\u0663"],
        ["x" * 65, "Tee", "", ""],
        ["PO-9", "Tee", "READY", "5"],
        ["po-9", "Tee", "READY", "5"],
    )
    assert counts(report) == {"inserted": 1, "errors": 11}
    assert row_faults(report) == {
        2: {("external_ref", "BLANK")},
        3: {("sku", "NOT_FOUND")},
        4: {("sku", "BLANK")},
        5: {("status", "INVALID_CHOICE"), ("quantity", "INVALID")},
        6: {("quantity", "INVALID")},
        7: {("quantity", "INVALID")},
        8: {("quantity", "INVALID")},
        9: {("quantity", "INVALID")},
        10: {("quantity", "INVALID")},
        11: {("external_ref", "MAX_LENGTH")},
        13: {("external_ref", "DUPLICATE_IN_FILE")},
    }
    assert "spreadsheet" in report["rows"][6]["errors"][0]["message"]


def test_what_units_were_minted_for_is_settled(api: APIClient, nordhav: BrandWorld):
    tee, cup = make_product(nordhav, sku="Tee"), make_product(nordhav, sku="Cup")
    run = make_production_batch(nordhav, tee, external_ref="PO-1", quantity=100)
    make_production_batch(nordhav, tee, external_ref="PO-2", quantity=100)
    submit(nordhav, request_for(tee, 60, production_batch_id=run.id))
    report = send(api, ["PO-1", "Cup", "", "59"], ["PO-2", "Cup", "", "59"])
    assert counts(report) == {"updated": 1, "errors": 1}
    assert row_faults(report) == {
        2: {("sku", "PRODUCTION_BATCH_IN_USE"), ("quantity", "QUANTITY_COMMITTED")}
    }
    assert stored_run(nordhav, "PO-1").quantity == 100
    assert stored_run(nordhav, "PO-2").product_id == cup.id
    assert counts(send(api, ["PO-1", "Tee", "", "60"])) == {"updated": 1}


def test_a_dry_run_reports_the_same_and_writes_nothing(api: APIClient, nordhav: BrandWorld):
    make_product(nordhav, sku="Tee")
    rows = (["PO-1", "Tee", "READY", 10], ["PO-2", "Tee", "", "x"])
    dry = send(api, *rows, dry_run=True)
    assert counts(dry) == {"inserted": 1, "errors": 1}
    assert data(api.get(PRODUCTION_BATCHES)) == []
    assert audited(nordhav) == []
    assert {**send(api, *rows), "dry_run": True} == dry


def test_an_import_is_audited_as_a_file_and_row_by_row(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, sku="Tee")
    send(api, ["PO-1", "Tee", "READY", 10])
    send(api, ["PO-1", "Tee", "READY", 11])
    created, _, updated, imported = audited(nordhav)
    assert created.after == {
        "external_ref": "PO-1",
        "product_id": str(product.id),
        "status": "READY",
        "quantity": 10,
    }
    assert (updated.before, updated.after) == ({"quantity": 10}, {"quantity": 11})
    assert imported.action == "production_batches.imported"
    assert imported.after["updated"] == 1


def test_the_header_is_checked(api: APIClient):
    response = upload(api, "external_ref,gtin\n", path=PRODUCTION_BATCH_IMPORT)
    assert faults(response) == {("gtin", "UNKNOWN_COLUMN"), ("sku", "MISSING_COLUMN")}


def test_a_file_of_many_rows_takes_as_many_queries_as_one_of_few(
    api: APIClient, nordhav: BrandWorld
):
    make_product(nordhav, sku="Tee")
    send(api, *([f"PO-{n}", "Tee", "READY", 10] for n in range(300)))

    def queries(count: int) -> int:
        with CaptureQueriesContext(connection) as made:
            rows = ([f"PO-{n}", "Tee", "READY", 20 + count] for n in range(count))
            assert send(api, *rows)["updated"] == count
        return len(made)

    assert queries(300) == queries(2)


def test_the_demos_production_batches_are_taken(api: APIClient, nordhav: BrandWorld):
    lines = DEMO.read_text(encoding="utf-8").splitlines()[1:]
    for sku in {line.split(",")[1] for line in lines}:
        make_product(nordhav, sku=sku)
    file = DEMO.read_bytes()
    assert counts(data(upload(api, file, path=PRODUCTION_BATCH_IMPORT))) == {"inserted": len(lines)}
    assert counts(data(upload(api, file, path=PRODUCTION_BATCH_IMPORT))) == {
        "unchanged": len(lines)
    }
