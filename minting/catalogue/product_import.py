"""Imports products from CSV, each row for itself: insert, update, nothing to do, or an error.

A row is matched by its SKU, whatever the case. An empty cell leaves what is stored as it is. The
column ``dpp`` replaces all passport data; the columns ``dpp.<field>`` set single fields in it. The
file is read before the brand's turn is taken; then a few queries settle all rows and a few
statements write them, so the database's work does not grow by a round trip a row.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models.functions import Lower

from minting.catalogue.assessments import assessed, store_assessments
from minting.catalogue.bulk import keep_versions, store_products
from minting.catalogue.changes import change_product, described
from minting.catalogue.csv_rows import CsvRow, read_rows
from minting.catalogue.drafts import Draft, Repetitions, to_insert, to_update
from minting.catalogue.matching import folded
from minting.catalogue.passport_cells import read_passport
from minting.catalogue.products import DESCRIBED, reserved_for, reserved_gtins
from minting.catalogue.report import ImportReport, file_imported
from minting.catalogue.turns import import_transaction, take_turn
from minting.catalogue.values import (
    LONGEST_MPN,
    LONGEST_NAME,
    LONGEST_SKU,
    line_of_text,
    one_of,
    owned_gtin,
    passport_faults,
    read_cells,
)
from minting.models import Product
from minting.readiness import CATEGORIES, fields, stated
from minting.states import CommercialStatus
from tieback.brands.audit import Act, Actor, record_all
from tieback.brands.models import Brand
from tieback.errors import FieldError

REQUIRED = ("sku", "name", "category")
COLUMNS = (*REQUIRED, "gtin", "mpn", "commercial_status", "dpp")


@dataclass
class _Draft(Draft[Product]):
    """A row of a file of products; ``dpp`` is ``None`` where the row has no such cell."""

    dpp: dict[str, Any] | None = None
    dpp_fields: dict[str, Any] = field(default_factory=dict)


def import_products(
    actor: Actor, content: bytes, *, dry_run: bool, request: Any = None
) -> ImportReport:
    """Import a file of products in the brand's transaction; a dry run only reports."""
    prefixes = Brand.objects.values_list("gs1_prefixes", flat=True).get(id=actor.brand_id)
    rows = read_rows(content, required=REQUIRED, known=known_columns())
    drafts = [_draft(row, prefixes) for row in rows]
    take_turn(actor.brand_id)
    _settle(actor, drafts)
    report = ImportReport([draft.outcome() for draft in drafts], dry_run)
    if not dry_run:
        with import_transaction():
            acts = [*_acts(drafts), file_imported("products", content, report)]
            record_all(actor, acts, request=request)
            _write(drafts, actor)
    return report


@cache
def known_columns() -> frozenset[str]:
    """Return every column a file of products may have."""
    passport = {f"dpp.{known.name}" for category in CATEGORIES for known in fields(category)}
    return frozenset(passport.union(COLUMNS))


def _draft(row: CsvRow, prefixes: Iterable[str]) -> _Draft:
    draft = _Draft(row.line, row.cells.get("sku", ""), faults=list(row.faults))
    if draft.faults:
        return draft
    readers = {
        "sku": lambda text: line_of_text(text, LONGEST_SKU),
        "name": lambda text: line_of_text(text, LONGEST_NAME),
        "category": lambda text: one_of(text, CATEGORIES),
        # An apostrophe makes a spreadsheet take digits for text, and some write it to the file.
        "gtin": lambda text: owned_gtin(text.removeprefix("'"), prefixes),
        "mpn": lambda text: line_of_text(text, LONGEST_MPN),
        "commercial_status": lambda text: one_of(text, CommercialStatus.values),
    }
    draft.values, draft.faults = read_cells(row.cells, readers, required=REQUIRED)
    if "category" in draft.values:
        passport = read_passport(draft.values["category"], row.cells)
        draft.dpp, draft.dpp_fields = passport.whole, passport.fields
        draft.faults += passport.faults
    return draft


def _settle(actor: Actor, drafts: list[_Draft]) -> None:
    """Decide for every row whether it inserts, updates or errs, with four queries in all."""
    keys = folded(draft.values["sku"] for draft in drafts if "sku" in draft.values)
    rows = Product.objects.annotate(folded=Lower("sku")).filter(folded__in=set(keys.values()))
    products = {product.folded: product for product in rows}
    gtins = {draft.values["gtin"] for draft in drafts if "gtin" in draft.values}
    holders = dict(Product.objects.filter(gtin__in=gtins).values_list("gtin", "sku"))
    reserved = reserved_gtins(gtins)
    repetitions = Repetitions()
    for draft in drafts:
        key = keys.get(draft.values.get("sku", ""))
        product = products.get(key) if key is not None else None
        draft.faults += repetitions.faults(draft.line, sku=key, gtin=draft.values.get("gtin"))
        draft.faults += _held_elsewhere(draft, product, holders)
        draft.faults += _printed_elsewhere(draft, product, reserved)
        wanted, faults = _wanted(draft, product)
        draft.faults += faults
        if draft.faults:
            continue
        if product is None:
            draft.new = Product(brand_id=actor.brand_id, **wanted)
        else:
            draft.change = change_product(product, wanted)


def _held_elsewhere(
    draft: _Draft, product: Product | None, holders: Mapping[str | None, str]
) -> Iterable[FieldError]:
    holder = holders.get(draft.values.get("gtin", ""))
    if holder is not None and (product is None or product.sku != holder):
        yield FieldError("gtin", "TAKEN", f"The product {holder} has this GTIN.")


def _printed_elsewhere(
    draft: _Draft, product: Product | None, reserved: Mapping[str, tuple[UUID, str]]
) -> Iterable[FieldError]:
    holder, sku = reserved.get(draft.values.get("gtin", ""), (None, ""))
    if holder is not None and (product is None or product.id != holder):
        yield reserved_for(sku)


def _wanted(draft: _Draft, product: Product | None) -> tuple[dict[str, Any], list[FieldError]]:
    """Return the values to be stored; a SKU keeps the case in which it is stored."""
    wanted = dict(draft.values)
    if product is not None:
        wanted.pop("sku", None)
    stored = product.dpp if product else {}
    dpp = (stored if draft.dpp is None else draft.dpp) | draft.dpp_fields
    category = wanted.get("category")
    if category is None or (product and product.category == category and dpp == stored):
        return wanted, []
    return wanted | {"dpp": stated(dpp)}, passport_faults(category, dpp)


def _acts(drafts: list[_Draft]) -> Iterator[Act]:
    """Yield what is done, for the audit trail."""
    for product in to_insert(drafts):
        yield Act("product.created", "product", product.id, after=described(product, DESCRIBED))
    for change in to_update(drafts):
        yield Act("product.updated", "product", change.row.id, change.before, change.after)


def _write(drafts: list[_Draft], actor: Actor) -> None:
    """Write new and changed products with their passport versions and readiness.

    Known products come last, and all that can be worked out is worked out before: from their
    update to the commit, mint requests for them wait.
    """
    new, changes = to_insert(drafts), to_update(drafts)
    renewed = [change.row for change in changes if "dpp_version" in change.after]
    answers = [assessed(product) for product in renewed]
    store_products(new)
    keep_versions(new, actor)
    store_assessments(assessed(product) for product in new)
    store_products(change.row for change in changes)
    keep_versions(renewed, actor)
    store_assessments(answers)
