"""Mints: a transaction's worth of assets, and what the chain told of each of them.

Which leaf an asset got is decided as the transaction is executed. So it is read from the events in
the finalized transaction, and an event belongs to the asset whose metadata have its hash: never by
counting, since other transactions come between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.transaction_status import EncodedConfirmedTransactionWithStatusMeta

from minting.chain.bubblegum.events import LeafTold
from minting.chain.bubblegum.instructions import Mint, mint_v1, mint_v2
from minting.chain.bubblegum.leaves import Leaf
from minting.chain.bubblegum.metadata import Metadata
from minting.chain.bubblegum.programs import Version, asset_id
from minting.chain.landed import executed_in
from minting.chain.prices import protocol_fee
from minting.chain.sending.claims import Flight
from minting.chain.sending.kinds import Done, Keys, NotTold, Plain
from minting.chain.trees import choosing
from minting.crashpoints import reach
from minting.interruptions import LONGEST_ERROR
from minting.models import ChainTree
from tieback.metrics import ASSETS_COMPLETED

# The address of an asset is searched for by trying, at 1,500 units a try. Each try succeeds in one
# of two cases: twenty more than in the simulation are as likely as one in a million.
_MORE_UNITS = 20 * 1_500
_OUT_OF_UNITS = ("ProgramFailedToComplete", "ComputationalBudgetExceeded")

_COMPLETED = """
with told as (
    select * from unnest(
        %(places)s::int[], %(indexes)s::bigint[], %(ids)s::text[], %(hashes)s::bytea[],
        %(owners)s::text[]
    ) as told (place, leaf_index, asset_id, leaf_hash, owner)
), done as (
    update minting_unitasset as asset
       set status = 'completed', leaf_index = told.leaf_index, asset_id = told.asset_id,
           leaf_hash = told.leaf_hash, owner = told.owner, transaction_id = %(transaction)s,
           error_message = '', processed_at = clock_timestamp(), updated_at = clock_timestamp()
      from told
     where asset.submission_id = %(submission)s and asset.place = told.place
       and asset.status = 'processing'
    returning asset.tree_id
)
select tree_id, count(*) from done group by tree_id
"""
_FAILED = """
update minting_unitasset
   set status = 'failed', error_message = %s, updated_at = clock_timestamp()
 where submission_id = %s and status = 'processing'
"""
_RETRIED = """
update minting_unitasset
   set status = 'processing', error_message = '', retry_count = retry_count + 1,
       updated_at = clock_timestamp()
 where submission_id = %s and status = 'failed'
