"""Which leaves are to be changed: those that name another document than they are to, and gifts.

Nothing of it is written into a million rows. A batch says which document its leaves are to name
since the last change of its passports; the leaves that name another are found by an index. So one
statement wishes for all of them, and whatever was minted meanwhile is found as well.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from minting.chain.trees.shapes import Shape
from tieback.brands.scoping import brand_scope

#: Changes of a tree's leaves that may be under way, in buffers: until they are final, some fifteen
#: seconds, several times as many land as a tree remembers.
_BUFFERS_UNDER_WAY = 8

# The document of what is shown, once it is pinned: a leaf must name nothing that is not there.
_PINNED = """
  from minting_mintbatch as changed
 cross join lateral (
    select id from minting_metadatadocument
     where passport_version_id = changed.shown_version_id and status = 'pinned'
     order by number desc limit 1
 ) as pinned
 where changed.chain_network = %s and changed.passport_changes >= 1
   and changed.leaf_document_id is null
"""
_TO_WISH = f"select distinct changed.brand_id {_PINNED}"
_WISH = f"""
update minting_mintbatch as batch set leaf_document_id = pinned.id {_PINNED}
   and batch.id = changed.id
"""  # noqa: S608 - constants only
# One look for each changed batch: its leaves are in the index by the document that they name.
_UPDATES = """
select batch.id, batch.brand_id, batch.leaf_document_id, old.document_id
  from minting_mintbatch as batch
 cross join lateral (
    (select document_id from minting_unitasset as asset
      where asset.batch_id = batch.id and asset.status = 'completed'
        and asset.change_submission_id is null and asset.document_id < batch.leaf_document_id
      order by document_id desc limit 1)
    union all
    (select document_id from minting_unitasset as asset
      where asset.batch_id = batch.id and asset.status = 'completed'
        and asset.change_submission_id is null and asset.document_id > batch.leaf_document_id
      order by document_id limit 1)
    limit 1
 ) as old
 where batch.chain_network = %s and batch.passport_changes >= 1
   and batch.leaf_document_id is not null
 order by random() limit %s
"""
_TRANSFERS = """
select id, brand_id, batch_id from minting_unitasset
 where network = %s and transfer_to <> '' and status = 'completed' and change_submission_id is null
 order by id limit %s
"""
# Of all that is under way little is of one tree.
_ROOM = """
select tree.id, tree.address, tree.schema, tree.core_collection,
       tree.max_depth, tree.max_buffer_size, tree.canopy, coalesce(under_way.leaves, 0)
  from minting_chaintree as tree
  left join (
    select payload ->> 'tree' as address, sum(jsonb_array_length(payload -> 'leaves')) as leaves
      from minting_chainsubmission
     where network = %(network)s and status in ('pending', 'sent')
       and kind in ('update', 'transfer')
     group by 1
  ) as under_way on under_way.address = tree.address
 where tree.network = %(network)s and tree.brand_id = %(brand)s and tree.address is not null
"""


@dataclass(frozen=True)
class DueUpdate:
    """A batch of whose leaves some name ``old`` and are to name ``document_id``."""

    batch_id: UUID
    brand_id: UUID
    document_id: UUID
    old: UUID


@dataclass(frozen=True)
class DueTransfer:
    """An asset that is to be given away."""

    asset_id: int
    brand_id: UUID
    batch_id: UUID


@dataclass(frozen=True)
class ChangedTree:
    """A tree whose leaves are to be changed, and how many more may be under way at once."""

    id: UUID
    address: str
    schema: int
    collection: str
    shape: Shape
    room: int


def wish_for_updates() -> int:
    """Let the leaves of changed batches name the new documents that are pinned; return of how many.

    Of any brand. Counts batches: their leaves follow by themselves.
    """
    done = 0
    for (brand_id,) in _rows(_TO_WISH, [settings.SOLANA_NETWORK]):
        with brand_scope(brand_id), connection.cursor() as cursor:
            cursor.execute(_WISH, [settings.SOLANA_NETWORK])
            done += cursor.rowcount
    return done


def due_updates(at_most: int) -> list[DueUpdate]:
    """Return batches of any brand whose leaves are to be updated, in no order."""
    return [DueUpdate(*row) for row in _rows(_UPDATES, [settings.SOLANA_NETWORK, at_most])]


def due_transfers(at_most: int) -> list[DueTransfer]:
    """Return assets of any brand that are to be given away, the oldest first."""
    return [DueTransfer(*row) for row in _rows(_TRANSFERS, [settings.SOLANA_NETWORK, at_most])]


def any_due() -> UUID | None:
    """Return a batch of which something is to be changed, of any brand."""
    wish_for_updates()
    found: list[DueUpdate | DueTransfer] = [*due_updates(1), *due_transfers(1)]
    return found[0].batch_id if found else None


def trees_of(brand_id: UUID) -> dict[UUID, ChangedTree]:
    """Return the trees of a brand on this network, by their ids."""
    terms: dict[str, Any] = {"network": settings.SOLANA_NETWORK, "brand": brand_id}
    found = {}
    for id_, address, schema, collection, depth, buffer, canopy, leaves in _rows(_ROOM, terms):
        room = max(0, _BUFFERS_UNDER_WAY * buffer - int(leaves))
        shape = Shape(depth, buffer, canopy)
        found[id_] = ChangedTree(id_, address, schema, collection, shape, room)
    return found


def _rows(statement: str, terms: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, terms)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
