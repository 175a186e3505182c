"""The rules a mint request must pass. Pure: facts in, every reason for refusal out.

The gateway reads the facts, once for ``preflight_mint_request`` and once more under locks for
``submit_mint_request``; the rules are the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from minting import gtin
from minting.blocking import BlockingReason
from minting.chain.assets.owners import is_address
from minting.lots import Lot, lot_reasons
from minting.readiness import assess
from minting.states import ASSET_MODES, ChainMode, CommercialStatus, ProductionBatchStatus

LARGEST_REQUEST = 1_000_000

BLOCKING_CODES: dict[str, str] = {
    "PRODUCT_NOT_FOUND": "Choose a product of this workspace.",
    "COMMERCIAL_STATUS_NOT_ACTIVE": "Set the product's commercial status to active.",
    "MINT_READINESS_NOT_READY": "Fill the passport fields that are listed.",
    "RESOLVER_HOST_NOT_SET": "Ask an operator to set the brand's resolver host.",
    "GTIN_INVALID": "Correct the product's GTIN.",
    "GTIN_PREFIX_NOT_OWNED": "Use a GTIN under one of the brand's GS1 company prefixes.",
    "PRODUCTION_BATCH_NOT_FOUND": "Choose a production batch of this workspace.",
    "PRODUCTION_BATCH_PRODUCT_MISMATCH": "Choose a production batch of this product.",
    "PRODUCTION_BATCH_NOT_READY": "Wait until the production batch is READY.",
    "PRODUCTION_BATCH_QUANTITY_EXCEEDED": "Ask for no more than what is left of the batch.",
    "QUANTITY_OUT_OF_RANGE": "Ask for 1 to 1,000,000 units.",
    "LOTS_NOT_ALLOWED": "Leave lots out in serial mode.",
    "LOTS_INVALID": "Correct the lots that are listed.",
    "LOT_QUANTITY_MISMATCH": "Make the quantities of the lots add up to the quantity.",
    "SERIALS_INVALID": "Correct the serials, the rule or the list as the detail says.",
    "SERIALS_DUPLICATE": "Give each serial once.",
    "SERIALS_ALREADY_USED": "Leave out the serials that are listed, or start the rule later.",
    "QUOTA_EXCEEDED": "Wait for running jobs, or ask for a higher quota.",
    "CHAIN_MODE_UNAVAILABLE": "Use one of the chain modes that are listed, or leave it out.",
    "CHAIN_MODE_NEEDS_FIRST_SCAN": "Choose activation_mode first_scan, or another chain mode.",
    "LEAF_OWNER_WITHOUT_ASSETS": "Leave leaf_owner out, or choose a mode of compressed NFTs.",
    "LEAF_OWNER_INVALID": "Give an address of Solana in base58, or leave leaf_owner out.",
}


@dataclass(frozen=True)
class BrandFacts:
    """What the rules need to know of the brand; ``None`` means no limit."""

    resolver_host: str
    gs1_prefixes: tuple[str, ...]
    max_concurrent_jobs: int | None
    max_units_per_day: int | None
    live_jobs: int
    units_today: int


@dataclass(frozen=True)
class ProductFacts:
    """What the rules need to know of the product."""

    id: object
    gtin: str | None
    category: str
    commercial_status: str
    dpp: dict[str, Any]


@dataclass(frozen=True)
class ProductionBatchFacts:
    """What the rules need to know of the production batch; ``remaining`` ``None``: unlimited."""

    product_id: object
    status: str
    remaining: int | None


@dataclass(frozen=True)
class RequestFacts:
    """What was asked for."""

    quantity: int
    chain_mode: str
    chain_modes: tuple[str, ...]
    lots: tuple[Lot, ...]
    takes_lots: bool
    names_production_batch: bool
    leaf_owner: str = ""
    #: Whether a unit becomes active by its first scan.
    is_scanned_first: bool = True


def blocking_reasons(
    request: RequestFacts,
    *,
    brand: BrandFacts,
    product: ProductFacts | None,
    production_batch: ProductionBatchFacts | None,
) -> tuple[BlockingReason, ...]:
    """Return every reason to refuse, in a fixed order; none means it may be minted."""
    return (
        *_of_the_request(request),
        *_of_the_brand(request, brand),
        *_of_the_product(product, brand),
        *_of_the_production_batch(request, product, production_batch),
    )


def _of_the_request(request: RequestFacts) -> Iterator[BlockingReason]:
    if not 1 <= request.quantity <= LARGEST_REQUEST:
        yield BlockingReason(
            "QUANTITY_OUT_OF_RANGE",
            f"Between 1 and {LARGEST_REQUEST:,} units can be minted in one request.",
            "quantity",
            {"minimum": 1, "maximum": LARGEST_REQUEST},
        )
    yield from lot_reasons(request.lots, wanted=request.takes_lots, quantity=request.quantity)
    if request.chain_mode not in request.chain_modes:
        yield BlockingReason(
            "CHAIN_MODE_UNAVAILABLE",
            "This chain mode is not available here.",
            "chain_mode",
            {"available": list(request.chain_modes)},
        )
    yield from _of_the_assets(request)


def _of_the_assets(request: RequestFacts) -> Iterator[BlockingReason]:
    if request.chain_mode == ChainMode.CNFT_ON_FIRST_SCAN and not request.is_scanned_first:
        yield BlockingReason(
            "CHAIN_MODE_NEEDS_FIRST_SCAN",
            "Units that are active when they are minted have no first scan that could ask for"
            " their assets: choose activation_mode first_scan, or another chain mode.",
            "chain_mode",
        )
    if not request.leaf_owner:
        return
    if request.chain_mode not in ASSET_MODES:
        yield BlockingReason(
            "LEAF_OWNER_WITHOUT_ASSETS",
            "In this chain mode units have no assets that could be anybody's: leave it out, or"
            " choose one of the modes of compressed NFTs.",
            "leaf_owner",
            {"modes": [str(mode) for mode in ASSET_MODES]},
        )
    if not is_address(request.leaf_owner):
        yield BlockingReason(
            "LEAF_OWNER_INVALID",
            "This is no address of Solana: 32 bytes in base58 are needed, and not all zero.",
            "leaf_owner",
        )


def _of_the_brand(request: RequestFacts, brand: BrandFacts) -> Iterator[BlockingReason]:
    if not brand.resolver_host:
        yield BlockingReason(
            "RESOLVER_HOST_NOT_SET",
            "The brand has no resolver host, so no code could be printed.",
            "resolver_host",
        )
    if brand.max_concurrent_jobs is not None and brand.live_jobs >= brand.max_concurrent_jobs:
        yield BlockingReason(
            "QUOTA_EXCEEDED",
            f"{brand.live_jobs} jobs are running; the brand may run {brand.max_concurrent_jobs}.",
            "quantity",
            {"quota": "concurrent_jobs", "limit": brand.max_concurrent_jobs},
        )
    left = (brand.max_units_per_day or 0) - brand.units_today
    if brand.max_units_per_day is not None and request.quantity > left:
        yield BlockingReason(
            "QUOTA_EXCEEDED",
            f"{max(0, left):,} of the brand's {brand.max_units_per_day:,} units a day are left.",
            "quantity",
            {"quota": "units_per_day", "limit": brand.max_units_per_day, "left": max(0, left)},
        )


def _of_the_product(product: ProductFacts | None, brand: BrandFacts) -> Iterator[BlockingReason]:
    if product is None:
        yield BlockingReason(
            "PRODUCT_NOT_FOUND", "There is no such product in this workspace.", "product_id"
        )
        return
    if product.commercial_status != CommercialStatus.ACTIVE:
        yield BlockingReason(
            "COMMERCIAL_STATUS_NOT_ACTIVE",
            f"The product is {product.commercial_status}, not active.",
            "product_id",
            {"commercial_status": product.commercial_status},
        )
    readiness = assess(product.category, product.dpp)
    if not readiness.ready:
        missing = [
            {"field": f"dpp.{answer.name}", "label": answer.label, "problem": answer.problem or ""}
            for answer in readiness.missing
        ]
        yield BlockingReason(
            "MINT_READINESS_NOT_READY",
            f"{len(missing)} passport fields are missing or not valid.",
            "product_id",
            {"missing": missing, "schema": readiness.schema_id},
        )
    yield from _of_the_gtin(product.gtin, brand.gs1_prefixes)


def _of_the_gtin(code: str | None, prefixes: tuple[str, ...]) -> Iterator[BlockingReason]:
    if code is None:
        return
    if not gtin.is_valid(code):
        yield BlockingReason(
            "GTIN_INVALID", f"{code} is not a valid GTIN-14.", "product_id", {"gtin": code}
        )
    elif prefixes and not gtin.belongs_to_prefix(code, prefixes):
        yield BlockingReason(
            "GTIN_PREFIX_NOT_OWNED",
            f"{code} is not under one of the brand's GS1 company prefixes.",
            "product_id",
            {"gtin": code, "prefixes": list(prefixes)},
        )


def _of_the_production_batch(
    request: RequestFacts,
    product: ProductFacts | None,
    batch: ProductionBatchFacts | None,
) -> Iterator[BlockingReason]:
    field = "production_batch_id"
    if not request.names_production_batch:
        return
    if batch is None:
        yield BlockingReason(
            "PRODUCTION_BATCH_NOT_FOUND",
            "There is no such production batch in this workspace.",
            field,
        )
        return
    if product is not None and batch.product_id != product.id:
        yield BlockingReason(
            "PRODUCTION_BATCH_PRODUCT_MISMATCH",
            "The production batch belongs to another product.",
            field,
        )
    if batch.status != ProductionBatchStatus.READY:
        yield BlockingReason(
            "PRODUCTION_BATCH_NOT_READY",
            f"The production batch is {batch.status}, not READY.",
            field,
            {"status": batch.status},
        )
    if batch.remaining is not None and request.quantity > batch.remaining:
        yield BlockingReason(
            "PRODUCTION_BATCH_QUANTITY_EXCEEDED",
            f"{batch.remaining:,} units are left of the production batch.",
            "quantity",
            {"remaining": batch.remaining},
        )
