"""The gateway: a mint request becomes a job and its batch, or a list of reasons and nothing.

One transaction in the brand's scope; no work is done here beyond writing two rows and their first
event, so a request for a million units takes as long as one for a single unit. The doorbell rings
after the commit, and a broker that is down costs the request nothing.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, Sum, When
from django.utils import timezone

from minting import idempotency, pipeline
from minting.blocking import BlockingReason
from minting.chain.modes import available_modes, chain_columns, default_mode
from minting.events import tell
from minting.identities import create_lots, serial_columns, serial_reasons
from minting.mint_request import MintRequest
from minting.models import MintBatch, MintJob, PassportVersion, Product, ProductionBatch
from minting.preflight import (
    BrandFacts,
    ProductFacts,
    ProductionBatchFacts,
    RequestFacts,
    blocking_reasons,
)
from minting.remaining import remaining_quantities
from minting.states import LIVE_JOBS, ActivationMode, IdentityMode, JobStatus
from tieback.brands.audit import ActsFor, record
from tieback.brands.models import Brand
from tieback.errors import FieldError, TiebackError


@dataclass(frozen=True)
class Submitter:
    """Who submits."""

    actor: str
    user_id: int | None = None
    credential_id: str | None = None
    request: Any = None


@dataclass(frozen=True)
class Submission:
    """The job that answers a request, whether new or already there."""

    job: MintJob
    is_duplicate: bool


class MintBlocked(TiebackError):
    """The request cannot be minted; every reason is listed."""

    code = "MINT_BLOCKED"
    status = 422

    def __init__(self, reasons: tuple[BlockingReason, ...]) -> None:
        """Carry the reasons, each as a fault of its field."""
        self.reasons = reasons
        super().__init__(
            fields=tuple(FieldError(r.field, r.code, r.message, r.detail) for r in reasons)
        )


@dataclass(frozen=True)
class _Found:
    """The rows a request names, as they stand in this transaction."""

    brand: Brand
    product: Product | None
    production_batch: ProductionBatch | None
    reasons: tuple[BlockingReason, ...]


def preflight_mint_request(brand_id: UUID, request: MintRequest) -> tuple[BlockingReason, ...]:
    """Return every reason why ``request`` would be refused now; write nothing, lock nothing."""
    return _examine(brand_id, request, lock=False).reasons


def submit_mint_request(
    brand_id: UUID, request: MintRequest, *, key: str, submitter: Submitter
) -> Submission:
    """Create the job and its batch, or return the job the key already made.

    Runs in the brand's transaction. Raises ``RequestInFlight`` (409), ``KeyReused`` (422) or
    ``MintBlocked`` (422), each having written nothing.
    """
    wanted = request.fingerprint()
    idempotency.hold(brand_id, key)
    earlier = idempotency.earlier_job(brand_id, key, wanted)
    if earlier is not None:
        return Submission(earlier, is_duplicate=True)
    found = _examine(brand_id, request, lock=True)
    if found.reasons or found.product is None:
        raise MintBlocked(found.reasons)
    batch = _create_batch(found, found.product, request, submitter.actor)
    job = MintJob.objects.create(
        brand_id=brand_id,
        batch=batch,
        priority=request.priority,
        requested_quantity=request.quantity,
        idempotency_key=key,
        idempotency_fingerprint=wanted,
        submitted_by_id=submitter.user_id,
        submitted_with_id=submitter.credential_id,
    )
    tell(
        "job.queued",
        brand_id=brand_id,
        batch_id=batch.id,
        actor=submitter.actor,
        data={
            "mint_job_id": str(job.id),
            "quantity": request.quantity,
            "identity_mode": request.identity_mode,
            "serials": batch.serial_source,
            "lots": len(request.lots),
        },
    )
    record(
        ActsFor(brand_id, submitter.actor),
        "mint_job.submitted",
        "mint_job",
        job.id,
        after={
            "mint_batch_id": str(batch.id),
            "product_id": str(batch.product_id),
            "quantity": request.quantity,
        },
        request=submitter.request,
    )
    transaction.on_commit(lambda: pipeline.ring(job.id))
    return Submission(job, is_duplicate=False)


def _examine(brand_id: UUID, request: MintRequest, *, lock: bool) -> _Found:
    brand = Brand.objects.get(id=brand_id)
    if lock and (brand.max_concurrent_jobs is not None or brand.max_units_per_day is not None):
        _hold_quota(brand_id)
    production_batch = _production_batch(request, lock=lock)
    product = _product(request, lock=lock)
    reasons = blocking_reasons(
        RequestFacts(
            quantity=request.quantity,
            chain_mode=request.chain_mode or default_mode(),
            chain_modes=available_modes(),
            leaf_owner=request.leaf_owner,
            is_scanned_first=request.activation_mode == ActivationMode.FIRST_SCAN,
            lots=request.lots,
            takes_lots=request.identity_mode == IdentityMode.BATCH,
            names_production_batch=request.production_batch_id is not None,
        ),
        brand=_brand_facts(brand),
        product=_product_facts(product),
        production_batch=_production_batch_facts(production_batch),
    )
    reasons = (*reasons, *serial_reasons(request, product))
    return _Found(brand, product, production_batch, reasons)


def _hold_quota(brand_id: UUID) -> None:
    """Let one request at a time count a brand's quota; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [brand_id.int & (2**62 - 1)])


