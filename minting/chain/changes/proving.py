"""Proving leaves that are to be changed: by a mirror of their tree that follows the chain.

The mirror begins with the leaves that the rows know, and goes on with the changes that the tree
itself remembers, the last 64 as a rule. Against any root that the tree remembers a proof holds, and
the programs mend it for what came between. So no more is signed at a time than the tree remembers,
mints included; the rest waits some seconds. What cannot be proven now is no error: it waits, and
says for what.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from solana.rpc.commitment import Confirmed
from solana.rpc.models import DataSliceOpts
from solders.pubkey import Pubkey

from minting.chain.bubblegum.accounts import NoTree, Recent, recent_changes
from minting.chain.bubblegum.changes import Place
from minting.chain.bubblegum.mirror import Mirror
from minting.chain.bubblegum.sizes import tree_bytes
from minting.chain.changes.leaves import Held, shape_in
from minting.chain.own_thread import in_own_thread
from minting.chain.reconciliation.tree_rows import known_leaves
from minting.chain.rpc.pool import Endpoints
from minting.chain.sending.claims import Flight
from minting.chain.sending.kinds import KINDS
from minting.chain.sending.storing import put_off
from minting.chain.trees.shapes import Shape

#: How long what cannot be proven waits, in seconds: for others to land, or to be written down.
_OTHERS_SECONDS, _UNKNOWN_SECONDS = 1.0, 5.0
#: Leaves of which mirrors are kept during a turn: some 160 bytes each.
_MOST_LEAVES = 1 << 20

_HELD = """
select change_submission_id, change_place, leaf_index, name, metadata_uri, owner, leaf_hash
  from minting_unitasset
 where change_submission_id = any(%s) and status = 'completed'
 order by change_submission_id, change_place
"""
# What a supermajority has voted for is in the root that proofs are made against.
_ON_THEIR_WAY = """
select coalesce(sum(greatest(sent.mint_count,
                             coalesce(jsonb_array_length(asked.payload -> 'leaves'), 1))), 0)
  from minting_chainsubmission as asked
  join minting_chaintransaction as sent on sent.submission_id = asked.id
 where asked.network = %s and asked.status = 'sent' and asked.kind in ('mint', 'update', 'transfer')
   and asked.payload ->> 'tree' = %s and sent.status = 'sent' and sent.confirmed_at is null
"""


class Prover:
    """Proves for one task."""

    def __init__(self, rpc: Endpoints) -> None:
        self._rpc = rpc
        self._mirrors: dict[str, Mirror] = {}

    async def proven(self, flights: Sequence[Flight]) -> list[Flight]:
        """Return those that may be signed; of those that change leaves, what is proven.

        What is not waits. Raises what asking endpoints raises.
        """
        by_tree: dict[str, list[Flight]] = {}
        for flight in flights:
            by_tree.setdefault(_tree_of(flight), []).append(flight)
        ready = by_tree.pop("", [])
        for tree, of_tree in by_tree.items():
            ready += await self._proven_in(tree, of_tree)
        return ready

    async def _proven_in(self, tree: str, flights: Sequence[Flight]) -> list[Flight]:
        shape = shape_in(flights[0].payload)
        mirror = await self._mirror(tree, shape)
        if mirror is None:
            why = f"The leaves of the tree {tree} are not all known yet."
            await in_own_thread(put_off, flights, why, wait=_UNKNOWN_SECONDS)
            return []
        room = shape.buffer - await in_own_thread(_on_their_way, tree)
        held = await in_own_thread(_held, [flight.id for flight in flights])
        ready, crowded, unlike = [], [], []
        for flight in flights:
            leaves = held.get(flight.id, [])
            if len(leaves) != len(flight.payload["leaves"]) or any(
                mirror.leaf(one.index) != one.hash for one in leaves
            ):
                unlike.append(flight)
            elif len(leaves) > room:
                crowded.append(flight)
            else:
                room -= len(leaves)
                flight.present = {"held": leaves, "places": _places(mirror, tree, shape, leaves)}
                ready.append(flight)
        busy = "Other changes of the tree are on their way; a proof would be too old for this one."
        await in_own_thread(put_off, crowded, busy, wait=_OTHERS_SECONDS)
        other = "A leaf on the chain is not as it is known here; reconciliation finds out why."
        await in_own_thread(put_off, unlike, other, wait=_UNKNOWN_SECONDS)
        return ready

    async def _mirror(self, tree: str, shape: Shape) -> Mirror | None:
        """Return the tree as it is confirmed; None where the rows do not know all of it."""
        recent = await self._recent(tree, shape)
        mirror = self._mirrors.pop(tree, None)
        if mirror is None or not _follow(mirror, recent):
            leaves = await in_own_thread(known_leaves, settings.SOLANA_NETWORK, tree)
            mirror = None if leaves is None else Mirror(shape.depth, leaves)
            if mirror is None or not _follow(mirror, recent):
                return None
        self._mirrors[tree] = mirror
        while len(self._mirrors) > 1 and sum(map(len, self._mirrors.values())) > _MOST_LEAVES:
            del self._mirrors[next(iter(self._mirrors))]
        return mirror

    async def _recent(self, tree: str, shape: Shape) -> list[Recent]:
        beginning = DataSliceOpts(offset=0, length=tree_bytes(shape.depth, shape.buffer))
        told = await self._rpc.ask(
            lambda client: client.get_account_info(
                Pubkey.from_string(tree), Confirmed, "base64", beginning
            )
        )
        try:
            return recent_changes(bytes(told.value.data)) if told.value else []
        except NoTree:
            return []


def _tree_of(flight: Flight) -> str:
    try:
        return KINDS[flight.kind].changes_tree(flight.payload)
    except (ValueError, TypeError, LookupError):
        # Nothing can be made of it; what makes its transaction will say so.
        return ""


def _follow(mirror: Mirror, recent: Sequence[Recent]) -> bool:
    """Bring a mirror up to the tree's root; return False where it cannot be."""
    roots = [one.root for one in recent]
    if mirror.root not in roots:
        return False
    newest_known = len(roots) - 1 - roots[::-1].index(mirror.root)
    try:
        for change in recent[newest_known + 1 :]:
            mirror.put(change.index, change.leaf)
    except ValueError:
        return False
    return mirror.root == roots[-1]


def _places(mirror: Mirror, tree: str, shape: Shape, leaves: Sequence[Held]) -> list[Place]:
    return [
        Place(
            tree=Pubkey.from_string(tree),
            root=mirror.root,
            index=one.index,
            path=mirror.path(one.index),
            canopy=shape.canopy,
        )
        for one in leaves
    ]


def _held(submissions: Sequence[UUID]) -> Mapping[UUID, list[Held]]:
    found: dict[UUID, list[Held]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [list(submissions)])
        for submission_id, _, index, name, uri, owner, hash_ in cursor.fetchall():
            found.setdefault(submission_id, []).append(Held(index, name, uri, owner, bytes(hash_)))
    return found


def _on_their_way(tree: str) -> int:
    terms: list[Any] = [settings.SOLANA_NETWORK, tree]
    with connection.cursor() as cursor:
        cursor.execute(_ON_THEIR_WAY, terms)
        (count,) = cursor.fetchone()
    return int(count)
