"""The rent of a tree is the most that is spent at once: a brand's daily cap is asked before."""

from collections.abc import Callable
from typing import Any

import pytest
from solders.keypair import Keypair

from minting.chain.bubblegum.programs import Version
from minting.chain.budgets import budget_of, set_budget, spent_today
from minting.chain.trees.asking import Wish, ask_for_tree
from minting.chain.trees.creating import begin_next
from minting.chain.trees.shapes import sound
from minting.chain.wallets.given import GivenKey, Hidden
from minting.models import ChainTree
from tests.chain.assets.conftest import network  # noqa: F401 - a fixture
from tests.chain.trees.rows import trees_of
from tests.factories import BrandWorld
from tests.planes import acting_as
from tieback.brands.audit import ActsFor
from tieback.brands.scoping import brand_scope

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("worker"),
    pytest.mark.usefixtures("network"),
]
RENT, SIGNATURE = sound(3).rent, 5_000


def ask(world: BrandWorld, name: str) -> ChainTree:
    with acting_as("web"), brand_scope(world.brand.id):
        wish = Wish(name=name, shape=sound(3), schema=Version.V1)
        return ask_for_tree(ActsFor(world.brand.id, "user:7"), wish)


@pytest.fixture
def cap(settings: Any) -> Callable[[BrandWorld, int | None], None]:
    """Set what a brand may spend in a day."""
    settings.SOLANA_TREE_CREATOR = None

    def set_cap(world: BrandWorld, lamports: int | None) -> None:
        with acting_as("web"), brand_scope(world.brand.id):
            set_budget(ActsFor(world.brand.id, "user:7"), lamports_per_day=lamports)

    return set_cap


def begin_all() -> int:
    begun = 0
    while begin_next():
        begun += 1
    return begun


def test_a_tree_that_the_cap_has_no_room_for_waits_and_says_so(nordhav, strangers, cap):
    cap(nordhav, RENT + SIGNATURE - 1)
    ask(nordhav, "Oak")
    ask(strangers, "Elm")
    assert begin_all() == 1
    (oak,), (elm,) = trees_of(nordhav), trees_of(strangers)
    assert (elm.submission is None, elm.trouble) == (False, "")
    assert (oak.submission, oak.address) == (None, None)
    assert f"takes {RENT + SIGNATURE:,} lamports" in oak.trouble
    assert f"cap leaves {RENT + SIGNATURE - 1:,}" in oak.trouble
    with brand_scope(nordhav.brand.id):
        assert budget_of(nordhav.brand.id).holds_back
    cap(nordhav, RENT + SIGNATURE)
    assert begin_all() == 1
    (oak,) = trees_of(nordhav)
    assert (oak.submission is None, oak.trouble) == (False, "")


def test_what_one_tree_will_take_is_not_there_for_the_next(nordhav, cap):
    cap(nordhav, 2 * (RENT + SIGNATURE) - 1)
    ask(nordhav, "Oak")
    ask(nordhav, "Elm")
    assert begin_all() == 1
    begun, waits = trees_of(nordhav)
    assert (begun.name, begun.trouble) == ("Oak", "")
    assert f"cap leaves {RENT + SIGNATURE - 1:,}" in waits.trouble
    with brand_scope(nordhav.brand.id):
        assert spent_today(nordhav.brand.id) == RENT + SIGNATURE


def test_a_creator_apart_signs_too(nordhav, cap, settings):
    cap(nordhav, RENT + 2 * SIGNATURE - 1)
    key = Hidden(bytes(Keypair()))
    settings.SOLANA_TREE_CREATOR = GivenKey("SOLANA_TREE_CREATOR_KEYPAIR", keypair=key)
    ask(nordhav, "Oak")
    assert begin_all() == 0
    assert f"takes {RENT + 2 * SIGNATURE:,} lamports" in trees_of(nordhav)[0].trouble
