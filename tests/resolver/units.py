"""Minted units for the resolver's tests, committed by the planes that make them in production."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from minting.models import MintBatch, MintLot, MintUnit, PassportVersion, Product
from minting.serials import generate_tokens
from minting.states import ActivationMode, BatchStatus, IdentityMode, UnitStatus
from tests.factories import BrandWorld, make_product
from tests.planes import acting_as
from tieback.brands.scoping import all_brands, brand_scope

WHEN = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


@dataclass(frozen=True)
class Minted:
    """A batch and what can be scanned of it."""

    batch: MintBatch
    tokens: list[str]
    lot_id: UUID | None = None

    @property
    def gtin(self) -> str:
        assert self.batch.gtin
        return self.batch.gtin

    @property
    def host(self) -> str:
        return self.batch.resolver_base.partition("://")[2]

    def path(self, at: int = 0) -> str:
        return f"/01/{self.gtin}/21/{self.tokens[at]}"


def mint(
    world: BrandWorld,
    count: int = 1,
    *,
    activation_mode: ActivationMode = ActivationMode.FIRST_SCAN,
    status: UnitStatus = UnitStatus.MINTED,
    serials: list[str] | None = None,
    lot: str = "",
    of: Product | None = None,
    version: PassportVersion | None = None,
    of_batch: dict[str, Any] | None = None,
    **product: Any,
) -> Minted:
    """Make a batch (and its product, unless given) as the web plane, its units as a worker."""
    with acting_as("web"):
        made = of or make_product(world, **product)
        columns = {"activation_mode": activation_mode, **(of_batch or {})}
        batch, lot_row = _batch(world, made, count, columns, lot, version)
    tokens = generate_tokens(count)
    with acting_as("worker"), brand_scope(world.brand.id):
        MintUnit.objects.bulk_create(
            MintUnit(
                brand=world.brand,
                product_id=batch.product_id,
                batch=batch,
                lot=lot_row,
                ordinal=ordinal,
                token=token,
                serial=serials[ordinal - 1] if serials else None,
                status=status,
                activated_at=WHEN if status == UnitStatus.ACTIVE else None,
                revoked_at=WHEN if status == UnitStatus.REVOKED else None,
            )
            for ordinal, token in enumerate(tokens, start=1)
        )
    return Minted(batch, tokens, lot_row.id if lot_row else None)


def _batch(
    world: BrandWorld,
    product: Product,
    count: int,
    columns: dict[str, Any],
    lot: str,
    version: PassportVersion | None,
) -> tuple[MintBatch, MintLot | None]:
    """Make the batch; ``columns`` are those that differ from a batch that is minted whole."""
    values = {
        "status": BatchStatus.MINTED if count else BatchStatus.QUEUED,
        "requested_quantity": max(count, 1),
        "minted_quantity": count,
        "minted_at": WHEN if count else None,
        **columns,
    }
    with brand_scope(world.brand.id):
        batch = MintBatch.objects.create(
            brand=world.brand,
            product=product,
            passport_version=version or PassportVersion.objects.get(product=product),
            identity_mode=IdentityMode.BATCH if lot else IdentityMode.SERIAL,
            resolver_base=f"https://{world.brand.resolver_host}",
            gtin=product.gtin,
            sku=product.sku,
            **values,
        )
        if not lot:
            return batch, None
        return batch, MintLot.objects.create(
            brand=world.brand,
            batch=batch,
            lot_code=lot,
            quantity=max(count, 1),
            first_ordinal=1,
            last_ordinal=max(count, 1),
        )


def units_of(minted: Minted) -> list[MintUnit]:
    """Return the batch's units as they stand."""
    with all_brands():
        return list(MintUnit.objects.filter(batch=minted.batch).order_by("ordinal"))


def row_versions(minted: Minted) -> list[tuple[str, str]]:
    """Return what changes whenever PostgreSQL writes a row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select ctid::text, xmin::text from minting_mintunit where batch_id = %s order by id",
            (minted.batch.id,),
        )
        return list(cursor.fetchall())


def waiting_activations() -> int:
    """Return how many activations no roll-up has counted yet."""
    with acting_as("worker"), connection.cursor() as cursor:
        cursor.execute("select count(*) from resolver_activation")
        return int(cursor.fetchone()[0])
