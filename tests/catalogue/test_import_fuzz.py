"""Whatever bytes are sent as a file: a report or a refusal, and the same file again is quiet."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from tests.catalogue.calls import PRODUCT_IMPORT, PRODUCTION_BATCH_IMPORT, code, csv_text, upload
from tests.factories import BrandWorld, make_product

pytestmark = pytest.mark.django_db

FUZZ = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_ODD = st.sampled_from(
    [
        "",
        " ",
        "'=1",
        "\x00",
        "\n",
        "\r",
        '"',
        "{",
        "{}",
        "[]",
        "[[[[[[[[" * 60,
        "[" * 5_000,
        "null",
        "NaN",
        "1e999",
        "9" * 5_000,
        "-0.0",
        '{"a": 1e999}',
        '{"manufacturer_name": "x"}',
        '{"manufacturer_name": "\\ud800"}',
        '{"\\u0000": 1}',
        '[{"material": "\\u0000"}]',
        '[{"material": "wool", "percentage": 1e15}]',
        '[{"material": "wool", "percentage": 33.333333333333336}]',
        "9.50E+12",
        "\u0130",
        "\u212a",
        "\ufeff",
        "\U0001f9e6",
        "\u00df",
        "e\u0301",
        "true",
        "yes",
        "textile",
        "generic",
        "battery_ev",
        "active",
        "READY",
        "S-1",
        "s-1",
        "Tee",
        code(1),
        code(2)[1:],
        "9007199254740991",
        "9007199254740992",
        "x" * 300,
    ]
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_CELL = _ODD | _TEXT
_PRODUCT_COLUMNS = (
    "gtin",
    "commercial_status",
    "dpp",
    "dpp.manufacturer_name",
    "dpp.manufacturer_address",
    "dpp.materials",
    "dpp.contains_substances_of_concern",
    "dpp.carbon_footprint_kg",
    "dpp.weight_grams",
    "dpp.fibre_composition",
)


def _files(required: tuple[str, ...], optional: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Make files whose header is right and whose cells may be anything."""

    def rows(extra: list[str]) -> st.SearchStrategy[str]:
        header = (*required, *extra)
        row = st.tuples(*(_CELL for _ in header))
        return st.lists(row, max_size=5).map(lambda rows: csv_text(header, *rows))

    return st.lists(st.sampled_from(optional), unique=True).flatmap(rows)


def check(api: APIClient, file: str | bytes, path: str) -> None:
    """Send a file dry, then for good, then again, and compare; leave nothing behind."""
    with transaction.atomic():
        dry = upload(api, file, path=path, dry_run=True)
        assert dry.status_code in {200, 400}, dry.content
        done = upload(api, file, path=path)
        assert done.status_code == dry.status_code
        if dry.status_code == 200:
            report, told = done.json()["data"], dry.json()["data"]
            assert {**report, "dry_run": True} == told
            again = upload(api, file, path=path).json()["data"]
            assert again["inserted"] == again["updated"] == 0
            assert again["errors"] == report["errors"]
        transaction.set_rollback(True)


@FUZZ
@given(file=_files(("sku", "name", "category"), _PRODUCT_COLUMNS))
def test_any_cells_of_products(api: APIClient, nordhav: BrandWorld, file: str):
    check(api, file, PRODUCT_IMPORT)


@FUZZ
@given(file=_files(("external_ref", "sku"), ("status", "quantity")))
def test_any_cells_of_production_batches(api: APIClient, nordhav: BrandWorld, file: str):
    with transaction.atomic():
        make_product(nordhav, sku="Tee")
        check(api, file, PRODUCTION_BATCH_IMPORT)
        transaction.set_rollback(True)


@FUZZ
@given(file=st.binary(max_size=200) | _TEXT.map(str.encode))
def test_any_bytes(api: APIClient, nordhav: BrandWorld, file: bytes):
    if file:
        check(api, file, PRODUCT_IMPORT)


@FUZZ
@given(tail=st.text(st.sampled_from('a,"\n\r;\x00 '), max_size=40))
def test_any_arrangement_of_quotes_and_commas(api: APIClient, nordhav: BrandWorld, tail: str):
    check(api, f"sku,name,category\n{tail}", PRODUCT_IMPORT)
