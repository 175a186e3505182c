"""Wishing for assets: the rows that wait, for a cycle's units at once or for one on demand.

The third way is a first scan, whose statement in the resolver inserts the row itself
(``resolver/activation.py``). A unit has one asset, whoever wishes for it and how often: the
database keeps them apart by the unit.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from minting import pipeline
from minting.events import tell
from minting.models import BatchProof, MintUnit, UnitAsset
from minting.revocations import Act
from minting.states import ChainMode, Priority, UnitStatus
from tieback.brands.audit import ActsFor, record
from tieback.errors import Conflict, NotFound

GROUP = "chain.group"
TARGET = "unit_asset"

_OF_CYCLE = """
insert into minting_unitasset (brand_id, unit_id, batch_id, owner, network, priority)
select brand_id, id, batch_id, %(owner)s, %(network)s, %(priority)s
  from minting_mintunit
 where batch_id = %(batch)s and ordinal between %(first)s and %(last)s and status < %(revoked)s
on conflict (unit_id) do nothing
"""
_OF_UNIT = """
insert into minting_unitasset (brand_id, unit_id, batch_id, owner, network, priority)
values (%(brand)s, %(unit)s, %(batch)s, %(owner)s, %(network)s, %(priority)s)
on conflict (unit_id) do nothing
"""


class UnitWithoutChain(Conflict):
    """The unit's batch was minted without a chain: its units have no assets."""

    code = "UNIT_WITHOUT_CHAIN"


class UnitIsRevoked(Conflict):
    """The unit is revoked: no asset is made of it any more."""

    code = "UNIT_REVOKED"


class OtherOwner(Conflict):
    """An asset of this unit was asked for with another owner; it is made once, for the first."""

    code = "ASSET_HAS_OTHER_OWNER"


@dataclass(frozen=True)
class Wish:
    """The asset of a unit. ``is_new``: this wish was the first."""

    asset: UnitAsset
    is_new: bool


def wish_for_cycle(proof: BatchProof, *, first: int, last: int) -> int:
    """Wish for the assets of a cycle's units, in the transaction that makes its root.

    Returns for how many. Does nothing for batches of other modes. Runs in the brand's scope.
    """
    batch = proof.batch
    if batch.chain_mode != ChainMode.CNFT:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _OF_CYCLE,
            {
                "owner": batch.leaf_owner,
                "network": batch.chain_network,
                "priority": batch.job.priority,
                "batch": batch.id,
                "first": first,
                "last": last,
                "revoked": UnitStatus.REVOKED,
            },
        )
        return int(cursor.rowcount)


@transaction.atomic
def wish_on_demand(*, brand_id: UUID, token: str, owner: str | None, act: Act) -> Wish:
    """Wish for the asset of one unit, or return the one that was wished for before.

    ``owner`` is an address, or None for whoever the batch names. Runs in the brand's scope.
    Raises ``NotFound``, ``UnitWithoutChain``, ``UnitIsRevoked`` and ``OtherOwner``, having written
    nothing.
    """
    unit = MintUnit.objects.select_related("batch").filter(token=token).first()
    if unit is None:
        raise NotFound
    known = UnitAsset.objects.filter(unit=unit.id).first()
    if known is None:
        known = _first_wish(unit, owner)
        if known is not None:
            _tell(brand_id, unit, known, act)
            return Wish(known, is_new=True)
        known = UnitAsset.objects.get(unit=unit.id)
    if owner is not None and owner != known.owner:
        raise OtherOwner
    return Wish(known, is_new=False)


def _first_wish(unit: MintUnit, owner: str | None) -> UnitAsset | None:
    """Insert the row; return None where somebody else was quicker."""
    batch = unit.batch
    if batch.chain_mode == ChainMode.NONE:
        raise UnitWithoutChain
    if unit.status == UnitStatus.REVOKED:
        raise UnitIsRevoked
    with connection.cursor() as cursor:
        cursor.execute(
            _OF_UNIT,
            {
                "brand": unit.brand_id,
                "unit": unit.id,
                "batch": batch.id,
                "owner": batch.leaf_owner if owner is None else owner,
                "network": batch.chain_network,
                "priority": Priority.HIGH,
            },
        )
        if not cursor.rowcount:
            return None
    return UnitAsset.objects.get(unit=unit.id)


def _tell(brand_id: UUID, unit: MintUnit, asset: UnitAsset, act: Act) -> None:
    after = {"token": unit.token, "owner": asset.owner, "network": asset.network}
    record(
        ActsFor(brand_id, act.actor),
        "unit_asset.asked",
        TARGET,
        asset.id,
        after=after,
        request=act.request_id,
    )
    tell(
        "asset.asked",
        brand_id=brand_id,
        batch_id=unit.batch_id,
        actor=act.actor,
        data={"token": unit.token},
    )
    transaction.on_commit(lambda: pipeline.ring_step(GROUP, asset.id))
