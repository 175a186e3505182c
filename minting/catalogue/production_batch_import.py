"""Imports production batches from CSV: what the ERP plans, row by row, as often as it likes.

A row is matched by its reference, whatever the case. An empty cell leaves what is stored as it is.
What units were minted for is settled: reference and product stay, and the quantity never falls
below what is already requested.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models.functions import Lower

from minting.catalogue.bulk import store_production_batches
from minting.catalogue.changes import change_columns, described
from minting.catalogue.csv_rows import CsvRow, read_rows
from minting.catalogue.drafts import Draft, Repetitions, to_insert, to_update
from minting.catalogue.matching import folded
from minting.catalogue.production_batches import (
    DESCRIBED,
    PRODUCT_NOT_FOUND,
    quantity_fault,
    settled_fault,
)
from minting.catalogue.report import ImportReport, file_imported
from minting.catalogue.turns import import_transaction, take_turn
from minting.catalogue.values import (
    LONGEST_REF,
    LONGEST_SKU,
    line_of_text,
    one_of,
    quantity_in,
    read_cells,
)
from minting.models import MintBatch, Product, ProductionBatch
from minting.remaining import committed_quantities
from minting.states import ProductionBatchStatus
from tieback.brands.audit import Act, Actor, record_all

REQUIRED = ("external_ref", "sku")
COLUMNS = (*REQUIRED, "status", "quantity")

_READERS: dict[str, Callable[[str], Any]] = {
    "external_ref": lambda text: line_of_text(text, LONGEST_REF),
    "sku": lambda text: line_of_text(text, LONGEST_SKU),
    "status": lambda text: one_of(text, ProductionBatchStatus.values),
    "quantity": quantity_in,
}


def import_production_batches(
    actor: Actor, content: bytes, *, dry_run: bool, request: Any = None
) -> ImportReport:
    """Import a file of production batches in the brand's transaction; a dry run only reports."""
    rows = read_rows(content, required=REQUIRED, known=COLUMNS)
    drafts = [_draft(row) for row in rows]
    take_turn(actor.brand_id)
    _settle(actor, drafts)
    _keep_commitments(drafts, lock=not dry_run)
    report = ImportReport([draft.outcome() for draft in drafts], dry_run)
    if not dry_run:
        with import_transaction():
            acts = _write(drafts)
            acts.append(file_imported("production_batches", content, report))
            record_all(actor, acts, request=request)
    return report


def _draft(row: CsvRow) -> Draft[ProductionBatch]:
    draft = Draft[ProductionBatch](
        row.line, row.cells.get("external_ref", ""), faults=list(row.faults)
    )
    if not draft.faults:
        draft.values, draft.faults = read_cells(row.cells, _READERS, required=REQUIRED)
    return draft


def _settle(actor: Actor, drafts: list[Draft[ProductionBatch]]) -> None:
    """Decide for every row whether it inserts, updates or errs, with four queries in all."""
    refs = folded(d.values["external_ref"] for d in drafts if "external_ref" in d.values)
    rows = ProductionBatch.objects.annotate(folded=Lower("external_ref"))
    batches = {batch.folded: batch for batch in rows.filter(folded__in=set(refs.values()))}
    skus = folded(d.values["sku"] for d in drafts if "sku" in d.values)
    known = Product.objects.annotate(folded=Lower("sku")).filter(folded__in=set(skus.values()))
    products: dict[str, UUID] = dict(known.values_list("folded", "id"))
    repetitions = Repetitions()
    for draft in drafts:
        ref = refs.get(draft.values.get("external_ref", ""))
        draft.faults += repetitions.faults(draft.line, external_ref=ref)
        wanted = dict(draft.values)
        if "sku" in wanted:
            wanted["product_id"] = products.get(skus[wanted.pop("sku")])
            if wanted["product_id"] is None:
                draft.faults.append(PRODUCT_NOT_FOUND)
        if draft.faults:
            continue
        batch = batches.get(ref) if ref is not None else None
        if batch is None:
            draft.new = ProductionBatch(brand_id=actor.brand_id, **wanted)
        else:
            wanted.pop("external_ref")  # it keeps the case in which it is stored
            draft.change = change_columns(batch, wanted)


def _keep_commitments(drafts: list[Draft[ProductionBatch]], *, lock: bool) -> None:
    """Refuse the rows that would change what units were minted for, or promise fewer of them."""
    touched = {"product_id", "quantity"}
    changes = [change for change in to_update(drafts) if change.after.keys() & touched]
    if not changes:
        return
    ids = [change.row.id for change in changes]
    if lock:
        # A mint request that counts what is left holds the same lock.
        rows = ProductionBatch.objects.select_for_update(no_key=True).filter(id__in=ids)
        list(rows.order_by("id").values_list("id"))
    minted = MintBatch.objects.filter(production_batch_id__in=ids)
    in_use = set(minted.values_list("production_batch_id", flat=True).distinct())
    committed = committed_quantities(ids)
    for draft in drafts:
        if not draft.change or draft.faults:
            continue
        id_ = draft.change.row.id
        found = (
            settled_fault(draft.change, in_use=id_ in in_use),
            quantity_fault(draft.change, committed=committed.get(id_, 0)),
        )
        draft.faults += [fault for fault in found if fault is not None]


def _write(drafts: list[Draft[ProductionBatch]]) -> list[Act]:
    """Write new and changed production batches; return what was done."""
    new, changes = to_insert(drafts), to_update(drafts)
    store_production_batches([*new, *(change.row for change in changes)])
    target = "production_batch"
    created = (
        Act(f"{target}.created", target, batch.id, after=described(batch, DESCRIBED))
        for batch in new
    )
    updated = (
        Act(f"{target}.updated", target, change.row.id, change.before, change.after)
        for change in changes
    )
    return [*created, *updated]
