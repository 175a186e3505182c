"""Chooses the trees that assets go into, and asks for another one before there is no room.

Room is taken before anything is sent and given back where nothing of it can land any more, so a
tree is never asked for more leaves than it has. What is on its way is spread over a brand's trees:
a block has room for so many compute units of one tree only.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection
from django.db.models import Case, F, QuerySet, Value, When

from minting.chain.trees.asking import ask_for_next
from minting.models import ChainTree
from minting.states import LeafSchema, TreeStatus

#: A share is no smaller, so that its transactions are full: some two of them.
LEAST_SHARE = 24
#: Above this share of leaves taken another tree is asked for: making one takes half a minute.
ENOUGH_TAKEN = 0.9

_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('tieback.trees:' || %s, 0))"


def room_for(
    *, brand_id: UUID, network: str, count: int, schema: int = LeafSchema.V1
) -> list[tuple[ChainTree, int]]:
    """Take room for so many assets; return which trees take how many of them.

    Runs in the caller's transaction and the brand's scope: what is taken is taken when that
    commits. The whole may be less than ``count``, or nothing: then there is no more room, a tree is
    on its way to be made (or a person has to look at the one that failed), and the rest has to ask
    again.
    """
    trees = list(_active(network, schema))
    taken = []
    for tree, part in zip(trees, shared([room_in(tree) for tree in trees], count), strict=True):
        if part:
            ChainTree.objects.filter(pk=tree.pk).update(reserved=F("reserved") + part)
            tree.reserved += part
            taken.append((tree, part))
    missing = count - sum(part for _, part in taken)
    if missing or is_enough_taken(trees):
        with connection.cursor() as cursor:
            cursor.execute(_ONE_AT_A_TIME, [f"{brand_id}:{network}:{schema}"])
        ask_for_next(brand_id=brand_id, network=network, schema=schema)
    return taken


def landed(tree: ChainTree, count: int) -> None:
    """Note that so many assets of those that had room taken are in the tree, by the chain's word.

    Runs in the brand's scope, in the transaction that writes the assets down.
    """
    supply = F("current_supply") + count
    is_full = When(status=TreeStatus.ACTIVE, max_supply__lte=supply, then=Value(TreeStatus.FULL))
    ChainTree.objects.filter(pk=tree.pk).update(
        reserved=F("reserved") - count,
        current_supply=supply,
        status=Case(is_full, default=F("status")),
    )


def given_back(tree: ChainTree, count: int) -> None:
    """Give back the room of assets that leave their submission: nothing of it can land any more.

    A submission that failed and may be let go on keeps its room.
    """
    ChainTree.objects.filter(pk=tree.pk).update(reserved=F("reserved") - count)


def room_in(tree: ChainTree) -> int:
    """Return for how many assets more there is room."""
    return tree.max_supply - tree.current_supply - tree.reserved


def is_enough_taken(trees: Sequence[ChainTree]) -> bool:
    """Tell whether the next tree is to be asked for: together they have passed the mark."""
    leaves = sum(tree.max_supply for tree in trees)
    return sum(room_in(tree) for tree in trees) <= leaves * (1 - ENOUGH_TAKEN)


def shared(rooms: Sequence[int], count: int) -> list[int]:
    """Return how many of ``count`` go where, by the room there is. Pure.

    Even shares of at least ``LEAST_SHARE`` for those with the most room; what one cannot take the
    next ones do, and then whoever has room left.
    """
    order = sorted((at for at in range(len(rooms)) if rooms[at]), key=lambda at: -rooms[at])
    shares, left = [0] * len(rooms), count
    chosen = order[: max(1, count // LEAST_SHARE)]
    # The smallest first: what it cannot take the larger ones share.
    for ahead, at in enumerate(reversed(chosen)):
        part = -(-left // (len(chosen) - ahead))
        shares[at] = min(part, rooms[at])
        left -= shares[at]
    for at in order:
        part = min(left, rooms[at] - shares[at])
        shares[at] += part
        left -= part
    return shares


def _active(network: str, schema: int) -> QuerySet[ChainTree]:
    """Return the brand's trees that take assets, held until the transaction ends.

    By address, as whoever writes down what has landed holds them: nobody waits in a circle.
    """
    trees = ChainTree.objects.filter(network=network, schema=schema, status=TreeStatus.ACTIVE)
    return trees.order_by("address").select_for_update(no_key=True, of=("self",))
