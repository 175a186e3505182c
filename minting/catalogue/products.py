"""Creates and updates one product.

Runs in the brand's transaction, in the brand's turn. Whatever changes the passport data or the
category also writes the passport version that keeps them, and every change its audit entry.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from minting.catalogue.changes import Change, change_product, described, passport_version
from minting.catalogue.matching import same_text
from minting.catalogue.turns import refusing, take_turn
from minting.catalogue.values import InvalidValue, owned_gtin, passport_faults
from minting.models import MintBatch, Product
from minting.readiness import stated
from tieback.brands.audit import Actor, record
from tieback.brands.models import Brand
from tieback.errors import Conflict, FieldError, NotFound, ValidationFailed

DESCRIBED = ("sku", "name", "gtin", "category", "commercial_status", "dpp_version")
SKU_TAKEN = FieldError("sku", "TAKEN", "Another product of this brand has this SKU.")
GTIN_TAKEN = FieldError("gtin", "TAKEN", "Another product of this brand has this GTIN.")
GTIN_PRINTED = FieldError(
    "gtin",
    "GTIN_IS_PRINTED",
    "Printed codes carry this product's GTIN, so it can no longer change. Make a new product.",
)
TAKEN = {"minting_product_sku": SKU_TAKEN, "minting_product_gtin": GTIN_TAKEN}


class GtinIsPrinted(Conflict):
    """Printed codes carry this product's GTIN, so it can no longer change. Make a new product."""

    code = GTIN_PRINTED.code


class VersionMismatch(Conflict):
    """The passport data has changed since you read it. Read the product again, then repeat."""

    code = "DPP_VERSION_MISMATCH"


def create_product(actor: Actor, values: Mapping[str, Any], *, request: Any = None) -> Product:
    """Create a product and its first passport version."""
    take_turn(actor.brand_id)
    product = Product(brand_id=actor.brand_id, **_checked(actor.brand_id, values))
    with refusing(TAKEN):
        product.save(force_insert=True)
        passport_version(product).save(force_insert=True)
    product.refresh_from_db(fields=["created_at"])
    record(
        actor,
        "product.created",
        "product",
        product.id,
        after=described(product, DESCRIBED),
        request=request,
    )
    return product


def update_product(
    actor: Actor,
    product_id: UUID,
    values: Mapping[str, Any],
    *,
    expected_version: int | None = None,
    request: Any = None,
) -> Product:
    """Change a product; ``dpp`` replaces all passport data. No difference, nothing written."""
    take_turn(actor.brand_id)
    # A mint request holds the same lock from reading the GTIN until its batch is written.
    product = Product.objects.select_for_update(no_key=True).filter(id=product_id).first()
    if product is None:
        raise NotFound
    if expected_version not in {None, product.dpp_version}:
        raise VersionMismatch(
            f"The passport data is at version {product.dpp_version}, not {expected_version}: "
            "read the product again, then repeat the change.",
            fields=(FieldError("dpp_version", "MISMATCH", f"Is {product.dpp_version} now."),),
        )
    change = change_product(product, _checked(actor.brand_id, values, product))
    if change:
        _write(actor, change, request)
    return product


def with_printed_gtins(changes: Iterable[Change[Product]]) -> set[UUID]:
    """Return the products of which codes carry the GTIN that the change would take away."""
    replaced = [change.row.id for change in changes if change.before.get("gtin") is not None]
    if not replaced:
        return set()
    printed = MintBatch.objects.filter(product_id__in=replaced, gtin__isnull=False)
    return set(printed.values_list("product_id", flat=True).distinct())


def _checked(
    brand_id: UUID, values: Mapping[str, Any], product: Product | None = None
) -> dict[str, Any]:
    """Return the values as they are stored, or raise with every fault at once."""
    wanted = dict(values)
    faults: list[FieldError] = []
    if wanted.get("gtin") is not None:
        prefixes = Brand.objects.values_list("gs1_prefixes", flat=True).get(id=brand_id)
        try:
            wanted["gtin"] = owned_gtin(wanted["gtin"], prefixes)
        except InvalidValue as error:
            faults.append(error.of("gtin"))
    if wanted.keys() & {"dpp", "category"}:
        whole = {"category": product.category, "dpp": product.dpp} if product else {}
        whole |= wanted
        faults += passport_faults(whole["category"], whole["dpp"])
    if "dpp" in wanted:
        wanted["dpp"] = stated(wanted["dpp"])
    faults += _taken(wanted, product)
    if faults:
        raise ValidationFailed(fields=tuple(faults))
    return wanted


def _taken(wanted: Mapping[str, Any], product: Product | None) -> Iterator[FieldError]:
    others = Product.objects.exclude(id=product.id) if product else Product.objects.all()
    if "sku" in wanted and others.filter(same_text("sku", wanted["sku"])).exists():
        yield SKU_TAKEN
    if wanted.get("gtin") is not None and others.filter(gtin=wanted["gtin"]).exists():
        yield GTIN_TAKEN


def _write(actor: Actor, change: Change[Product], request: Any) -> None:
    product = change.row
    if with_printed_gtins([change]):
        raise GtinIsPrinted(fields=(GTIN_PRINTED,))
    with refusing(TAKEN):
        product.save()
        if "dpp_version" in change.after:
            passport_version(product).save(force_insert=True)
    record(
        actor,
        "product.updated",
        "product",
        product.id,
        before=change.before,
        after=change.after,
        request=request,
    )
