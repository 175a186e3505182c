"""Reads what a passport is made of: a unit, or the batch that a product, lot or batch leads to.

The role of this plane may read only the columns named here.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from minting.chain.networks import NETWORKS, address_url
from minting.models import MintBatch, MintUnit, PassportChange
from minting.serials import resolver_url
from minting.states import AssetStatus, ProofStatus, UnitStatus
from resolver.digital_link import (
    Code,
    DigitalLink,
    GroupLink,
    MalformedCode,
    NotACode,
    is_token,
    other_readings,
    parse,
)
from resolver.lookup import FoundGroup, find_group
from tieback.brands.scoping import all_brands

#: As many changes are shown; the API has all of them.
MOST_CHANGES = 50
_OF_BATCH = {
    "product_id": "product_id",
    "batch_id": "id",
    "gtin": "gtin",
    "base": "resolver_base",
    "activation_mode": "activation_mode",
    "product": "product__name",
    "brand": "brand__name",
    "category": "shown_version__category",
    "schema_version": "shown_version__schema_version",
    "updated_at": "shown_version__created_at",
    "dpp": "shown_version__dpp",
    "changes": "passport_changes",
}
_OF_UNIT = {
    "token": "token",
    "serial": "serial",
    "status": "status",
    "activated_at": "activated_at",
    "revoked_at": "revoked_at",
    "reason": "revocation__reason",
    "lot": "lot__lot_code",
    "proof": "batch__proof__status",
}
#: Of the unit's asset, if it has one.
_OF_ASSET = {
    "status": "assets__status",
    "blockchain": "assets__blockchain",
    "network": "assets__network",
    "id": "assets__asset_id",
}
_THROUGH_UNIT = {name: f"batch__{column}" for name, column in _OF_BATCH.items()}


@dataclass(frozen=True, slots=True)
class OnChain:
    """The item's own entry on a blockchain; ``explorer`` is where anyone can look at it."""

    blockchain: str
    network: str
    id: str
    explorer: str | None


@dataclass(frozen=True, slots=True)
class PassportChanged:
    """That the passport was changed after minting: when, and why."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Unit:
    """What is stored of one item."""

    token: str
    serial: str
    status: UnitStatus
    activated_at: datetime | None
    revoked_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """What a code leads to; ``unit`` is None where it names no single item.

    ``code`` is what is printed, ``page`` the path of the passport; ``kind`` is ``item``,
    ``product``, ``lot`` or ``batch``. ``changes`` are the newest first.
    """

    kind: str
    code: str
    page: str
    product_id: UUID
    batch_id: UUID
    gtin: str | None
    lot: str | None
    base: str
    activation_mode: str
    product: str
    brand: str
    category: str
    schema_version: int
    updated_at: datetime
    dpp: Any
    changes: tuple[PassportChanged, ...] = ()
    unit: Unit | None = None
    is_proven: bool = False
    on_chain: OnChain | None = None


def read_unit(brand: UUID, token: str) -> Item | None:
    """Return the unit of this brand with this token."""
    if not is_token(token):
        return None
    columns = {**_OF_UNIT, **_THROUGH_UNIT}
    with all_brands():
        units = MintUnit.objects.filter(brand_id=brand, token=token)
        row = units.values_list(*_OF_ASSET.values(), *columns.values()).first()
    if row is None:
        return None
    found = dict(zip(columns, row[len(_OF_ASSET) :], strict=True))
    stored = {name: found.pop(name) for name in _OF_UNIT}
    found["changes"] = _changes(found["batch_id"], found["changes"])
    lot, serial = stored.pop("lot"), stored["serial"]
    is_proven = stored.pop("proof") == ProofStatus.SIGNED
    return Item(
        kind="item",
        code=resolver_url(
            base=found["base"], gtin=found["gtin"], token=token, serial=serial, lot=lot
        ),
        page=f"/p/{token}",
        lot=lot,
        unit=Unit(**{**stored, "serial": serial or token, "status": UnitStatus(stored["status"])}),
        is_proven=is_proven,
        on_chain=_on_chain(*row[: len(_OF_ASSET)]),
        **found,
    )


def _changes(batch_id: UUID, count: int) -> tuple[PassportChanged, ...]:
    """Return the changes of a batch's passports; asks only where the batch says there are some."""
    if not count:
        return ()
    with all_brands():
        rows = PassportChange.objects.filter(batch=batch_id).order_by("-number")
        newest = rows.values_list("created_at", "reason")[:MOST_CHANGES]
        return tuple(PassportChanged(*row) for row in newest)


def _on_chain(status: str | None, blockchain: str, network: str, id_: str) -> OnChain | None:
    """Return what is shown of an asset; nothing before the chain has told of it."""
    if status != AssetStatus.COMPLETED:
        return None
    explorer = address_url(network, id_) if network in NETWORKS else None
    return OnChain(blockchain, network, id_, explorer)


def read_group(brand: UUID, path: str) -> Item | None:
    """Return the batch whose passport shows what a path without a serial number names."""
    read = _group_of(brand, path)
    if read is None:
        return None
    code, group = read
    with all_brands():
        batches = MintBatch.objects.filter(id=group.batch_id)
        row = batches.values_list(*_OF_BATCH.values()).get()
    found = dict(zip(_OF_BATCH, row, strict=True))
    found["changes"] = _changes(found["batch_id"], found["changes"])
    canonical = _canonical(code, group)
    return Item(
        kind=_kind(code, group),
        code=f"{found['base']}{canonical}",
        page=f"/p{canonical}",
        lot=group.lot,
        **found,
    )


def _group_of(brand: UUID, path: str) -> tuple[Code, FoundGroup] | None:
    """Read a path, of which a lot's last slash may be a part, and look up what it names."""
    try:
        code = parse(path)
    except (NotACode, MalformedCode):
        return None
    group = find_group(brand, code)
    if group and isinstance(code, DigitalLink) and code.lot and not group.lot:
        with suppress(MalformedCode):
            for other in other_readings(path, None, code):
                if (known := find_group(brand, other)) and known.lot:
                    return other, known
    return (code, group) if group else None


def _canonical(code: Code, group: FoundGroup) -> str:
    """Return the path without a lot that nobody was given."""
    if isinstance(code, DigitalLink) and not group.lot:
        return f"/01/{code.gtin}"
    return code.canonical


def _kind(code: Code, group: FoundGroup) -> str:
    if group.lot:
        return "lot"
    return "batch" if isinstance(code, GroupLink) else "product"
