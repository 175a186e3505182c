"""Trees are made on the chain once, by the real programs, whatever dies between."""

import pytest
from solders.keypair import Keypair

from minting.chain.sending import preparing, rounds, storing
from minting.chain.sending.retrying import retry_submission
from minting.chain.trees.shapes import sound
from minting.chain.wallets.signer import KeyNotReachable
from minting.models import ChainSubmission
from minting.revocations import Act
from minting.states import LeafSchema, TransactionStatus, TreeStatus
from tests.chain.trees.conftest import Forester, attempts_at, due_now, submission_of
from tests.planes import acting_as
from tieback.brands.scoping import all_brands

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.programs]


@pytest.mark.parametrize("schema", LeafSchema)
def test_a_tree_is_made_and_the_payer_mints_into_it(forester: Forester, schema: int):
    before = forester.lamports(forester.address)
    tree = forester.made(forester.ask(schema=schema))
    assert (tree.status, tree.trouble, tree.activated_at is None) == ("active", "", False)
    assert (tree.creator, tree.delegate) == (forester.address, forester.address)
    (attempt,) = attempts_at(tree)
    assert tree.rent == sound(3).rent == attempt.spent_besides
    assert before - forester.lamports(forester.address) == tree.rent + attempt.fee
    forester.mint(tree, 2)
    config = forester.config(tree)
    assert (config.minted, config.capacity, config.version) == (2, 8, schema)


def test_a_creator_apart_signs_and_needs_no_lamports(forester: Forester):
    creator = Keypair()
    forester.creates_with(creator)
    tree = forester.made(forester.ask())
    config = forester.config(tree)
    assert (config.creator, str(config.delegate)) == (creator.pubkey(), forester.address)
    assert (tree.creator, tree.delegate) == (str(creator.pubkey()), forester.address)
    assert forester.lamports(str(creator.pubkey())) == 0
    (attempt,) = attempts_at(tree)
    assert (attempt.fee, tree.rent) == (10_000, sound(3).rent)
    forester.mint(tree)


def test_trees_of_every_size_are_made_side_by_side(forester: Forester):
    shapes = [sound(3), sound(14, 2048, 14), sound(30, 512, 13), sound(20, 64, 10)]
    asked = [forester.ask(f"Oak {shape.depth}", shape) for shape in shapes]
    made = [forester.made(tree) for tree in asked]
    assert [tree.trouble for tree in made] == [""] * 4
    assert [(tree.status, tree.rent, tree.max_supply) for tree in made] == [
        ("active", shape.rent, shape.leaves) for shape in shapes
    ]
    assert len({tree.address for tree in made}) == 4


@pytest.mark.parametrize("point", ["chain.before_commit", "chain.signed", "chain.sent"])
def test_whoever_takes_over_makes_the_same_tree(
    forester: Forester, monkeypatch: pytest.MonkeyPatch, point: str
):
    tree = forester.ask()
    forester.begin()
    begun = forester.now(tree)

    def die(name: str) -> None:
        if name == point:
            raise SystemExit

    for module in (rounds, preparing, storing):
        monkeypatch.setattr(module, "reach", die)
    with pytest.raises(SystemExit):
        forester.turn()
    monkeypatch.undo()
    due_now()
    tree = forester.made(tree)
    assert (tree.status, tree.address) == ("active", begun.address)
    assert [one.status for one in attempts_at(tree)] == [TransactionStatus.FINALIZED]


def test_what_dies_while_it_begins_a_tree_has_begun_nothing(
    forester: Forester, monkeypatch: pytest.MonkeyPatch
):
    from minting.chain.trees import creating

    def die(name: str) -> None:
        raise SystemExit

    tree = forester.ask()
    monkeypatch.setattr(creating, "reach", die)
    with pytest.raises(SystemExit):
        forester.begin()
    monkeypatch.undo()
    assert (forester.now(tree).address, forester.now(tree).submission) == (None, None)
    assert forester.made(tree).status == TreeStatus.ACTIVE


def test_a_tree_that_had_landed_unseen_is_found_and_used(forester: Forester):
    tree = forester.ask()
    forester.begin()
    forester.turn()
    # As two endpoints without a memory would have it: dead, and so signed anew.
    with acting_as("worker"), all_brands():
        storing.expire([attempts_at(forester.now(tree))[0].pk])
        assert ChainSubmission.objects.get().status == "pending"
    due_now()
    failed = forester.made(tree)
    assert failed.status == TreeStatus.FAILED
    assert "already in use" in failed.trouble.lower() or "Custom(0)" in failed.trouble
    forester.watch()
    found = forester.now(tree)
    assert (found.status, found.rent, found.trouble) == ("active", sound(3).rent, "")
    forester.mint(found)


def test_a_payer_that_cannot_afford_a_tree_pays_for_what_costs_less(forester: Forester):
    forester.pays_with(Keypair())
    forester.chain.told("requestAirdrop", forester.address, 30_000_000)
    large, small = forester.ask("Large", sound(14)), forester.ask("Small")
    made = forester.made(small)
    assert made.status == TreeStatus.ACTIVE
    waits = submission_of(forester.now(large))
    assert (waits.status, waits.consecutive_errors) == ("pending", 0)
    assert forester.address in waits.last_error
    forester.chain.told("requestAirdrop", forester.address, 10**9)
    due_now()
    assert forester.made(large).status == TreeStatus.ACTIVE


def test_a_tree_fails_that_was_begun_with_other_keys_and_a_retry_needs_them(forester: Forester):
    first, tree = forester.keypair, forester.ask()
    forester.begin()
    forester.pays_with(forester.chain.rich(10**10))
    failed = forester.made(tree)
    assert failed.status == TreeStatus.FAILED
    assert str(first.pubkey()) in failed.trouble
    assert "have another tree made" in failed.trouble
    forester.pays_with(first)
    with acting_as("console"), all_brands():
        assert retry_submission(submission_id=failed.submission_id, act=Act("user:7"))
    assert forester.now(tree).status == TreeStatus.CREATING
    assert forester.made(tree).status == TreeStatus.ACTIVE


def test_keys_that_are_not_to_be_had_are_told_on_the_tree(
    forester: Forester, monkeypatch: pytest.MonkeyPatch
):
    from minting.chain.trees import creating

    def away() -> None:
        raise KeyNotReachable("the keeper does not answer")

    tree = forester.ask()
    with monkeypatch.context() as patched:
        patched.setattr(creating, "payer", away)
        forester.begin()
    waits = forester.now(tree)
    assert (waits.status, waits.trouble) == ("creating", "the keeper does not answer")
    assert forester.made(tree).trouble == ""
