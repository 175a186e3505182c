"""Creates and updates one product.

Runs in the brand's transaction, in the brand's turn. Whatever changes the passport data or the
category also writes the passport version that keeps them, and every change its audit entry. Which
identifiers a product had before, the database keeps by itself (`minting.models.identifiers`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from minting.catalogue.assessments import assessed, store_assessments
from minting.catalogue.changes import Change, change_product, described, passport_version
from minting.catalogue.matching import same_text
from minting.catalogue.turns import refusing, take_turn
from minting.catalogue.values import InvalidValue, owned_gtin, passport_faults
from minting.models import IdentifierType, Product, ProductIdentifier
from minting.readiness import stated
from tieback.brands.audit import Actor, record
from tieback.brands.models import Brand
from tieback.errors import Conflict, FieldError, NotFound, ValidationFailed

DESCRIBED = ("sku", "name", "gtin", "mpn", "category", "commercial_status", "dpp_version")
SKU_TAKEN = FieldError("sku", "TAKEN", "Another product of this brand has this SKU.")
GTIN_TAKEN = FieldError("gtin", "TAKEN", "Another product of this brand has this GTIN.")
GTIN_RESERVED = FieldError(
    "gtin",
    "GTIN_RESERVED",
    "Codes that were printed under this GTIN belong to another product, which keeps it for ever:"
    " use another GTIN.",
)
TAKEN = {
    "minting_product_sku": SKU_TAKEN,
    "minting_product_gtin": GTIN_TAKEN,
    "minting_identifier_held": GTIN_RESERVED,
}


class VersionMismatch(Conflict):
    """The passport data has changed since you read it. Read the product again, then repeat."""

    code = "DPP_VERSION_MISMATCH"


def create_product(actor: Actor, values: Mapping[str, Any], *, request: Any = None) -> Product:
    """Create a product and its first passport version."""
    take_turn(actor.brand_id)
    product = Product(brand_id=actor.brand_id, **_checked(actor.brand_id, values))
    with refusing(TAKEN):
        product.save(force_insert=True)
        passport_version(product, actor).save(force_insert=True)
        store_assessments([assessed(product)])
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


def reserved_gtins(gtins: Iterable[str]) -> dict[str, tuple[UUID, str]]:
    """Return which of the GTINs printed codes carry for a product that has another one by now.

    Each with the id and the SKU of that product, which alone may take it again.
    """
    rows = ProductIdentifier.objects.filter(
        type=IdentifierType.GTIN, minted=True, value__in=list(gtins)
    )
    found = rows.values_list("value", "product_id", "product__sku")
    return {value: (product_id, sku) for value, product_id, sku in found}


def reserved_for(sku: str) -> FieldError:
    """Return why a GTIN is refused that printed codes of another product carry."""
    message = (
        f"Codes that were printed under this GTIN belong to the product {sku}, which keeps it for"
        " ever: use another GTIN."
    )
    return replace(GTIN_RESERVED, message=message, detail={"sku": sku})


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
    gtin = wanted.get("gtin")
    if gtin is None:
        return
    if others.filter(gtin=gtin).exists():
        yield GTIN_TAKEN
    holder, sku = reserved_gtins([gtin]).get(gtin, (None, ""))
    if holder is not None and (product is None or holder != product.id):
        yield reserved_for(sku)


def _write(actor: Actor, change: Change[Product], request: Any) -> None:
    product = change.row
    with refusing(TAKEN):
        product.save()
        if "dpp_version" in change.after:
            passport_version(product, actor).save(force_insert=True)
            store_assessments([assessed(product)])
    record(
        actor,
        "product.updated",
        "product",
        product.id,
        before=change.before,
        after=change.after,
        request=request,
    )