def _product(request: MintRequest, *, lock: bool) -> Product | None:
    """Read the product; the lock keeps its GTIN, and free what was found free."""
    rows = Product.objects.filter(id=request.product_id)
    return (rows.select_for_update(no_key=True) if lock else rows).first()


def _production_batch(request: MintRequest, *, lock: bool) -> ProductionBatch | None:
    """Read the production batch; the lock makes concurrent requests count its rest in turn."""
    if request.production_batch_id is None:
        return None
    rows = ProductionBatch.objects.filter(id=request.production_batch_id)
    return (rows.select_for_update(no_key=True) if lock else rows).first()


def _brand_facts(brand: Brand) -> BrandFacts:
    live = units = 0
    if brand.max_concurrent_jobs is not None or brand.max_units_per_day is not None:
        today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        jobs = MintJob.objects.filter(brand=brand)
        live = jobs.filter(status__in=LIVE_JOBS).count()
        # What a cancelled job made was made; the rest it gives back.
        held = Case(
            When(status=JobStatus.CANCELLED, then=F("generated_quantity")),
            default=F("requested_quantity"),
        )
        of_today = jobs.filter(created_at__gte=today)
        units = of_today.aggregate(units=Sum(held))["units"] or 0
    return BrandFacts(
        resolver_host=brand.resolver_host,
        gs1_prefixes=tuple(brand.gs1_prefixes),
        max_concurrent_jobs=brand.max_concurrent_jobs,
        max_units_per_day=brand.max_units_per_day,
        live_jobs=live,
        units_today=units,
    )


def _product_facts(product: Product | None) -> ProductFacts | None:
    if product is None:
        return None
    return ProductFacts(
        id=product.id,
        gtin=product.gtin,
        category=product.category,
        commercial_status=product.commercial_status,
        dpp=product.dpp,
    )


def _production_batch_facts(batch: ProductionBatch | None) -> ProductionBatchFacts | None:
    if batch is None:
        return None
    return ProductionBatchFacts(
        product_id=batch.product_id,
        status=batch.status,
        remaining=remaining_quantities([batch.id])[batch.id],
    )


def _create_batch(found: _Found, product: Product, request: MintRequest, actor: str) -> MintBatch:
    """Create the batch with a copy of everything that will be printed, and its lots."""
    brand, production_batch = found.brand, found.production_batch
    version = PassportVersion.objects.get(product=product, number=product.dpp_version)
    batch = MintBatch.objects.create(
        brand=brand,
        product=product,
        passport_version=version,
        production_batch=production_batch,
        identity_mode=request.identity_mode,
        activation_mode=request.activation_mode,
        **chain_columns(request.chain_mode, request.leaf_owner),
        resolver_base=f"{settings.TIEBACK_RESOLVER_SCHEME}://{brand.resolver_host}",
        gtin=product.gtin,
        sku=product.sku,
        production_ref=production_batch.external_ref if production_batch else "",
        requested_quantity=request.quantity,
        needs_release=brand.activates_after_release
        and request.activation_mode == ActivationMode.FIRST_SCAN,
        **serial_columns(request, product, actor),
    )
    create_lots(batch, request.lots)
    return batch
