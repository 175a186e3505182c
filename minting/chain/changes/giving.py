"""Giving a unit's asset to somebody: asked for by the API, once; minted first where there is none.

What is written here is a row's wish, in the transaction of the audit entry. A worker hands it to
the sender once the asset is there (``grouping``).
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from minting import pipeline
from minting.chain.assets.wishing import (
    GROUP,
    TARGET,
    UnitIsRevoked,
    wish_on_demand,
)
from minting.events import tell
from minting.models import MintUnit, UnitAsset
from minting.revocations import Act
from minting.states import ASSET_MODES, AssetStatus, UnitStatus
from tieback.brands.audit import ActsFor, record
from tieback.errors import Conflict, NotFound


class UnitWithoutAsset(Conflict):
    """The unit has no asset, and its batch's chain_mode makes none. Ask for one first."""

    code = "UNIT_WITHOUT_ASSET"


class AssetNotOurs(Conflict):
    """The asset is not, or is not to be, the wallet's that pays: only its owner can hand it on."""

    code = "ASSET_NOT_OURS"


class TransferUnderWay(Conflict):
    """The asset is on its way to somebody else already."""

    code = "TRANSFER_UNDER_WAY"


class AssetNotTransferable(Conflict):
    """The asset has failed or is missing on the chain: a person has to look at it first."""

    code = "ASSET_NOT_TRANSFERABLE"


@dataclass(frozen=True)
class Gift:
    """An asset that is to be given away, or was. ``is_new``: nobody had asked for it before."""

    asset: UnitAsset
    is_new: bool


@transaction.atomic
def give(*, brand_id: UUID, token: str, to: str, act: Act) -> Gift:
    """Ask that a unit's asset be an address's; return it as it is where it is or is to be so.

    Runs in the brand's scope. Raises ``NotFound``, ``UnitWithoutAsset``, ``UnitIsRevoked``,
    ``AssetNotOurs``, ``TransferUnderWay`` and ``AssetNotTransferable``, having written nothing.
    """
    unit = MintUnit.objects.select_related("batch").filter(token=token).first()
    if unit is None:
        raise NotFound
    _mint_first(unit, brand_id, act)
    held = UnitAsset.objects.select_for_update(no_key=True, of=("self",))
    asset = held.select_related("tree").get(unit=unit.id)
    # Who owns it and is to lose it does not have it.
    if to == (asset.transfer_to or asset.owner):
        return Gift(asset, is_new=False)
    _check(unit, asset)
    UnitAsset.objects.filter(pk=asset.pk).update(transfer_to=to, updated_at=Now())
    asset.transfer_to = to
    _tell(brand_id, unit, asset, act)
    return Gift(asset, is_new=True)


def _mint_first(unit: MintUnit, brand_id: UUID, act: Act) -> None:
    if UnitAsset.objects.filter(unit=unit.id).exists():
        return
    if unit.batch.chain_mode not in ASSET_MODES:
        raise UnitWithoutAsset
    if unit.batch.leaf_owner:
        raise AssetNotOurs
    wish_on_demand(brand_id=brand_id, token=unit.token, owner=None, act=act)


def _check(unit: MintUnit, asset: UnitAsset) -> None:
    if unit.status == UnitStatus.REVOKED:
        raise UnitIsRevoked
    if asset.transfer_to:
        raise TransferUnderWay
    if asset.status in (AssetStatus.FAILED, AssetStatus.MISSING_ON_CHAIN):
        raise AssetNotTransferable
    # Whoever pays is the tree's delegate; a leaf that is still to be minted for nobody is theirs.
    ours = asset.tree.delegate if asset.tree is not None else ""
    if asset.owner not in ("", ours):
        raise AssetNotOurs


def _tell(brand_id: UUID, unit: MintUnit, asset: UnitAsset, act: Act) -> None:
    told = {"token": unit.token, "to": asset.transfer_to}
    record(
        ActsFor(brand_id, act.actor),
        "unit_asset.given",
        TARGET,
        asset.id,
        reason=act.reason,
        before={"owner": asset.owner},
        after=told,
        request=act.request_id,
    )
    tell(
        "asset.given",
        brand_id=brand_id,
        batch_id=unit.batch_id,
        actor=act.actor,
        data={**told, "reason": act.reason},
    )
    transaction.on_commit(lambda: pipeline.ring_step(GROUP, asset.id))
