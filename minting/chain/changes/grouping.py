"""Hands changes of leaves that are due to the sender: updates packed, each transfer by itself.

As with mints, a step does all of it in one transaction, so a worker that dies leaves the leaves as
they were. A leaf is part of one change at a time, and each of its states is changed once: that is
what the submission is known by.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any
from uuid import UUID, uuid4

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from solders.pubkey import Pubkey

from minting.chain.assets.grouping import Grouped
from minting.chain.bubblegum.packing import packed
from minting.chain.bubblegum.programs import Version
from minting.chain.budgets import hold_back, left_to_spend
from minting.chain.changes.due import (
    ChangedTree,
    DueTransfer,
    DueUpdate,
    due_transfers,
    due_updates,
    trees_of,
    wish_for_updates,
)
from minting.chain.changes.leaves import Held, payload_of, unproven_place
from minting.chain.changes.updating import update_payload, updates_of
from minting.chain.prices import LAMPORTS_PER_SIGNATURE, TRANSFER_FEES
from minting.chain.sending.submitting import submit
from minting.chain.wallets.payer import payer
from minting.crashpoints import reach
from minting.interruptions import is_interruption
from minting.metadata.giving import uri_of
from minting.models import MetadataDocument, MintBatch
from minting.states import Priority, SubmissionKind
from tieback.brands.scoping import brand_scope

log = structlog.get_logger(__name__)

#: Leaves that a step takes at most, and batches or transfers that are looked for at once.
_LEAVES_AT_ONCE, _FOUND_AT_ONCE = 100, 50

_LEAF = """
select id, tree_id, leaf_index, name, metadata_uri, owner, leaf_hash,
       coalesce(changed_in_id, transaction_id), transfer_to
  from minting_unitasset
"""
# In the order of the index, in which neighbours come together.
_CLAIM = f"""{_LEAF}
 where batch_id = %(batch)s and document_id = %(old)s and status = 'completed'
   and change_submission_id is null and tree_id = any(%(trees)s)
 order by leaf_index
   for no key update skip locked
 limit %(limit)s
"""
_CLAIM_ONE = f"""{_LEAF}
 where id = %(asset)s and status = 'completed' and change_submission_id is null
   and transfer_to <> '' and tree_id = any(%(trees)s)
   for no key update skip locked
"""
_PLACE = """
update minting_unitasset as asset
   set change_submission_id = placed.submission, change_place = placed.place, change_error = '',
       updated_at = clock_timestamp()
  from unnest(%(assets)s::bigint[], %(submissions)s::uuid[], %(places)s::int[])
    as placed (id, submission, place)
 where asset.id = placed.id
