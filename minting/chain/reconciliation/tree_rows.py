"""Reads what the database has of trees and their assets, as reconciliation compares it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import connection

from minting.chain.bubblegum.leaves import EMPTY, HASH_BYTES
from minting.chain.reconciliation.leaves import (
    AssetRow,
    DocumentRow,
    Page,
    SentRow,
    TreeRow,
)
from minting.chain.reconciliation.transactions import STALE_SECONDS
from minting.metadata.addresses import short_uri

_NEXT = """
select id, brand_id, address, authority_address, creator, delegate, schema, max_depth,
       current_supply, core_collection
  from minting_chaintree
 where network = %(network)s and status in ('active', 'full', 'archived')
   and (%(brand)s::uuid is null or brand_id = %(brand)s) and id > %(after)s::uuid
 order by id limit 1
"""
_ASSET = """
select id, batch_id, submission_id, status, leaf_index, leaf_hash, owner, name, metadata_uri
  from minting_unitasset
"""
_AT = f"{_ASSET} where tree_id = %(tree)s and leaf_index = any(%(indexes)s)"
_OPEN = f"""{_ASSET}
 where submission_id = any(%(submissions)s) and status in ('processing', 'failed')
"""
_SENT = f"""
select sent.signature, sent.id, sent.submission_id,
       sent.status = 'sent'
       and coalesce(asked.next_attempt_at, asked.lease_until, sent.created_at)
           >= clock_timestamp() - make_interval(secs => {STALE_SECONDS})
  from minting_chaintransaction as sent
  join minting_chainsubmission as asked on asked.id = sent.submission_id
 where sent.signature = any(%(signatures)s)
"""  # noqa: S608 - constants only
# In one value: a row for each of a million leaves would take several times its size.
_LEAVES = """
select count(*), coalesce(max(leaf_index) + 1, 0),
       string_agg(case status when 'completed' then leaf_hash else %(empty)s end, ''::bytea
                  order by leaf_index)
  from minting_unitasset
 where tree_id = %(tree)s and leaf_index is not null
   and status in ('completed', 'missing_on_chain')
"""
_INDEXES = """
select leaf_index, case status when 'completed' then leaf_hash else %(empty)s end
  from minting_unitasset
 where tree_id = %(tree)s and leaf_index is not null
   and status in ('completed', 'missing_on_chain')
"""
_FOREIGN = """
select (detail ->> 'index')::bigint, detail ->> 'hash' from minting_chaindrift
 where kind = 'unknown_leaf' and network = %(network)s and closed_at is null
   and subject_id like %(address)s || ':%%'
"""
_KNOWN = """
select tree.id, tree.brand_id, address, authority_address, creator, delegate, schema, max_depth,
       current_supply, core_collection,
       (select coalesce(max(leaf_index) + 1, 0) from minting_unitasset as asset
         where asset.tree_id = tree.id and leaf_index is not null
           and asset.status in ('completed', 'missing_on_chain'))
  from minting_chaintree as tree
 where network = %s and address = %s
"""
_BEYOND = f"""{_ASSET}
 where tree_id = %(tree)s and status = 'completed' and leaf_index >= %(leaves)s
 order by leaf_index limit %(limit)s
"""
_DOCUMENTS = """
select batch.id, batch.resolver_base, document.id, document.short_id
  from minting_mintbatch as batch
  join minting_metadatadocument as document on document.product_id = batch.product_id
 where batch.id = any(%s) and document.short_id is not null
 order by document.number desc
"""
_CHANGING = """
select exists (
    select from minting_chainsubmission
     where network = %s and status = 'sent' and kind in ('update', 'transfer')
       and payload ->> 'tree' = %s)
