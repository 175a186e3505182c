"""Groups assets that wait into transactions: named, given a tree, packed, and handed to the sender.

A step takes some assets of one batch and does all of it in one transaction, so a worker that dies
leaves them waiting and nothing reserved. Batches take turns, the urgent ones first, so that no
large one keeps a single unit waiting. What a batch lacks is nobody's error: its assets wait on, and
``minting/chain/assets/waiting.py`` tells for what.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection, transaction
from solders.pubkey import Pubkey

from minting.chain.assets.affording import cost_of, most_for
from minting.chain.assets.minting import instructions_of, payload_of
from minting.chain.assets.naming import name_of
from minting.chain.assets.waiting import WaitingBatch, batches_waiting, is_enough
from minting.chain.bubblegum.packing import packed
from minting.chain.bubblegum.programs import Version
from minting.chain.budgets import hold_back, left_to_spend
from minting.chain.sending.submitting import submit
from minting.chain.trees import choosing
from minting.chain.wallets.payer import payer
from minting.crashpoints import reach
from minting.interruptions import is_interruption
from minting.metadata.giving import document_for, uri_of
from minting.models import BatchProof, ChainTree, MetadataDocument
from minting.proofs.trees import leaf_hashes_at
from minting.states import SubmissionKind, UnitStatus
from tieback.brands.scoping import brand_scope

log = structlog.get_logger(__name__)

#: Groups of one batch that a step takes: what a statement costs whatever it does is shared by all.
_GROUPS_AT_ONCE = 5

# Held before they are joined: an index has the order, and no plan may sort all that wait instead.
_CLAIM = """
with taken as materialized (
    select id, unit_id, owner, submission_id from minting_unitasset
     where network = %(network)s and batch_id = %(batch)s and status = 'pending'
     order by priority, id
       for no key update skip locked
     limit %(limit)s
)
select taken.id, unit.ordinal, taken.owner, taken.submission_id, unit.status
  from taken
 cross join lateral (
    select ordinal, status from minting_mintunit where id = taken.unit_id limit 1
 ) as unit
"""
_REVOKED = """
update minting_unitasset
   set status = 'failed', error_message = 'The unit is revoked.', updated_at = clock_timestamp()
 where id = any(%s)
"""
_PLACE = """
update minting_unitasset as asset
   set status = 'processing', submission_id = placed.submission, tree_id = placed.tree,
       place = placed.place, name = placed.name, document_id = %(document)s,
       metadata_uri = %(uri)s, schema = %(schema)s, error_message = '',
       updated_at = clock_timestamp()
  from unnest(%(assets)s::bigint[], %(submissions)s::uuid[], %(trees)s::uuid[], %(places)s::int[],
              %(names)s::text[]) as placed (id, submission, tree, place, name)
 where asset.id = placed.id
"""


@dataclass(frozen=True)
class Grouped:
    """What a run has done: assets that wait no more, and whether it could go on at once."""

    assets: int
    is_more: bool


@dataclass(frozen=True)
class _Asset:
    """One that is claimed. ``before`` is the submission that it was part of, if any."""

    id: int
    ordinal: int
    owner: str
    before: UUID | None
    name: str = ""


@dataclass(frozen=True)
class _Claimed:
    """What a step holds: assets whose units are in the batch's tree of proofs.

    ``is_rest``: no more of the batch wait.
    """

    assets: tuple[_Asset, ...]
    revoked: int
    is_rest: bool


@dataclass(frozen=True)
class _Packed:
    """A transaction's worth of assets in a tree."""

    id: UUID
    tree: ChainTree
    assets: tuple[_Asset, ...]
    payload: dict[str, Any]

    @property
    def key(self) -> str:
        """What it is known by: an asset is in one submission, and in a next one after that."""
        first = self.assets[0]
        return f"{SubmissionKind.MINT}:{first.id}:{first.before or 'first'}"


def group_waiting(*, until: float, stop: Callable[[], bool]) -> Grouped:
    """Hand assets that wait to the sender until ``until`` (monotonic), ``stop`` or nothing is left.

    Ends as well where enough waits to be sent; ``is_more`` is false then, since sending it calls
    for the next run.
    """
    done = 0
    for _, of_priority in groupby(batches_waiting(), key=lambda batch: batch.priority):
        turns = deque(of_priority)
        while turns:
            if is_enough():
                return Grouped(done, is_more=False)
            batch = turns.popleft()
            grouped = _step(batch)
            done += grouped
            if grouped:
                turns.append(batch)
            if time.monotonic() >= until or stop():
                return Grouped(done, is_more=bool(turns))
    return Grouped(done, is_more=False)


def _step(batch: WaitingBatch) -> int:
    """Group some assets of a batch; return how many, 0 where none could be or something is wrong.

    One batch that nothing can be made of must not keep the others waiting.
    """
    try:
        with transaction.atomic(), brand_scope(batch.brand_id):
            grouped = _group(batch)
            reach("assets.before_commit")
        reach("assets.grouped")
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        if is_interruption(error):
            raise
        log.exception("assets_not_grouped", mint_batch_id=str(batch.id))
        return 0
    return grouped


