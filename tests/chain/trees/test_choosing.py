"""Room in trees is taken before it is used, by two at once too, and there is always more ahead."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from minting import pipeline
from minting.chain.trees.asking import CREATE
from minting.chain.trees.choosing import given_back, landed, room_for, room_in
from minting.models import ChainTree
from minting.states import LeafSchema, TreeStatus
from tests.chain.trees.rows import NETWORK, make_tree, trees_of
from tests.factories import BrandWorld
from tests.planes import acting_as
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = [pytest.mark.django_db, pytest.mark.plane("worker")]


@pytest.fixture(autouse=True)
def small_trees(settings: Any) -> None:
    """Trees that are asked for have 32 leaves."""
    settings.SOLANA_TREE = (5, 8, 0)
    settings.SOLANA_NETWORK = NETWORK


def take(world: BrandWorld, count: int, schema: int = LeafSchema.V1) -> list[tuple[ChainTree, int]]:
    with brand_scope(world.brand.id):
        return room_for(brand_id=world.brand.id, network=NETWORK, count=count, schema=schema)


def asked_for(world: BrandWorld) -> list[ChainTree]:
    return [tree for tree in trees_of(world) if tree.status == TreeStatus.CREATING]


def test_room_is_taken_from_the_trees_of_the_brand_network_and_schema(nordhav, strangers):
    trees = [make_tree(nordhav, depth=14) for _ in range(2)]
    make_tree(strangers, depth=14)
    make_tree(nordhav, depth=14, network="devnet")
    make_tree(nordhav, depth=14, schema=LeafSchema.V2)
    for status in (TreeStatus.CREATING, TreeStatus.FULL, TreeStatus.FAILED, TreeStatus.ARCHIVED):
        make_tree(nordhav, depth=14, status=status)
    taken = take(nordhav, 100)
    assert {tree.pk: part for tree, part in taken} == {tree.pk: 50 for tree in trees}
    assert sum(tree.reserved for tree in trees_of(nordhav)) == 100


def test_without_a_tree_one_is_asked_for_and_nothing_is_taken(nordhav):
    assert take(nordhav, 10) == []
    (tree,) = trees_of(nordhav)
    assert (tree.status, tree.name, tree.address) == ("creating", "Tree 1", None)
    assert (tree.max_depth, tree.max_buffer_size, tree.canopy) == (5, 8, 0)
    assert (tree.max_supply, tree.seed) == (32, tree.pk.hex)
    # Asked again, it is on its way already.
    assert take(nordhav, 10) == []
    assert len(trees_of(nordhav)) == 1
    with brand_scope(nordhav.brand.id):
        assert AuditEntry.objects.get(action="chain_tree.asked").actor == "system:trees"


def test_another_tree_is_asked_for_when_nine_of_ten_leaves_are_taken(nordhav):
    make_tree(nordhav)
    make_tree(nordhav)
    assert sum(part for _, part in take(nordhav, 57)) == 57
    assert not asked_for(nordhav)
    assert [part for _, part in take(nordhav, 1)] == [1]
    assert len(asked_for(nordhav)) == 1
    # What does not fit has to ask again; none is asked for twice.
    assert sum(part for _, part in take(nordhav, 50)) == 6
    assert take(nordhav, 50) == []
    assert len(asked_for(nordhav)) == 1


def test_the_next_tree_goes_on_with_the_collection(nordhav):
    collection = "So11111111111111111111111111111111111111112"
    make_tree(nordhav, depth=3, schema=LeafSchema.V2)
    make_tree(nordhav, depth=3, schema=LeafSchema.V2, core_collection=collection, symbol="DPP")
    make_tree(nordhav, schema=LeafSchema.V2, status=TreeStatus.ARCHIVED)
    take(nordhav, 16, LeafSchema.V2)
    (asked,) = asked_for(nordhav)
    assert (asked.core_collection, asked.symbol, asked.schema) == (collection, "DPP", LeafSchema.V2)


def test_a_tree_that_could_not_be_made_keeps_others_from_being_asked_for(nordhav):
    make_tree(nordhav, status=TreeStatus.FAILED)
    assert take(nordhav, 10) == []
    assert not asked_for(nordhav)
    # Until a person has another one made.
    make_tree(nordhav, reserved=32)
    assert take(nordhav, 10) == []
    assert len(asked_for(nordhav)) == 1


def test_a_name_that_is_taken_is_not_given_again(nordhav):
    make_tree(nordhav, name="Tree 2", reserved=30)
    take(nordhav, 1)
    assert {tree.name for tree in trees_of(nordhav)} == {"Tree 2", "Tree 3"}


def test_what_has_landed_counts_and_the_last_leaf_makes_a_tree_full(nordhav):
    make_tree(nordhav)
    ((tree, part),) = take(nordhav, 32)
    with brand_scope(nordhav.brand.id):
        landed(tree, part - 1)
        given_back(tree, 1)
    (now, *_) = trees_of(nordhav)
    assert (now.status, now.current_supply, now.reserved, room_in(now)) == ("active", 31, 0, 1)
    ((tree, part),) = take(nordhav, 5)
    with brand_scope(nordhav.brand.id):
        landed(tree, part)
    (now, *_) = trees_of(nordhav)
    assert (now.status, now.current_supply, now.reserved) == ("full", 32, 0)


def test_what_was_on_its_way_to_an_archived_tree_lands_in_it(nordhav):
    tree = make_tree(nordhav, status=TreeStatus.ARCHIVED, current_supply=31, reserved=1)
    with brand_scope(nordhav.brand.id):
        landed(tree, 1)
    (now,) = trees_of(nordhav)
    assert (now.status, now.current_supply, now.reserved) == ("archived", 32, 0)


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_never_overfill_a_tree_and_ask_for_one_more(
    nordhav, monkeypatch: pytest.MonkeyPatch
):
    bells: list[Any] = []
    monkeypatch.setattr(pipeline, "ring_step", lambda *args, **_: bells.append(args[0]))
    for _ in range(3):
        make_tree(nordhav)

    def work(_: int) -> int:
        taken = 0
        try:
            for _ in range(6):
                with transaction.atomic():
                    taken += sum(part for _, part in take(nordhav, 7))
        finally:
            connection.close()
        return taken

    with acting_as("worker"), ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 3 * 32
    with all_brands():
        assert [tree.reserved for tree in trees_of(nordhav)] == [32, 32, 32, 0]
    assert len(asked_for(nordhav)) == 1
    assert bells == [CREATE]
