"""Putting right what the chain tells better than the rows: leaves, owners, counts. In SQL.

Each names what the row was when it was looked at, so that a repair that comes late does nothing.
"""

from typing import Any

from django.db import connection

from minting.chain.reconciliation.drifts import Drift

# What was refused here may have landed all the same; what is complete may have been missing.
_AS_IF_SENT = """
update minting_unitasset set status = 'processing'
 where id = %(asset)s and status = 'failed'
"""
_RECORDED = """
with done as (
    update minting_unitasset as asset
       set status = 'completed', tree_id = %(tree)s, leaf_index = %(index)s,
           asset_id = %(asset_id)s, leaf_hash = %(hash)s, owner = %(owner)s,
           transaction_id = coalesce(%(transaction)s, asset.transaction_id), error_message = '',
           processed_at = coalesce(asset.processed_at, clock_timestamp()),
           updated_at = clock_timestamp(), reconciled_at = clock_timestamp()
      from (select id, status from minting_unitasset where id = %(asset)s for update) as before
     where asset.id = before.id and before.status in ('processing', 'missing_on_chain')
    returning before.status
), counted as (
    update minting_chaintree
       set current_supply = current_supply + 1, reserved = greatest(reserved - 1, 0)
     where id = %(tree)s and exists (select from done where status = 'processing')
)
select count(*) from done
"""
_MOVED = """
update minting_unitasset
   set owner = %(owner)s, leaf_hash = %(hash)s, updated_at = clock_timestamp(),
       reconciled_at = clock_timestamp()
 where id = %(asset)s and leaf_index = %(index)s and status = 'completed'
"""
# Which document a leaf is to name its batch says: one that names another is updated again.
_NAMES = """
update minting_unitasset
   set document_id = %(document)s, metadata_uri = %(uri)s, owner = %(owner)s, leaf_hash = %(hash)s,
       updated_at = clock_timestamp(), reconciled_at = clock_timestamp()
 where id = %(asset)s and leaf_index = %(index)s and status = 'completed'
   and change_submission_id is null
"""
_SUPPLY = """
update minting_chaintree as tree set current_supply = %(minted)s
 where tree.id = %(tree)s and tree.current_supply = %(supply)s
   and tree.max_supply >= %(minted)s + tree.reserved
   and not exists (select from minting_unitasset as asset
                    where asset.tree_id = tree.id and asset.status = 'processing')
"""
_MISSING = """
update minting_unitasset
   set status = 'missing_on_chain', updated_at = clock_timestamp(),
       reconciled_at = clock_timestamp()
 where id = %(asset)s and status = 'completed'
"""


def record_leaf(drift: Drift) -> bool:
    """Complete an asset with the leaf that the chain tells of."""
    asked = _asked(drift)
    with connection.cursor() as cursor:
        cursor.execute(_AS_IF_SENT, asked)
        cursor.execute(_RECORDED, asked)
        (done,) = cursor.fetchone()
    return bool(done)


def note_owner(drift: Drift) -> bool:
    """Note who owns a leaf now, and its hash since."""
    return _run(_MOVED, drift)


def note_metadata(drift: Drift) -> bool:
    """Note which document a leaf names, so that it is updated where it is to name another."""
    return _run(_NAMES, drift)


def take_supply(drift: Drift) -> bool:
    """Take the chain's number of mints of a tree."""
    return _run(_SUPPLY, drift)


def note_missing(drift: Drift) -> bool:
    """Note that the leaf of an asset is not there."""
    return _run(_MISSING, drift)


def _run(statement: str, drift: Drift) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, _asked(drift))
        return bool(cursor.rowcount)


def _asked(drift: Drift) -> dict[str, Any]:
    told = drift.detail
    return {
        "tree": told["tree_id"],
        "asset": told.get("asset"),
        "index": told.get("index"),
        "asset_id": told.get("asset_id"),
        "hash": bytes.fromhex(told.get("hash", "")),
        "owner": told.get("owner"),
        "document": told.get("document"),
        "uri": told.get("uri"),
        "transaction": told.get("transaction_id"),
        "minted": told.get("minted"),
        "supply": told.get("supply"),
    }