"""
_UNDER_WAY = """
select exists (select from minting_unitasset where tree_id = %s and status = 'processing')
"""


def next_tree(network: str, brand_id: UUID | None, after: str) -> TreeRow | None:
    """Return the tree that has its turn after another one."""
    asked = {"network": network, "brand": brand_id, "after": after}
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, asked)
        row = cursor.fetchone()
    return TreeRow(*row) if row else None


def page_of(tree: TreeRow, indexes: Sequence[int], signatures: Sequence[str]) -> Page:
    """Return what is known of these leaves and transactions."""
    with connection.cursor() as cursor:
        cursor.execute(_AT, {"tree": tree.id, "indexes": list(indexes)})
        at = {row.leaf_index: row for row in map(_asset, cursor.fetchall())}
        cursor.execute(_SENT, {"signatures": list(signatures)})
        sent = {signature: SentRow(*told) for signature, *told in cursor.fetchall()}
        submissions = list({one.submission_id for one in sent.values()})
        cursor.execute(_OPEN, {"submissions": submissions})
        open_: dict[UUID, list[AssetRow]] = {one: [] for one in submissions}
        for row in map(_asset, cursor.fetchall()):
            if row.submission_id is not None:
                open_[row.submission_id].append(row)
        documents = _documents(cursor, {row.batch_id for row in at.values()})
    known = {index: row for index, row in at.items() if index is not None}
    return Page(known, sent, open_, documents)


def _documents(cursor: Any, batches: Collection[UUID]) -> dict[UUID, list[DocumentRow]]:
    """Return the documents that assets of these batches may name, the newest first."""
    cursor.execute(_DOCUMENTS, [list(batches)])
    found: dict[UUID, list[DocumentRow]] = {}
    for batch_id, base, document_id, short_id in cursor.fetchall():
        row = DocumentRow(document_id, short_uri(base, short_id))
        found.setdefault(batch_id, []).append(row)
    return found


def leaves_of(tree: TreeRow, network: str, count: int) -> list[bytes] | None:
    """Return the hashes of a tree's first ``count`` leaves; None where one is not known."""
    asked: Mapping[str, Any] = {
        "tree": tree.id,
        "network": network,
        "address": tree.address,
        "empty": EMPTY,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LEAVES, asked)
        known, end, joined = cursor.fetchone()
        if known == end == count:
            joined = bytes(joined or b"")
            return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
        cursor.execute(_FOREIGN, asked)
        foreign = {index: bytes.fromhex(hash_) for index, hash_ in cursor.fetchall()}
        if not foreign or known + len(foreign) < count:
            return None
        cursor.execute(_INDEXES, asked)
        found = foreign | {index: bytes(hash_) for index, hash_ in cursor.fetchall()}
    leaves = [found.get(index) for index in range(count)]
    whole = [leaf for leaf in leaves if leaf is not None]
    return whole if len(whole) == count else None


def known_leaves(network: str, address: str) -> list[bytes] | None:
    """Return the hashes of a tree's leaves as far as they are known, from the first to the last.

    None where one between them is not, or there is no such tree.
    """
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [network, address])
        row = cursor.fetchone()
    return None if row is None else leaves_of(TreeRow(*row[:-1]), network, row[-1])


def beyond(tree: TreeRow, leaves: int, limit: int) -> list[AssetRow]:
    """Return assets that are completed at places that a tree of so many leaves has not."""
    with connection.cursor() as cursor:
        cursor.execute(_BEYOND, {"tree": tree.id, "leaves": leaves, "limit": limit})
        return [_asset(row) for row in cursor.fetchall()]


def is_changing(tree: TreeRow, network: str) -> bool:
    """Tell whether changes of a tree's leaves may have landed that are still to be settled."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGING, [network, tree.address])
        (found,) = cursor.fetchone()
    return bool(found)


def is_under_way(tree: TreeRow) -> bool:
    """Tell whether mints into a tree are still to be settled."""
    with connection.cursor() as cursor:
        cursor.execute(_UNDER_WAY, [tree.id])
        (found,) = cursor.fetchone()
    return bool(found)


def _asset(row: Sequence[Any]) -> AssetRow:
    asset = AssetRow(*row)
    return asset if asset.leaf_hash is None else replace(asset, leaf_hash=bytes(asset.leaf_hash))
