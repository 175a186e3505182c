"""Lists of own serials: uploaded and checked in full, used once, deleted while unused.

An upload is accepted as a whole or refused with its faults by line. From then on its serials are
promised, so a mint request that names the list finds them free.
"""

from collections.abc import Iterator
from typing import IO, Any
from uuid import UUID

from minting.blocking import BlockingReason
from minting.identities import space_of, used_by
from minting.models import Product, SerialList, SerialListChunk
from minting.models.serials import LONGEST_LIST
from minting.serial_rules import own_serial_reasons
from minting.serial_staging import drop, findings, keep, stage_file, staged_count
from tieback.brands.audit import Actor, record
from tieback.errors import Conflict, FieldError, NotFound, TiebackError

#: A first line that reads so is a header.
HEADERS = frozenset({"serial", "serials", "serial_number"})
FILE = "file"


class SerialListRefused(TiebackError):
    """The serial list has faults; they are listed by line, and nothing was written."""

    code = "SERIAL_LIST_REFUSED"
    status = 422

    def __init__(self, reasons: tuple[BlockingReason, ...]) -> None:
        """Carry the reasons, each as a fault of its field."""
        super().__init__(
            fields=tuple(FieldError(r.field, r.code, r.message, r.detail) for r in reasons)
        )


class SerialListUsed(Conflict):
    """A mint batch uses this serial list, so it stays."""

    code = "SERIAL_LIST_USED"


def upload_serial_list(
    actor: Actor, product_id: UUID, source: IO[bytes], *, is_csv: bool, request: Any = None
) -> SerialList:
    """Check a file of serials, one a line, and keep it as a list of the product.

    The product is locked only once the file is read, so that a slow upload holds nobody up.
    """
    staged = stage_file(source, header=HEADERS, is_csv=is_csv)
    product = Product.objects.select_for_update(no_key=True).filter(id=product_id).first()
    reasons = tuple(_reasons(product, is_too_long=staged.is_too_long))
    if reasons or product is None:
        raise SerialListRefused(reasons)
    kept = keep(
        brand_id=actor.brand_id,
        space=space_of(product),
        source=SerialList.Source.UPLOAD,
        sha256=staged.sha256,
        actor=actor.actor,
    )
    drop()
    kept.refresh_from_db(fields=["created_at"])
    record(
        actor, "serial_list.uploaded", "serial_list", kept.id, after=_told(kept), request=request
    )
    return kept


def _reasons(product: Product | None, *, is_too_long: bool) -> Iterator[BlockingReason]:
    if product is None:
        yield BlockingReason(
            "PRODUCT_NOT_FOUND", "There is no such product in this workspace.", "product_id"
        )
    if is_too_long:
        yield BlockingReason(
            "SERIALS_INVALID",
            f"A list takes at most {LONGEST_LIST:,} serials; split the file.",
            FILE,
            {"maximum": LONGEST_LIST},
        )
        return
    if not staged_count():
        yield BlockingReason("SERIALS_INVALID", "The file holds no serial.", FILE)
        return
    found = findings(space_of(product) if product else None, place="line")
    yield from own_serial_reasons(found, FILE)


def delete_serial_list(actor: Actor, list_id: UUID, *, request: Any = None) -> SerialList:
    """Delete a list that no batch uses; its serials are free again.

    Whoever submits with the list holds its product's lock, so one of the two comes first.
    """
    product = SerialList.objects.filter(id=list_id).values("product_id")
    list(Product.objects.select_for_update(no_key=True).filter(id__in=product).values_list("id"))
    kept = SerialList.objects.select_related("batch").filter(id=list_id).first()
    if kept is None:
        raise NotFound
    if used_by(kept) is not None:
        raise SerialListUsed
    SerialListChunk.objects.filter(list=kept).delete()
    SerialList.objects.filter(id=kept.id).delete()
    record(
        actor, "serial_list.deleted", "serial_list", kept.id, before=_told(kept), request=request
    )
    return kept


def _told(kept: SerialList) -> dict[str, Any]:
    return {
        "product_id": str(kept.product_id),
        "gtin": kept.gtin,
        "count": kept.count,
        "sha256": kept.sha256,
    }