"""


@dataclass(frozen=True)
class _Leaf:
    """A leaf that is held; ``state`` is the transaction that made it what it is."""

    asset_id: int
    tree_id: UUID
    held: Held
    state: UUID
    transfer_to: str


@dataclass(frozen=True)
class _Made:
    """A submission, and the leaves that it changes."""

    id: UUID
    kind: SubmissionKind
    leaves: tuple[_Leaf, ...]
    payload: dict[str, Any]

    @property
    def key(self) -> str:
        """What it is known by: each state of a leaf is changed once."""
        first = self.leaves[0]
        return f"{self.kind}:{first.asset_id}:{first.state}"

    @property
    def cost(self) -> int:
        """The lamports that it takes, less its priority."""
        return LAMPORTS_PER_SIGNATURE + int(self.payload.get("lamports", 0))


def change_waiting(*, until: float, stop: Callable[[], bool]) -> Grouped:
    """Hand changes that are due to the sender until ``until`` (monotonic), ``stop`` or none is.

    Transfers first: somebody waits for each.
    """
    wish_for_updates()
    done = _each(due_transfers(_FOUND_AT_ONCE), _transfer, until=until, stop=stop)
    while time.monotonic() < until and not stop():
        updated = _each(due_updates(_FOUND_AT_ONCE), _update, until=until, stop=stop)
        done += updated
        if not updated:
            return Grouped(done, is_more=False)
    return Grouped(done, is_more=True)


def _each(
    due: Sequence[Any],
    step: Callable[[Any], int],
    *,
    until: float,
    stop: Callable[[], bool],
) -> int:
    """Take a step for each; one that nothing can be made of must not keep the others waiting."""
    done = 0
    for one in due:
        if time.monotonic() >= until or stop():
            break
        try:
            with transaction.atomic(), brand_scope(one.brand_id):
                done += step(one)
                reach("changes.before_commit")
            reach("changes.grouped")
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:
            if is_interruption(error):
                raise
            log.exception("change_not_grouped", mint_batch_id=str(one.batch_id))
    return done


def _update(due: DueUpdate) -> int:
    """Group some leaves of a batch; return how many, 0 where there is no room or no money."""
    trees = trees_of(due.brand_id)
    terms = {"batch": due.batch_id, "old": due.old, "limit": _LEAVES_AT_ONCE}
    leaves = _claim(_CLAIM, terms, trees)
    if not leaves:
        return 0
    document = MetadataDocument.objects.get(pk=due.document_id)
    base = MintBatch.objects.values_list("resolver_base", flat=True).get(pk=due.batch_id)
    uri = uri_of(document, base)
    made = []
    for tree_id, of_tree in groupby(sorted(leaves, key=_by_tree), key=lambda one: one.tree_id):
        tree = trees[tree_id]
        made += list(_packed(list(of_tree)[: tree.room], tree, uri, due.document_id))
    return _submit(due.brand_id, due.batch_id, made, Priority.STANDARD)


def _transfer(due: DueTransfer) -> int:
    """Group one transfer; return 1, or 0 where there is no room or no money, or it was done."""
    trees = trees_of(due.brand_id)
    leaves = _claim(_CLAIM_ONE, {"asset": due.asset_id}, trees)
    if not leaves:
        return 0
    (leaf,) = leaves
    tree = trees[leaf.tree_id]
    fee = {"lamports": TRANSFER_FEES[tree.schema]}
    payload = {**_change(tree, leaves), "to": leaf.transfer_to, **fee}
    made = _Made(uuid4(), SubmissionKind.TRANSFER, (leaf,), payload)
    return _submit(due.brand_id, due.batch_id, [made], Priority.HIGH)


def _by_tree(leaf: _Leaf) -> tuple[str, int]:
    return str(leaf.tree_id), leaf.held.index


def _claim(
    statement: str, terms: dict[str, Any], trees: dict[UUID, ChangedTree]
) -> tuple[_Leaf, ...]:
    """Hold leaves that are in trees with room."""
    with_room = [tree.id for tree in trees.values() if tree.room]
    with connection.cursor() as cursor:
        cursor.execute(statement, {**terms, "trees": with_room})
        rows = cursor.fetchall()
    return tuple(
        _Leaf(id_, tree_id, Held(index, name, uri, owner, bytes(hash_)), state, to)
        for id_, tree_id, index, name, uri, owner, hash_, state, to in rows
    )


def _packed(
    leaves: Sequence[_Leaf], tree: ChangedTree, uri: str, document_id: UUID
) -> Iterator[_Made]:
    """Yield transactions of as many updates as fit, in the order of their places."""
    whole = update_payload(_change(tree, leaves), uri=uri, document_id=document_id)
    at = 0
    for size in _sizes(leaves, whole, tree, payer().address):
        part = tuple(leaves[at : at + size])
        payload = {**whole, "leaves": whole["leaves"][at : at + size]}
        yield _Made(uuid4(), SubmissionKind.UPDATE, part, payload)
        at += size


def _sizes(
    leaves: Sequence[_Leaf], payload: dict[str, Any], tree: ChangedTree, address: Pubkey
) -> list[int]:
    """Return how many updates go into each transaction; neighbours share most of their proofs."""
    held = [leaf.held for leaf in leaves]
    places = [unproven_place(payload, one.index) for one in held]
    updates = updates_of(payload, held, places, address)
    return packed(updates, address, version=Version(tree.schema), depth=tree.shape.depth)


def _change(tree: ChangedTree, leaves: Sequence[_Leaf]) -> dict[str, Any]:
    return payload_of(
        tree=tree.address,
        schema=tree.schema,
        shape=tree.shape,
        leaves=[(leaf.held.index, leaf.held.name) for leaf in leaves],
        collection=tree.collection,
    )


def _affordable(brand_id: UUID, made: Sequence[_Made]) -> Sequence[_Made]:
    """Return those, from the first on, that the brand may spend enough for."""
    left = left_to_spend(brand_id)
    if left is None:
        return made
    spent = accumulate(one.cost for one in made)
    return [one for one, so_far in zip(made, spent, strict=True) if so_far <= left]


def _submit(brand_id: UUID, batch_id: UUID, made: Sequence[_Made], priority: Priority) -> int:
    """Make the submissions that the brand may spend enough for; return how many leaves."""
    if not made:
        return 0
    affordable = _affordable(brand_id, made)
    if not affordable:
        hold_back(brand_id, batch_id, made[0].cost)
        return 0
    placed = [
        (leaf.asset_id, one.id, place)
        for one in affordable
        for place, leaf in enumerate(one.leaves)
    ]
    assets, submissions, places = zip(*placed, strict=True)
    submit(
        affordable,
        brand_id=brand_id,
        batch_id=batch_id,
        kind=made[0].kind,
        priority=priority,
    )
    terms = {"assets": assets, "submissions": submissions, "places": places}
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, {name: list(each) for name, each in terms.items()})
    return len(placed)
