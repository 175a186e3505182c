"""How the units of a request are told apart: whether its serials are free, and taking them.

Both run in the brand's transaction. Where the product's row is locked, what was found free stays
free until the batch that takes it exists.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from minting.blocking import BlockingReason
from minting.lots import Lot, placed
from minting.mint_request import MintRequest
from minting.models import MintBatch, MintLot, Product, SerialList, SerialListChunk
from minting.preflight import LARGEST_REQUEST
from minting.serial_rules import (
    MOST_INLINE,
    SerialRule,
    count_reasons,
    own_serial_reasons,
    rule_reasons,
    used_rule_reasons,
)
from minting.serial_space import Space, used_of_rule
from minting.serial_staging import findings, stage_items, stage_list

_LIST = "serial_list_id"


def space_of(product: Product) -> Space:
    """Return where the product's next serials must be unique."""
    return Space(product.id, product.gtin)


def serial_reasons(request: MintRequest, product: Product | None) -> Iterator[BlockingReason]:
    """Yield why the request's serials are refused; generated tokens never are."""
    if request.serial_rule is not None:
        yield from _of_a_rule(request.serial_rule, request.quantity, product)
    elif request.serials:
        yield from _of_inline_serials(request.serials, request.quantity, product)
    elif request.serial_list_id is not None:
        yield from _of_a_list(request.serial_list_id, request.quantity, product)


def _of_a_rule(
    rule: SerialRule, quantity: int, product: Product | None
) -> Iterator[BlockingReason]:
    faults = tuple(rule_reasons(rule, quantity))
    yield from faults
    if product is not None and not faults and 1 <= quantity <= LARGEST_REQUEST:
        yield from used_rule_reasons(used_of_rule(space_of(product), rule, quantity))


def _of_inline_serials(
    serials: tuple[str, ...], quantity: int, product: Product | None
) -> Iterator[BlockingReason]:
    if len(serials) > MOST_INLINE:
        yield BlockingReason(
            "SERIALS_INVALID",
            f"A request takes {MOST_INLINE:,} serials; upload more of them as a serial list.",
            "serials",
            {"maximum": MOST_INLINE, "given": len(serials)},
        )
        return
    yield from count_reasons(len(serials), quantity, "serials")
    stage_items(serials)
    found = findings(space_of(product) if product else None, place="index")
    yield from own_serial_reasons(found, "serials")


def _of_a_list(list_id: UUID, quantity: int, product: Product | None) -> Iterator[BlockingReason]:
    """Yield why a list cannot be used. Its serials were checked, and promised, when it came.

    Only where the product has another GTIN since then they are checked once more.
    """
    kept = SerialList.objects.select_related("batch").filter(id=list_id).first()
    if kept is None:
        yield BlockingReason(
            "SERIALS_INVALID", "There is no such serial list in this workspace.", _LIST
        )
        return
    if product is not None and kept.product_id != product.id:
        yield BlockingReason(
            "SERIALS_INVALID",
            "The serial list belongs to another product.",
            _LIST,
            {"product_id": str(kept.product_id)},
        )
        return
    yield from count_reasons(kept.count, quantity, _LIST)
    if (batch := used_by(kept)) is not None:
        yield BlockingReason(
            "SERIALS_ALREADY_USED",
            "The serial list is used; a list serves one batch.",
            _LIST,
            {"used_by": {"kind": "mint_batch", "id": str(batch.id)}},
        )
    elif product is not None and kept.gtin != product.gtin:
        stage_list(kept.id)
        found = findings(space_of(product), place="line", own_list=kept.id)
        yield from own_serial_reasons(found, _LIST)


def used_by(kept: SerialList) -> MintBatch | None:
    """Return the batch that uses a list, if any."""
    return getattr(kept, "batch", None)


def serial_columns(request: MintRequest, product: Product, actor: str) -> dict[str, Any]:
    """Return what the batch keeps of the choice; serials sent along become a list of their own."""
    if request.serial_rule is not None:
        rule = request.serial_rule
        return {
            "serial_prefix": rule.prefix,
            "serial_width": rule.width,
            "serial_start": rule.start,
        }
    if request.serials:
        return {"serial_list": _inline_list(request.serials, product, actor)}
    return {"serial_list_id": request.serial_list_id}


def _inline_list(serials: tuple[str, ...], product: Product, actor: str) -> SerialList:
    text = "\n".join(serials)
    kept = SerialList.objects.create(
        brand_id=product.brand_id,
        product=product,
        gtin=product.gtin,
        source=SerialList.Source.INLINE,
        count=len(serials),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        created_by=actor,
    )
    SerialListChunk.objects.create(
        brand_id=product.brand_id, list=kept, first_ordinal=1, count=len(serials), serials=text
    )
    return kept


def create_lots(batch: MintBatch, lots: Iterable[Lot]) -> None:
    """Create the lots of a batch, each with the ordinals of its units."""
    MintLot.objects.bulk_create(
        MintLot(
            brand_id=batch.brand_id,
            batch=batch,
            lot_code=lot.lot_code,
            quantity=lot.quantity,
            first_ordinal=lot.first_ordinal,
            last_ordinal=lot.last_ordinal,
        )
        for lot in placed(tuple(lots))
    )