"""


@dataclass(frozen=True)
class Told:
    """What the chain has told of the asset at ``place`` of a submission."""

    place: int
    leaf: Leaf
    hash: bytes


def payload_of(
    *, tree: str, schema: int, uri: str, mints: Sequence[tuple[str, str]], collection: str = ""
) -> dict[str, Any]:
    """Return all that a mint transaction is made of; ``mints`` are names and owners.

    An owner is empty where the leaf is to be the payer's.
    """
    told = {"tree": tree, "schema": schema, "uri": uri, "mints": [list(one) for one in mints]}
    return told | ({"collection": collection} if collection else {})


def instructions_of(payload: Mapping[str, Any], payer: Pubkey) -> list[Instruction]:
    """Return the mints of a payload, in its order."""
    version, tree = Version(payload["schema"]), Pubkey.from_string(payload["tree"])
    build = mint_v1 if version is Version.V1 else mint_v2
    return [
        build(
            Mint(
                tree=tree,
                payer=payer,
                delegate=payer,
                owner=Pubkey.from_string(owner) if owner else payer,
            ),
            metadata,
        )
        for (_, owner), metadata in zip(payload["mints"], _metadata(payload), strict=True)
    ]


def matched(payload: Mapping[str, Any], leaves: Sequence[LeafTold]) -> list[Told]:
    """Return what was told of each asset of a payload, in its order. Raises ``NotTold``."""
    version, tree = Version(payload["schema"]), Pubkey.from_string(payload["tree"])
    of_tree = {
        one.leaf.data_hash: one
        for one in leaves
        if one.leaf.version is version and one.leaf.id == asset_id(tree, one.leaf.nonce)
    }
    found = []
    for place, metadata in enumerate(_metadata(payload)):
        told = of_tree.get(metadata.data_hash(version))
        if told is None:
            raise NotTold(f"no event tells of {metadata.name}")
        found.append(Told(place, told.leaf, told.hash))
    return found


def leaves_told(landed: EncodedConfirmedTransactionWithStatusMeta) -> list[LeafTold]:
    """Return the leaves that Bubblegum has told of in a transaction. Raises ``NotTold``."""
    try:
        events = [one.event for one in executed_in(landed)]
    except ValueError as error:
        raise NotTold(str(error)) from error
    return [event for event in events if isinstance(event, LeafTold)]


def _metadata(payload: Mapping[str, Any]) -> list[Metadata]:
    collection = payload.get("collection")
    of_all = Pubkey.from_string(collection) if collection else None
    return [
        Metadata(name=name, uri=payload["uri"], collection=of_all) for name, _ in payload["mints"]
    ]


class _Mint(Plain):
    """See ``minting.chain.sending.kinds.Kind``."""

    def instructions(self, payload: Mapping[str, Any], keys: Keys) -> Sequence[Instruction]:
        """Return the mints; the payer is the tree's delegate."""
        return instructions_of(payload, keys.payer)

    def mints(self, payload: Mapping[str, Any]) -> int:
        """Return how many assets the transaction makes."""
        return len(payload["mints"])

    def spends(self, payload: Mapping[str, Any]) -> int:
        """Return what Bubblegum takes."""
        return protocol_fee(payload["schema"], mints=self.mints(payload))

    def shape(self, payload: Mapping[str, Any]) -> str:
        """Tell each tree from others: its version and its depth decide how much is computed."""
        return str(payload["tree"])

    def more_units(self, payload: Mapping[str, Any]) -> int:
        """Allow for addresses that are found late; the chances of all mints even out."""
        return _MORE_UNITS

    def is_final(self, error: str) -> bool:
        """Let what has run out of units be tried again: at another leaf it needs others."""
        return super().is_final(error) and not any(one in error for one in _OUT_OF_UNITS)

    def learn(
        self, payload: Mapping[str, Any], landed: EncodedConfirmedTransactionWithStatusMeta
    ) -> list[Told]:
        """Return the leaf of each asset. Raises ``NotTold`` where an event is missing."""
        return matched(payload, leaves_told(landed))

    def completed(self, done: Done) -> None:
        """Write down the leaf of each asset, and count them in their tree."""
        told: list[Told] = done.learnt
        with connection.cursor() as cursor:
            cursor.execute(
                _COMPLETED,
                {
                    "places": [one.place for one in told],
                    "indexes": [one.leaf.nonce for one in told],
                    "ids": [str(one.leaf.id) for one in told],
                    "hashes": [one.hash for one in told],
                    "owners": [str(one.leaf.owner) for one in told],
                    "transaction": done.transaction_id,
                    "submission": done.flight.id,
                },
            )
            counts: list[tuple[UUID, int]] = cursor.fetchall()
        for tree_id, count in counts:
            choosing.landed(ChainTree(pk=tree_id), count)
            ASSETS_COMPLETED.inc(count)
        reach("assets.before_completed")

    def failed(self, flight: Flight, error: str) -> None:
        """Say of each asset why its submission has failed; it keeps its place in it.

        So nothing else may mint it: only the submission itself can be let go on.
        """
        with connection.cursor() as cursor:
            cursor.execute(_FAILED, [error[:LONGEST_ERROR], flight.id])

    def retried(self, submission_id: UUID) -> None:
        """Let the assets go on with their submission."""
        with connection.cursor() as cursor:
            cursor.execute(_RETRIED, [submission_id])


MINT = _Mint()
