"""Creates and updates one production batch.

Runs in the brand's transaction, in the brand's turn. A mint request locks the batch's row while it
counts what is left, so the row is locked here too before the quantity may go down.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from minting.catalogue.changes import Change, change_columns, described
from minting.catalogue.matching import same_text
from minting.catalogue.turns import refusing, take_turn
from minting.models import MintBatch, Product, ProductionBatch
from minting.remaining import committed_quantities
from tieback.brands.audit import Actor, record
from tieback.errors import Conflict, FieldError, NotFound, ValidationFailed

DESCRIBED = ("external_ref", "product_id", "status", "quantity")
REF_TAKEN = FieldError(
    "external_ref", "TAKEN", "Another production batch of this brand has this reference."
)
PRODUCT_NOT_FOUND = FieldError("sku", "NOT_FOUND", "There is no such product in this brand.")
TAKEN = {"minting_productionbatch_ref": REF_TAKEN}


class ProductionBatchInUse(Conflict):
    """Units were minted against this production batch; its reference and product are settled."""

    code = "PRODUCTION_BATCH_IN_USE"


class QuantityCommitted(Conflict):
    """More units than that are already requested from this production batch."""

    code = "QUANTITY_COMMITTED"


def create_production_batch(
    actor: Actor, values: Mapping[str, Any], *, request: Any = None
) -> ProductionBatch:
    """Create a production batch of the product named by ``sku`` or ``product_id``."""
    take_turn(actor.brand_id)
    batch = ProductionBatch(brand_id=actor.brand_id, **_checked(values))
    with refusing(TAKEN):
        batch.save(force_insert=True)
    batch.refresh_from_db(fields=["created_at"])
    record(
        actor,
        "production_batch.created",
        "production_batch",
        batch.id,
        after=described(batch, DESCRIBED),
        request=request,
    )
    return batch


def update_production_batch(
    actor: Actor, batch_id: UUID, values: Mapping[str, Any], *, request: Any = None
) -> ProductionBatch:
    """Change a production batch. No difference, nothing written."""
    take_turn(actor.brand_id)
    batch = ProductionBatch.objects.select_for_update(no_key=True).filter(id=batch_id).first()
    if batch is None:
        raise NotFound
    change = change_columns(batch, _checked(values, batch))
    if change:
        _refuse_conflicts(change, product_field="sku" if "sku" in values else "product_id")
        with refusing(TAKEN):
            batch.save()
        record(
            actor,
            "production_batch.updated",
            "production_batch",
            batch.id,
            before=change.before,
            after=change.after,
            request=request,
        )
    return batch


def settled_fault(
    change: Change[ProductionBatch], *, in_use: bool, product_field: str = "sku"
) -> FieldError | None:
    """Return why the reference or the product may not change, if codes were made for them."""
    named = {"external_ref": "external_ref", "product_id": product_field}
    touched = [field for column, field in named.items() if column in change.after]
    if not (touched and in_use):
        return None
    return FieldError(
        touched[0],
        ProductionBatchInUse.code,
        "Units were minted against this production batch: make a new one instead.",
    )


def quantity_fault(change: Change[ProductionBatch], *, committed: int) -> FieldError | None:
    """Return why the quantity may not go down so far."""
    quantity = change.after.get("quantity")
    if quantity is None or quantity >= committed:
        return None
    return FieldError(
        "quantity",
        QuantityCommitted.code,
        f"{committed:,} units are already requested from this production batch: "
        "it may not hold fewer.",
        {"committed": committed},
    )


def _checked(values: Mapping[str, Any], batch: ProductionBatch | None = None) -> dict[str, Any]:
    """Return the values as columns, or raise with every fault at once."""
    wanted = {name: value for name, value in values.items() if name not in {"sku", "product_id"}}
    faults = []
    if "sku" in values or "product_id" in values:
        product = _product(values)
        if product is None:
            field = "sku" if "sku" in values else "product_id"
            faults.append(replace(PRODUCT_NOT_FOUND, field=field))
        else:
            wanted["product_id"] = product.id
    others = ProductionBatch.objects.exclude(id=batch.id) if batch else ProductionBatch.objects
    ref = wanted.get("external_ref")
    if ref is not None and others.filter(same_text("external_ref", ref)).exists():
        faults.append(REF_TAKEN)
    if faults:
        raise ValidationFailed(fields=tuple(faults))
    return wanted


def _product(values: Mapping[str, Any]) -> Product | None:
    if "sku" in values:
        return Product.objects.filter(same_text("sku", values["sku"])).first()
    return Product.objects.filter(id=values["product_id"]).first()


def _refuse_conflicts(change: Change[ProductionBatch], *, product_field: str) -> None:
    batch = change.row
    in_use = MintBatch.objects.filter(production_batch=batch).exists()
    settled = settled_fault(change, in_use=in_use, product_field=product_field)
    if settled:
        raise ProductionBatchInUse(settled.message, fields=(settled,))
    committed = committed_quantities([batch.id]).get(batch.id, 0)
    too_low = quantity_fault(change, committed=committed)
    if too_low:
        raise QuantityCommitted(too_low.message, fields=(too_low,))
