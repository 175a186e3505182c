"""Minted batches for tests of exports, and what their packs must hold, written independently."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from exports import storage
from exports.builds import queue_for
from exports.manifests import COLUMNS
from exports.models import PackBuild, PayloadPack
from minting.models import MintBatch, MintEvent, MintLot, MintUnit, PassportVersion
from minting.serials import resolver_url
from minting.states import ActivationMode, BatchStatus, IdentityMode, UnitStatus
from tests.factories import BrandWorld, make_product
from tests.planes import acting_as
from tieback.brands.scoping import all_brands, brand_scope

CREATED = datetime(2026, 11, 21, 4, 5, 6, 700, tzinfo=UTC)

_INSERT = """
insert into minting_mintunit
       (brand_id, product_id, batch_id, lot_id, ordinal, token, serial, status, created_at)
select batch.brand_id, batch.product_id, batch.id, lot, ordinal, token, serial, 0, %(created)s
  from minting_mintbatch as batch,
       unnest(%(tokens)s::text[], %(serials)s::text[], %(lots)s::uuid[]) with ordinality
           as made (token, serial, lot, ordinal)
 where batch.id = %(batch)s
"""


def token_of(batch_id: UUID, ordinal: int) -> str:
    """Return a token that no other unit has."""
    return f"{batch_id.hex[:12]}{ordinal:08}".upper()


def minted_batch(
    world: BrandWorld,
    quantity: int = 25,
    *,
    serials: Sequence[str | None] | None = None,
    lots: Sequence[str] = (),
    **fields: Any,
) -> MintBatch:
    """Make a minted batch and its units, committed. ``lots`` share the units equally."""
    with acting_as("web"):
        product = make_product(world, gtin=fields["gtin"]) if "gtin" in fields else None
        product = product or make_product(world)
        with brand_scope(world.brand.id):
            values: dict[str, Any] = {
                "identity_mode": IdentityMode.BATCH if lots else IdentityMode.SERIAL,
                "activation_mode": ActivationMode.FIRST_SCAN,
                "resolver_base": "https://id.nordhav.example",
                "gtin": product.gtin,
                "sku": product.sku,
                "production_ref": "PO-2026-7",
                "status": BatchStatus.MINTED,
                "requested_quantity": quantity,
                "minted_quantity": quantity,
                "minted_at": timezone.now(),
                **fields,
            }
            batch = MintBatch.objects.create(
                brand=world.brand,
                product=product,
                passport_version=PassportVersion.objects.get(product=product),
                **values,
            )
            lot_rows = [
                MintLot.objects.create(
                    brand=world.brand,
                    batch=batch,
                    lot_code=code,
                    quantity=quantity // len(lots),
                    first_ordinal=place * (quantity // len(lots)) + 1,
                    last_ordinal=(place + 1) * (quantity // len(lots)),
                )
                for place, code in enumerate(lots)
            ]
    with acting_as("worker"), brand_scope(world.brand.id), connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            {
                "batch": batch.id,
                "created": CREATED,
                "tokens": [token_of(batch.id, n) for n in range(1, quantity + 1)],
                "serials": list(serials) if serials else [None] * quantity,
                "lots": [
                    lot_rows[n * len(lots) // quantity].id if lots else None
                    for n in range(quantity)
                ],
            },
        )
    return batch


def queued_build(batch: MintBatch) -> PackBuild:
    """Ask for the packs of a batch as the worker does on completion; return the committed build."""
    with acting_as("worker"), brand_scope(batch.brand_id):
        queue_for(brand_id=batch.brand_id, batch_id=batch.id, quantity=batch.minted_quantity)
    return build_of(batch)


def build_of(batch: MintBatch) -> PackBuild:
    """Return the build as it stands."""
    with brand_scope(batch.brand_id):
        return PackBuild.objects.get(batch=batch)


def packs_of(batch: MintBatch) -> list[PayloadPack]:
    """Return the packs in order, as they stand."""
    with brand_scope(batch.brand_id):
        return list(PayloadPack.objects.filter(batch=batch).order_by("number"))


def events_of(batch: MintBatch) -> list[str]:
    """Return the types of the batch's events, oldest first."""
    with brand_scope(batch.brand_id):
        rows = MintEvent.objects.filter(batch=batch).order_by("id")
        return list(rows.values_list("type", flat=True))


def end_lease(batch: MintBatch) -> None:
    """Let the lease of a builder that died run out."""
    with all_brands():
        past = timezone.now() - timedelta(seconds=1)
        PackBuild.objects.filter(batch=batch).update(lease_until=past)


def due_now(batch: MintBatch) -> None:
    """End the wait before the next attempt."""
    with all_brands():
        PackBuild.objects.filter(batch=batch).update(next_attempt_at=None)


def stored(key: str) -> bytes:
    """Return an object's bytes from the store."""
    with storage.PackStorage().open(key) as file:
        content: bytes = file.read()
    return content


def keys_under(prefix: str) -> list[str]:
    """Return the keys of the store that begin so."""
    _, files = storage.PackStorage().listdir(prefix)
    return sorted(files)


def expected_pack(batch: MintBatch, first: int, last: int) -> bytes:
    """Write a pack in Python, from the models: cells that need no care, as all here are."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    with brand_scope(batch.brand_id):
        units = MintUnit.objects.filter(batch=batch, ordinal__range=(first, last))
        for unit in units.select_related("lot").order_by("ordinal"):
            writer.writerow(_row(batch, unit))
    return text.getvalue().encode()


def _row(batch: MintBatch, unit: MintUnit) -> list[Any]:
    lot = unit.lot.lot_code if unit.lot else None
    serial = unit.serial or unit.token
    url = resolver_url(
        base=batch.resolver_base, gtin=batch.gtin, lot=lot, token=unit.token, serial=unit.serial
    )
    return [
        *(unit.ordinal, unit.token, serial, url, batch.gtin, batch.sku, lot),
        *(UnitStatus(unit.status).label, batch.activation_mode, batch.id, batch.production_ref),
        unit.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    ]


@dataclass(frozen=True)
class Files:
    """Everything a finished build has in the store."""

    packs: list[bytes]
    manifest: bytes


def files_of(batch: MintBatch) -> Files:
    """Read what was stored for a batch."""
    return Files(
        [stored(pack.storage_key) for pack in packs_of(batch)], stored(build_of(batch).manifest_key)
    )


def expected_packs(batch: MintBatch) -> list[bytes]:
    """Return all packs of a batch as Python writes them."""
    size, rows = settings.TIEBACK_PACK_SIZE, batch.minted_quantity
    return [
        expected_pack(batch, first, min(first + size - 1, rows))
        for first in range(1, rows + 1, size)
    ]
