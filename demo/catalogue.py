"""Brings the demo's catalogue in by CSV, and shows what keeps two of its products from minting."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.api_client import ApiClient
from demo.report import Checks

FOLDER = Path(__file__).parent
NOT_READY = 2


@dataclass(frozen=True)
class Table:
    """A CSV file of the catalogue and where it goes."""

    file_name: str
    path: str
    key: str

    @property
    def content(self) -> bytes:
        """The file as it is sent."""
        return (FOLDER / self.file_name).read_bytes()

    def row_count(self) -> int:
        """Return how many rows the file has below its header."""
        return sum(1 for _ in csv.DictReader(self.content.decode().splitlines(keepends=True)))


PRODUCTS = Table("products.csv", "/products/", "sku")
PRODUCTION_BATCHES = Table("production_batches.csv", "/production-batches/", "external_ref")


def import_table(api: ApiClient, checks: Checks, table: Table) -> None:
    """Import a file: rehearse it, do it, and do it again to see that nothing happens twice."""
    name, total = table.file_name, table.row_count()
    rehearsal = _import(api, table, dry_run="true")
    stored = len(list(api.rows(table.path)))
    checks.check(
        f"{name}: a dry run would insert {total} rows, and writes none",
        [
            *report_faults(rehearsal, table.key, inserted=total),
            *([f"{stored} rows are stored"] if stored else []),
        ],
    )
    done = _import(api, table)
    stored = len(list(api.rows(table.path)))
    checks.check(
        f"{name}: {total} rows imported, none in error",
        [
            *report_faults(done, table.key, inserted=total),
            *([f"{stored} rows are stored"] if stored != total else []),
        ],
    )
    again = _import(api, table)
    checks.check(
        f"{name}: importing it again changes nothing",
        report_faults(again, table.key, unchanged=total),
    )


def report_faults(report: dict[str, Any], key: str, **expected: int) -> Iterator[str]:
    """Yield the rows in error, and every count that is not as expected; others must be zero."""
    for row in report["rows"]:
        for error in row["errors"]:
            yield f"line {row['line']} ({row[key]}) {error['field']}: {error['message']}"
    for outcome in ("inserted", "updated", "unchanged", "errors"):
        if report[outcome] != expected.get(outcome, 0):
            yield f"{report[outcome]} {outcome} instead of {expected.get(outcome, 0)}"


def show_unready(api: ApiClient, checks: Checks) -> dict[str, list[str]]:
    """Print what each product that is not ready lacks; return the fields by product id."""
    products = list(api.rows(PRODUCTS.path))
    categories = {product["category"] for product in products}
    unready = [product for product in products if not product["ready"]]
    ready = len(products) - len(unready)
    faults = [] if len(unready) == NOT_READY else [f"{len(unready)} are not ready"]
    if len(categories) < 3:
        faults.append(f"only {len(categories)} categories")
    checks.check(
        f"{ready} products in {len(categories)} categories are ready to mint, {NOT_READY} are not",
        faults,
    )
    missing: dict[str, list[str]] = {}
    for product in unready:
        answer = api.get(f"{PRODUCTS.path}{product['id']}/readiness/").require(200)
        missing[product["id"]] = answer["missing"]
        checks.check(
            f"{product['sku']} {product['name']} lacks {', '.join(answer['missing'])}",
            [] if answer["missing"] else ["the report names no missing field"],
        )
    return missing


def show_blocked(api: ApiClient, checks: Checks, missing: dict[str, list[str]]) -> None:
    """Ask for what cannot be minted: every reason comes at once and nothing is written."""
    product_id, fields = min(missing.items(), key=lambda entry: len(entry[1]))
    planned = api.one(PRODUCTION_BATCHES.path, status="PLANNED")
    wanted = {
        "product_id": product_id,
        "production_batch_id": planned["id"],
        "quantity": planned["remaining_quantity"] + 1,
        "identity_mode": "serial",
        "activation_mode": "first_scan",
    }
    expected = {
        "MINT_READINESS_NOT_READY",
        "PRODUCTION_BATCH_PRODUCT_MISMATCH",
        "PRODUCTION_BATCH_NOT_READY",
        "PRODUCTION_BATCH_QUANTITY_EXCEEDED",
    }
    preflight = api.post("/mint-requests/preflight/", wanted).require(200)
    told = {reason["code"] for reason in preflight["blocking_reasons"]}
    checks.equal("a preflight names every reason against it", told, expected)
    refused = api.post("/mint-requests/", wanted, idempotency_key="demo-blocked")
    checks.check(
        f"so does a submit, which is refused with 422 and {len(expected)} reasons",
        _refusal_faults(refused.status, str(refused.error.get("code")), refused.reasons, expected),
    )
    for field in refused.error.get("fields", ()):
        checks.note(f"{field['code']}: {field['message']}")
        if field["code"] == "MINT_READINESS_NOT_READY":
            listed = [gap["field"] for gap in (field.get("detail") or {}).get("missing", ())]
            checks.equal(
                "its readiness reason lists the missing fields",
                listed,
                [f"dpp.{name}" for name in fields],
            )
    checks.check("the refused request has written nothing", _traces(api, planned))


def _import(api: ApiClient, table: Table, **params: object) -> dict[str, Any]:
    report: dict[str, Any] = api.post_csv(f"{table.path}import/", table.content, **params).require(
        200
    )
    return report


def _refusal_faults(status: int, code: str, told: list[str], expected: set[str]) -> Iterator[str]:
    if (status, code) != (422, "MINT_BLOCKED"):
        yield f"it answered {status} {code}"
    if absent := expected - set(told):
        yield f"{', '.join(sorted(absent))} not told"
    if surplus := set(told) - expected:
        yield f"{', '.join(sorted(surplus))} told without cause"


def _traces(api: ApiClient, production_batch: dict[str, Any]) -> Iterator[str]:
    """Yield whatever a refused request has left behind."""
    for path in ("/mint-jobs/", "/mint-batches/", "/mint-events/"):
        if found := len(list(api.rows(path))):
            yield f"{found} rows under {path}"
    path = f"{PRODUCTION_BATCHES.path}{production_batch['id']}/"
    remaining = api.get(path).require(200)["remaining_quantity"]
    if remaining != production_batch["remaining_quantity"]:
        yield f"{remaining} units left of {production_batch['external_ref']}"
