"""Shapes of trees: what there is, what it costs, what fits a wish; and where a tree is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from minting.chain.bubblegum.programs import BESIDE, Version, config_of
from minting.chain.bubblegum.sizes import SUPPORTED
from minting.chain.trees.addresses import addresses_of
from minting.chain.trees.choosing import LEAST_SHARE, shared
from minting.chain.trees.shapes import Shape, UnsoundShape, cheapest, sound

MOST = 1 << 30


@pytest.mark.parametrize(
    ("depth", "buffer", "canopy", "size", "rent"),
    [
        (14, 64, 0, 31_800, 222_218_880),
        (17, 64, 10, 103_512, 721_334_400),
        (20, 64, 3, 44_728, 312_197_760),
        (20, 64, 10, 109_752, 764_764_800),
        (20, 1024, 13, 1_221_304, 8_501_166_720),
        (24, 64, 12, 314_680, 2_191_063_680),
        (30, 512, 17, 8_901_624, 61_956_193_920),
    ],
)
def test_the_rent_is_what_the_chain_takes(depth, buffer, canopy, size, rent):
    shape = sound(depth, buffer, canopy)
    assert (shape.size, shape.account_rent) == (size, rent)
    # The account of who may mint into it, beside.
    assert shape.rent - shape.account_rent == 1_559_040


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ((13,), "max_depth", "14, 15, 16"),
        ((31,), "max_depth", "30"),
        ((20, 63), "max_buffer_size", "64, 256, 1,024 or 2,048"),
        ((15, 2048), "max_buffer_size", "64"),
        ((20, 64, 2), "canopy", "3 to 20"),
        ((30, 512, 12), "canopy", "13 to 30"),
        ((14, 64, 15), "canopy", "0 to 14"),
        ((20, 64, 20), "canopy", "lower it"),
    ],
)
def test_a_shape_that_would_be_refused_says_what_there_is(given, field, says):
    with pytest.raises(UnsoundShape, match=says) as refused:
        sound(*given)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("capacity", "shape"),
    [
        (1, Shape(3, 8)),
        (8, Shape(3, 8)),
        (9, Shape(5, 8)),
        (33, Shape(14, 64)),
        (100_000, Shape(17, 64)),
        (1_000_000, Shape(20, 64, 3)),
        (1 << 24, Shape(24, 64, 7)),
        (MOST, Shape(30, 512, 13)),
    ],
)
def test_a_wish_gets_the_shape_that_costs_least(capacity, shape):
    assert cheapest(capacity) == shape


@given(st.integers(1, MOST))
def test_no_shape_with_so_much_room_costs_less(capacity):
    found = cheapest(capacity)
    assert found.leaves >= capacity
    others = [sound(depth, buffer) for depth, buffer in SUPPORTED if 1 << depth >= capacity]
    assert found.rent == min(shape.rent for shape in others)
    assert found.proof <= 17


def test_no_tree_holds_more_than_the_deepest():
    with pytest.raises(UnsoundShape, match="make several"):
        cheapest(MOST + 1)


def test_an_address_follows_from_payer_seed_and_version():
    payer, seed = Pubkey.new_unique(), "a" * 32
    found = addresses_of(payer, seed, Version.V1)
    compression = BESIDE[Version.V1].compression
    assert found.tree == Pubkey.create_with_seed(payer, seed, compression)
    assert found.authority == config_of(found.tree)
    assert found == addresses_of(payer, seed, Version.V1)
    assert found.tree not in {
        addresses_of(payer, seed, Version.V2).tree,
        addresses_of(payer, "b" * 32, Version.V1).tree,
        addresses_of(Pubkey.new_unique(), seed, Version.V1).tree,
    }


@pytest.mark.parametrize(
    ("rooms", "count", "shares"),
    [
        ([], 10, []),
        ([0, 0], 10, [0, 0]),
        ([100], 50, [50]),
        ([100, 200, 300], 100, [34, 33, 33]),
        ([100, 200], 30, [0, 30]),
        ([10, 200, 5], 100, [10, 85, 5]),
        ([3, 4], 100, [3, 4]),
        ([10, 10, 10, 10, 10], 50, [10, 10, 10, 10, 10]),
    ],
)
def test_mints_are_spread_over_trees_by_the_room_there_is(rooms, count, shares):
    assert shared(rooms, count) == shares


@given(st.lists(st.integers(0, 300), max_size=8), st.integers(0, 500))
def test_no_tree_gets_more_than_it_has_room_and_none_is_left_out_for_nothing(rooms, count):
    shares = shared(rooms, count)
    assert all(0 <= part <= room for part, room in zip(shares, rooms, strict=True))
    assert sum(shares) == min(count, sum(rooms))
    if sum(rooms) >= count and all(room >= count for room in rooms if room):
        # Where there is room for it, no transaction is opened for a mint or two.
        assert all(part >= min(LEAST_SHARE, count) for part in shares if part)