def _group(batch: WaitingBatch) -> int:
    proof = BatchProof.objects.select_related("batch").filter(batch=batch.id).first()
    document = document_for(proof.batch.shown_id) if proof else None
    if proof is None or document is None:
        return 0
    schema = int(settings.SOLANA_TREE_SCHEMA)
    claimed = _claim(batch, proven=proof.hashed_quantity)
    if not claimed.assets:
        return claimed.revoked
    left = left_to_spend(batch.brand_id)
    assets = claimed.assets
    if left is not None:
        assets = assets[: most_for(left, Version(schema))]
    if not assets:
        hold_back(batch.brand_id, batch.id, cost_of(1, Version(schema)))
        return claimed.revoked
    found = choosing.room_for(
        brand_id=batch.brand_id, network=settings.SOLANA_NETWORK, count=len(assets), schema=schema
    )
    uri = uri_of(document, proof.batch.resolver_base)
    is_last = claimed.is_rest and assets == claimed.assets
    made = list(_within(left, _packed(_named(proof, assets), found, uri, is_last=is_last)))
    submit(
        made,
        brand_id=batch.brand_id,
        batch_id=batch.id,
        kind=SubmissionKind.MINT,
        priority=batch.priority,
    )
    _place(made, document, uri)
    return claimed.revoked + sum(len(one.assets) for one in made)


def most_in_a_step() -> int:
    """Return how many assets of a batch a step takes at most."""
    return _GROUPS_AT_ONCE * int(settings.CHAIN_GROUP_SIZE)


def _within(left: int | None, made: Iterator[_Packed]) -> Iterator[_Packed]:
    """Yield the transactions that so many lamports are enough for; the rest leave their room."""
    for one in made:
        cost = cost_of(len(one.assets), Version(one.tree.schema))
        if left is not None and cost > left:
            choosing.given_back(one.tree, len(one.assets))
            continue
        left = None if left is None else left - cost
        yield one


def _claim(batch: WaitingBatch, *, proven: int) -> _Claimed:
    """Hold the first assets of a batch; those of units that were revoked meanwhile fail."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "network": settings.SOLANA_NETWORK,
                "batch": batch.id,
                "limit": most_in_a_step(),
            },
        )
        rows = cursor.fetchall()
        revoked = [row[0] for row in rows if row[-1] == UnitStatus.REVOKED]
        if revoked:
            cursor.execute(_REVOKED, [revoked])
    found = [_Asset(*row[:-1]) for row in rows if row[-1] != UnitStatus.REVOKED]
    return _Claimed(
        tuple(asset for asset in found if asset.ordinal <= proven),
        revoked=len(revoked),
        is_rest=len(rows) < most_in_a_step(),
    )


def _named(proof: BatchProof, assets: Sequence[_Asset]) -> list[_Asset]:
    """Return assets by ordinal, each with its name."""
    sorted_ = sorted(assets, key=lambda one: one.ordinal)
    hashes = leaf_hashes_at(proof, [one.ordinal for one in sorted_])
    return [
        _Asset(one.id, one.ordinal, one.owner, one.before, name_of(hash_))
        for one, hash_ in zip(sorted_, hashes, strict=True)
    ]


def _packed(
    assets: Sequence[_Asset],
    trees: Sequence[tuple[ChainTree, int]],
    uri: str,
    *,
    is_last: bool,
) -> Iterator[_Packed]:
    """Yield transactions of as many mints as fit; what no tree has room for waits on.

    Where it is not the last of the batch, neither does a transaction that is not full go.
    """
    address, start = payer().address, 0
    for tree, count in trees:
        of_tree = assets[start : start + count]
        start += count
        sizes = _sizes(of_tree, tree, uri, address)
        if not is_last and len(sizes) > 1 and sizes[-1] < max(sizes):
            choosing.given_back(tree, sizes.pop())
        at = 0
        for size in sizes:
            part = tuple(of_tree[at : at + size])
            yield _Packed(uuid4(), tree, part, _payload(part, tree, uri))
            at += size


def _sizes(assets: Sequence[_Asset], tree: ChainTree, uri: str, address: Pubkey) -> list[int]:
    mints = instructions_of(_payload(assets, tree, uri), address)
    return packed(mints, address, version=Version(tree.schema), depth=tree.max_depth)


def _payload(assets: Sequence[_Asset], tree: ChainTree, uri: str) -> dict[str, Any]:
    return payload_of(
        tree=tree.address or "",
        schema=tree.schema,
        uri=uri,
        mints=[(one.name, one.owner) for one in assets],
        collection=tree.core_collection,
    )


def _place(made: Sequence[_Packed], document: MetadataDocument, uri: str) -> None:
    placed = [
        (asset.id, one.id, one.tree.pk, place, asset.name)
        for one in made
        for place, asset in enumerate(one.assets)
    ]
    assets, submissions, trees, places, names = zip(*placed, strict=True) if placed else ([],) * 5
    with connection.cursor() as cursor:
        cursor.execute(
            _PLACE,
            {
                "assets": list(assets),
                "submissions": list(submissions),
                "trees": list(trees),
                "places": list(places),
                "names": list(names),
                "document": document.pk,
                "uri": uri,
                "schema": int(settings.SOLANA_TREE_SCHEMA),
            },
        )
