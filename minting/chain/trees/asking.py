"""Asks for trees: the row of one that is to be made, which a worker then makes.

Whoever asks needs no key and no chain, only the brand's scope. What is written is a row that waits;
``creating`` does the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from minting import pipeline
from minting.chain.trees.shapes import Shape, shape_of_tree, sound
from minting.models import ChainTree
from minting.states import LeafSchema, TreeStatus
from tieback.brands.audit import Actor, ActsFor, record
from tieback.errors import FieldError, TiebackError, ValidationFailed

CREATE = "chain.create_trees"
#: What the audit trail calls a tree.
TARGET = "chain_tree"
#: Who asks where no person does: the one before is nearly full.
_NEED = "system:trees"
# Of any brand, hence outside any scope.
_OLDEST = """
select id from minting_chaintree
 where network = %s and status = 'creating' and submission_id is null
 order by created_at, id limit 1
"""
NAME_TAKEN = FieldError("name", "TAKEN", "Another tree of this brand has this name.")


class NoChain(TiebackError):
    """This installation writes to no chain, so it has no trees: its operator sets
    SOLANA_NETWORK.
    """

    code = "NO_CHAIN"
    status = 409


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A tree that somebody wants. ``core_collection``: an address, or empty."""

    name: str
    shape: Shape
    symbol: str = ""
    schema: int = LeafSchema.V1
    core_collection: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


def ask_for_tree(author: Actor, wish: Wish, *, request: object = None) -> ChainTree:
    """Ask for a tree, in the brand's scope; audited. Raises ``NoChain`` and ``ValidationFailed``.

    A brand's tree has its name to itself on its network, so a request that is sent twice makes one.
    """
    if not settings.SOLANA_NETWORK:
        raise NoChain
    tree = _tree_of(author.brand_id, settings.SOLANA_NETWORK, wish)
    try:
        with transaction.atomic():
            tree.save(force_insert=True)
    except IntegrityError as error:
        if not ChainTree.objects.filter(network=tree.network, name=tree.name).exists():
            raise
        raise ValidationFailed(fields=(NAME_TAKEN,)) from error
    _tell(author, tree, request)
    return tree


def ask_for_next(*, brand_id: UUID, network: str, schema: int) -> None:
    """Ask for another tree of a brand, unless one is being made or the newest could not be.

    It goes on with the collection of the newest that takes assets, or is full of them. Runs in the
    brand's scope, one at a time for each network and schema.
    """
    trees = ChainTree.objects.filter(network=network, schema=schema)
    newest = trees.order_by("-created_at", "-id").first()
    is_coming = trees.filter(status=TreeStatus.CREATING).exists()
    if is_coming or (newest is not None and newest.status == TreeStatus.FAILED):
        return
    used = trees.filter(status__in=(TreeStatus.ACTIVE, TreeStatus.FULL))
    before = used.order_by("-created_at", "-id").first()
    wish = Wish(
        name=free_name(network),
        shape=usual(),
        schema=schema,
        symbol=before.symbol if before else "",
        core_collection=before.core_collection if before else "",
    )
    tree = _tree_of(brand_id, network, wish)
    # A person may take the name meanwhile; then whoever needs room next asks again.
    ChainTree.objects.bulk_create([tree], ignore_conflicts=True)
    if trees.filter(pk=tree.pk).exists():
        _tell(ActsFor(brand_id, _NEED), tree, None)


def ask_in_place_of(failed: ChainTree, author: Actor, *, request: object = None) -> ChainTree:
    """Ask for a tree like one that could not be made, in the brand's scope; audited."""
    wish = Wish(
        name=free_name(failed.network),
        shape=shape_of_tree(failed),
        symbol=failed.symbol,
        schema=failed.schema,
        core_collection=failed.core_collection,
        metadata=failed.metadata,
    )
    tree = _tree_of(author.brand_id, failed.network, wish)
    tree.save(force_insert=True)
    _tell(author, tree, request)
    return tree


def free_name(network: str) -> str:
    """Return a name that no tree of the brand in scope has: Tree and a number."""
    names = set(ChainTree.objects.filter(network=network).values_list("name", flat=True))
    numbers = range(len(names) + 1, 2 * len(names) + 2)
    return next(name for name in map("Tree {}".format, numbers) if name not in names)


def oldest_unbegun() -> UUID | None:
    """Return the tree of any brand that has waited longest for a worker to begin it."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST, [settings.SOLANA_NETWORK])
        row = cursor.fetchone()
    return row[0] if row else None


def usual() -> Shape:
    """Return the shape of trees that are asked for as they are needed."""
    return sound(*settings.SOLANA_TREE)


def _tree_of(brand_id: UUID, network: str, wish: Wish) -> ChainTree:
    id_ = uuid4()
    return ChainTree(
        id=id_,
        brand_id=brand_id,
        name=wish.name,
        symbol=wish.symbol,
        seed=id_.hex,
        schema=wish.schema,
        max_depth=wish.shape.depth,
        max_buffer_size=wish.shape.buffer,
        canopy=wish.shape.canopy,
        max_supply=wish.shape.leaves,
        network=network,
        core_collection=wish.core_collection,
        metadata=dict(wish.metadata),
    )


def _tell(author: Actor, tree: ChainTree, request: object) -> None:
    """Write down who asked, and wake a worker once that is committed."""
    after = {
        "name": tree.name,
        "network": tree.network,
        "schema": tree.schema,
        "max_depth": tree.max_depth,
        "max_buffer_size": tree.max_buffer_size,
        "canopy": tree.canopy,
    }
    record(author, "chain_tree.asked", TARGET, tree.pk, after=after, request=request)
    transaction.on_commit(lambda: pipeline.ring_step(CREATE, tree.pk))
