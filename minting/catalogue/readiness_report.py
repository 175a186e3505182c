"""How ready a whole catalogue is for minting, counted by the database from the kept answers.

Nothing here reads passport data: a report over 100,000 products reads one narrow row for each.
"""

import csv
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from typing import IO, Any

from django.db.models import Count, F, Func, Q, QuerySet, Sum

from minting.catalogue.assessments import outdated
from minting.models import Product, ProductReadiness
from minting.passport_schema import UnknownCategory, load
from minting.readiness import Answer

_MOST_FIELDS = 20
_ROWS_A_STEP = 2_000
_IN_MEMORY = 1 << 20
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

CSV_COLUMNS = (
    *("sku", "name", "gtin", "mpn", "category", "commercial_status", "dpp_version"),
    *("missing", "missing_fields", "missing_labels"),
)
_READ = (
    *("id", "sku", "name", "gtin", "mpn", "category", "commercial_status", "dpp_version"),
    "readiness__missing_fields",
)


@dataclass(frozen=True)
class Report:
    """The catalogue by category, and the fields that products lack most often."""

    categories: list[dict[str, Any]]
    most_missing: list[dict[str, Any]]
    outdated: int

    def total(self, name: str) -> int:
        """Return the sum of a figure over the categories."""
        return sum(int(category[name]) for category in self.categories)


def readiness_report(condition: Q) -> Report:
    """Count the products that meet a condition on products."""
    kept = _kept(condition)
    return Report(_by_category(kept), _most_missing(kept), _outdated(condition))


def lacking(products: QuerySet[Product]) -> QuerySet[Product]:
    """Return the products that are not ready, with what they lack."""
    return products.select_related("readiness").filter(readiness__ready=False).defer("dpp")


def label_of(category: str, name: str) -> str:
    """Return a passport field's name in the words of brand staff."""
    try:
        field = load(category).fields.get(name)
    except UnknownCategory:
        return name
    return field.label if field else name


def lacking_as_csv(condition: Q) -> IO[bytes]:
    """Return a file of all products that are not ready, by SKU.

    Beyond a megabyte it lies on disk, and rows are read some thousands at a time.
    """
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    writer.writerows(_csv_rows(condition))
    text.flush()
    text.detach()
    file.seek(0)
    return file


def _kept(condition: Q) -> QuerySet[ProductReadiness]:
    rows = ProductReadiness.objects.order_by()
    if not condition:
        return rows
    return rows.filter(product__in=Product.objects.filter(condition).order_by().values("id"))


def _by_category(kept: QuerySet[ProductReadiness]) -> list[dict[str, Any]]:
    answers = {f"sum_{answer.value}": Sum(answer.value) for answer in Answer}
    rows = kept.values("category").annotate(
        products=Count("product_id"), ready=Count("product_id", filter=Q(ready=True)), **answers
    )
    found: Iterable[Any] = rows.order_by("category")
    return [
        {
            "category": row["category"],
            "products": row["products"],
            "ready": row["ready"],
            "not_ready": row["products"] - row["ready"],
            "answers": {answer.value: row[f"sum_{answer.value}"] for answer in Answer},
        }
        for row in found
    ]


def _most_missing(kept: QuerySet[ProductReadiness]) -> list[dict[str, Any]]:
    names = Func(F("missing_fields"), function="unnest")
    rows = kept.filter(ready=False).annotate(field=names).values("category", "field")
    counted = rows.annotate(products=Count("product_id")).order_by("-products", "category", "field")
    return [
        {**row, "label": label_of(row["category"], row["field"])} for row in counted[:_MOST_FIELDS]
    ]


def _outdated(condition: Q) -> int:
    return outdated(Product.objects.filter(condition)).order_by().count()


def _csv_rows(condition: Q) -> Iterator[tuple[object, ...]]:
    rows = Product.objects.filter(condition, readiness__ready=False).order_by("sku", "id")
    last: tuple[str, Any] | None = None
    while True:
        step = rows if last is None else rows.filter(_after(*last))
        found = list(step.values(*_READ)[:_ROWS_A_STEP])
        yield from map(_csv_row, found)
        if len(found) < _ROWS_A_STEP:
            return
        last = found[-1]["sku"], found[-1]["id"]


def _after(sku: str, id_: object) -> Q:
    return Q(sku__gte=sku) & (Q(sku__gt=sku) | Q(id__gt=id_))


def _csv_row(row: Mapping[str, Any]) -> tuple[object, ...]:
    names: list[str] = row["readiness__missing_fields"]
    return (
        *(_inert(row["sku"]), _inert(row["name"]), row["gtin"] or "", _inert(row["mpn"] or "")),
        *(row["category"], row["commercial_status"], row["dpp_version"], len(names)),
        "; ".join(names),
        "; ".join(label_of(row["category"], name) for name in names),
    )


def _inert(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
