"""Calling the catalogue API in tests, and reading what it says."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from rest_framework.test import APIClient

from minting.models import PassportVersion, Product, ProductionBatch
from tests.factories import BrandWorld, gtin
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import brand_scope

PRODUCTS = "/api/v1/products/"
PRODUCT_IMPORT = f"{PRODUCTS}import/"
PRODUCTION_BATCHES = "/api/v1/production-batches/"
PRODUCTION_BATCH_IMPORT = f"{PRODUCTION_BATCHES}import/"


def code(number: int) -> str:
    """Return a GTIN-14 that no product of the factories has."""
    return gtin(90_000 + number)


def product_body(**fields: Any) -> dict[str, Any]:
    """Return the body of a new product."""
    body = {"sku": "TEE-1", "name": "T-shirt", "gtin": code(1), "category": "generic"}
    return {**body, **fields}


def faults(response: Any) -> set[tuple[str, str]]:
    """Return the faults an error answer lists, as field and code."""
    body = response.json()
    assert body["ok"] is False, body
    return {(fault["field"], fault["code"]) for fault in body["error"]["fields"]}


def data(response: Any, status: int = 200) -> Any:
    """Return what a successful answer carries."""
    assert response.status_code == status, response.content
    return response.json()["data"]


def csv_text(header: Sequence[str], *rows: Sequence[object]) -> str:
    """Return a CSV file."""
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue()


def upload(
    api: APIClient, file: str | bytes, *, path: str = PRODUCT_IMPORT, dry_run: bool = False
) -> Any:
    """Send a CSV file as the body."""
    content = file.encode() if isinstance(file, str) else file
    query = "?dry_run=true" if dry_run else ""
    return api.post(f"{path}{query}", content, content_type="text/csv")


def row_faults(report: dict[str, Any]) -> dict[int, set[tuple[str, str]]]:
    """Return the faults of each row in error, by line."""
    return {
        row["line"]: {(fault["field"], fault["code"]) for fault in row["errors"]}
        for row in report["rows"]
        if row["outcome"] == "error"
    }


def counts(report: dict[str, Any]) -> dict[str, int]:
    """Return the counts that are not zero."""
    names = ("inserted", "updated", "unchanged", "errors")
    return {name: report[name] for name in names if report[name]}


def stored(world: BrandWorld, sku: str) -> Product:
    """Return a product as it stands."""
    with brand_scope(world.brand.id):
        return Product.objects.get(sku=sku)


def stored_run(world: BrandWorld, ref: str) -> ProductionBatch:
    """Return a production batch as it stands."""
    with brand_scope(world.brand.id):
        return ProductionBatch.objects.get(external_ref=ref)


def versions(world: BrandWorld, sku: str) -> list[tuple[int, str, dict[str, Any]]]:
    """Return a product's passport versions: number, category and data."""
    with brand_scope(world.brand.id):
        rows = PassportVersion.objects.filter(product__sku=sku).order_by("number")
        return list(rows.values_list("number", "category", "dpp"))


def audited(world: BrandWorld, actions: Iterable[str] = ()) -> list[AuditEntry]:
    """Return the brand's audit entries, oldest first."""
    with brand_scope(world.brand.id):
        rows = AuditEntry.objects.order_by("id")
        wanted = tuple(actions)
        return list(rows.filter(action__in=wanted) if wanted else rows)
