"""Gives out a unit's asset, to whoever is shown the unit or given its proof.

Only what the chain itself has told of: a row that is pending is no asset. Loads nothing of
Solana's, since the resolver asks it for pages.
"""

from minting.models import UnitAsset
from minting.proofs.document import Asset
from minting.states import AssetStatus

# The resolver may read no more of an asset. Who owns it now, the chain says.
_SHOWN = ("blockchain", "network", "asset_id", "tree__address", "leaf_index")


def asset_of(unit_id: int) -> Asset | None:
    """Return the asset of a unit, None where the chain has told of none.

    Runs in the scope of the brand, or where scopes are off.
    """
    completed = UnitAsset.objects.filter(unit=unit_id, status=AssetStatus.COMPLETED)
    found = completed.values_list(*_SHOWN).first()
    if found is None:
        return None
    blockchain, network, asset_id, tree, leaf_index = found
    return Asset(
        blockchain=blockchain, network=network, id=asset_id, tree=tree, leaf_index=leaf_index
    )
