"""Names, owners, and which event tells of which asset: rules without a database."""

import random
from hashlib import sha256

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from minting.chain.assets.affording import cost_of, most_for
from minting.chain.assets.minting import MINT, instructions_of, matched, payload_of
from minting.chain.assets.naming import NAME_CHARACTERS, name_of
from minting.chain.assets.owners import is_address
from minting.chain.bubblegum.events import LeafTold
from minting.chain.bubblegum.leaves import leaf_of
from minting.chain.bubblegum.metadata import Metadata
from minting.chain.bubblegum.packing import most_at_once, packed
from minting.chain.bubblegum.programs import Version
from minting.chain.sending.kinds import Keys, NotTold

URI = "https://dpp.example/m/abcdefgh"
# The same in every process of the run, which name their tests by them.
TREE = Keypair.from_seed(b"t" * 32).pubkey()
PAYER = Keypair.from_seed(b"p" * 32).pubkey()


def payload(count: int = 8, version: Version = Version.V1, owners: tuple[str, ...] = ("",)):
    names = [name_of(sha256(bytes([number])).digest()) for number in range(count)]
    mints = [(name, owners[at % len(owners)]) for at, name in enumerate(names)]
    return payload_of(tree=str(TREE), schema=int(version), uri=URI, mints=mints)


def told_of(payload, *, first: int = 0, tree: Pubkey = TREE) -> list[LeafTold]:
    version = Version(payload["schema"])
    leaves = [
        leaf_of(
            version,
            tree=tree,
            nonce=first + at,
            owner=Pubkey.from_string(owner) if owner else PAYER,
            metadata=Metadata(name=name, uri=payload["uri"]),
        )
        for at, (name, owner) in enumerate(payload["mints"])
    ]
    return [LeafTold(leaf, leaf.hash) for leaf in leaves]


def test_a_name_is_made_of_the_leaf_alone_and_is_short_enough():
    digest = bytes.fromhex("000102030405060708090a0b" + "ff" * 20)
    assert name_of(digest) == "#aaaqeayeaudaocaj"
    assert len(name_of(digest)) == NAME_CHARACTERS


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (str(PAYER), True),
        # Off the curve: a wallet of several signers is such a one.
        (str(Pubkey.find_program_address([b"vault"], TREE)[0]), True),
        ("11111111111111111111111111111111", False),
        ("", False),
        ("0" * 44, False),
        (f" {PAYER}", False),
        (str(PAYER)[:-3], False),
        ("é" * 32, False),
        (str(Keypair.from_seed(b"p" * 32).sign_message(b"x")), False),
    ],
)
def test_an_owner_is_any_address_but_nobodys(text, is_one):
    assert is_address(text) is is_one


@pytest.mark.parametrize("version", Version)
def test_events_are_matched_by_what_they_say_and_never_by_their_order(version):
    asked = payload(8, version, (str(Keypair().pubkey()), ""))
    told = told_of(asked, first=40)
    strangers = told_of(asked, tree=Keypair().pubkey())
    shuffled = [*told, *strangers]
    random.Random(3).shuffle(shuffled)
    found = matched(asked, shuffled)
    assert [(one.place, one.leaf.nonce) for one in found] == [(at, 40 + at) for at in range(8)]
    assert [one.hash for one in found] == [one.hash for one in told]


def test_an_event_that_is_missing_leaves_everything_unlearnt():
    asked = payload(3)
    with pytest.raises(NotTold, match="no event tells of #"):
        matched(asked, told_of(asked)[:2])
    other = {**asked, "uri": f"{URI}x"}
    with pytest.raises(NotTold):
        matched(asked, told_of(other))


@pytest.mark.parametrize(("version", "fee"), [(Version.V1, 0), (Version.V2, 90_000)])
def test_a_mint_says_what_it_makes_and_what_it_takes(version, fee):
    asked = payload(8, version)
    keys = Keys(payer=PAYER, creator=Keypair().pubkey())
    assert len(MINT.instructions(asked, keys)) == MINT.mints(asked) == 8
    assert MINT.spends(asked) == 8 * fee


def test_compute_units_of_one_tree_are_not_taken_for_those_of_another():
    one, other = (
        payload_of(tree=at, schema=1, uri=URI, mints=[]) for at in (str(TREE), str(PAYER))
    )
    assert MINT.shape(one) != MINT.shape(other)


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("lamports", [0, 4_999, 94_999, 95_000, 725_000, 10**9])
def test_lamports_are_enough_for_one_mint_wherever_they_are_for_any(version, lamports):
    most = most_for(lamports, version)
    assert bool(most) == (lamports >= cost_of(1, version))
    # However they are packed, one more would cost more.
    in_one = most_at_once(version, depth=3)
    full, rest = divmod(most + 1, in_one)
    least = full * cost_of(in_one, version) + (cost_of(rest, version) if rest else 0)
    assert least > lamports


@pytest.mark.parametrize(
    ("version", "owners", "most"),
    [(Version.V1, 1, 8), (Version.V2, 1, 8), (Version.V1, 100, 6), (Version.V2, 100, 6)],
)
def test_as_many_mints_as_fit_share_a_transaction(version, owners, most):
    owned = tuple(str(Keypair().pubkey()) for _ in range(owners))
    mints = instructions_of(payload(100, version, owned), PAYER)
    sizes = packed(mints, PAYER, version=version, depth=20)
    assert (sum(sizes), max(sizes)) == (100, most)
    assert set(sizes[:-1]) == {most}


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        ("InstructionError: (2, Fieldless(ProgramFailedToComplete))", False),
        ("InstructionError: (2, Fieldless(ComputationalBudgetExceeded))", False),
        ("InstructionError: (2, Custom(6016))", True),
        ("BlockhashNotFound", False),
    ],
)
def test_a_mint_that_ran_out_of_units_is_tried_again(error, is_final):
    assert MINT.is_final(error) is is_final
    assert MINT.more_units(payload(1)) == 30_000
