"""Trees are compared with the chain; what differs is told, and nothing else is."""

import asyncio
from typing import Any

import pytest
from django.db import connection
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from minting.chain.bubblegum.instructions import set_tree_delegate
from minting.chain.bubblegum.programs import BESIDE, Version
from minting.chain.trees.choosing import landed, room_for
from minting.chain.trees.judging import Account, Known, Seen, troubles
from minting.chain.trees.shapes import sound
from minting.chain.trees.watching import watch
from minting.models import ChainTree
from minting.states import TreeStatus
from tests.chain.trees.conftest import Forester
from tests.chain.trees.rows import make_tree
from tests.factories import BrandWorld
from tests.planes import acting_as
from tests.proofs.conftest import minted, nordhav, small_cycles  # noqa: F401 - fixtures
from tieback.brands.models import Brand
from tieback.brands.scoping import brand_scope
from tieback.metrics import TREE_LEAVES_LACKING

_WISH = """
insert into minting_unitasset (brand_id, unit_id, batch_id, owner, network, name, metadata_uri)
select brand_id, id, batch_id, '', 'devchain', '', '' from minting_mintunit where batch_id = %s
"""
SHAPE = sound(3)
PROGRAM = str(BESIDE[Version.V1].compression)
PAYER, AUTHORITY, CREATOR, STRANGER = (Pubkey.new_unique() for _ in range(4))


def header(*, authority: Pubkey = AUTHORITY, depth: int = 3, buffer: int = 8) -> bytes:
    numbers = buffer.to_bytes(4, "little") + depth.to_bytes(4, "little")
    return b"\x01\x00" + numbers + bytes(authority) + bytes(54)


def config(
    *,
    creator: Pubkey = CREATOR,
    delegate: Pubkey = PAYER,
    capacity: int = 8,
    counted: int = 5,
    public: int = 0,
) -> bytes:
    counts = capacity.to_bytes(8, "little") + counted.to_bytes(8, "little")
    discriminator = bytes.fromhex("7af5aff8ab2200cf")
    keys = bytes(creator) + bytes(delegate)
    return discriminator + keys + counts + bytes([public, 0, 0]) + bytes(5)


def told(
    *,
    tree: bytes | None = None,
    kept: bytes | None = None,
    lamports: int = SHAPE.account_rent,
    owner: str = PROGRAM,
    payer: Pubkey = PAYER,
) -> list[str]:
    known = Known(
        address=str(Pubkey.new_unique()),
        authority=str(AUTHORITY),
        creator=str(CREATOR),
        delegate=str(PAYER),
        shape=SHAPE,
        program=PROGRAM,
        landed=4,
        at_most=6,
    )
    seen = Seen(Account(owner, lamports, tree or header()), Account("", 1, kept or config()))
    return troubles(known, seen, payer=str(payer))


def test_a_tree_that_is_as_it_should_be_has_no_trouble():
    assert told() == []
    for counted in (4, 6):
        assert told(kept=config(counted=counted)) == []
    # Its creator may mint into a tree, too.
    assert told(payer=CREATOR) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"kept": config(counted=3)}, "counts 3 mints, and 4 are known to be in"),
        ({"kept": config(counted=7)}, "something else has minted into it"),
        ({"kept": config(creator=STRANGER)}, "Its creator is"),
        ({"kept": config(delegate=STRANGER)}, "Its delegate is"),
        ({"kept": config(capacity=16)}, "It has 16 leaves"),
        ({"kept": config(public=1)}, "Anybody may mint"),
        ({"payer": STRANGER}, "let its creator make the payer its delegate"),
        ({"tree": header(authority=STRANGER)}, "Its authority is"),
        ({"tree": header(depth=5)}, "It is 5 deep"),
        ({"lamports": SHAPE.account_rent - 1}, "send it what lacks"),
        ({"owner": str(STRANGER)}, "Its account is"),
        ({"tree": bytes(96)}, "something else"),
        ({"kept": bytes(96)}, "something else"),
    ],
)
def test_each_difference_is_told(given: dict[str, Any], says: str):
    assert says in told(**given)[0]


@pytest.mark.django_db(transaction=True)
def test_assets_that_no_tree_has_a_leaf_for_are_counted(minted, settings):  # noqa: F811
    settings.SOLANA_NETWORK, settings.SOLANA_RPC_URLS = "devchain", []
    job = minted(5)
    with acting_as("worker"), brand_scope(job.brand_id), connection.cursor() as cursor:
        cursor.execute(_WISH, [job.batch_id])
    for tree, lacking in (
        ({"network": "devnet"}, 5),
        ({"status": TreeStatus.ARCHIVED}, 5),
        ({"reserved": 29}, 2),
        ({"status": TreeStatus.CREATING}, 0),
    ):
        with acting_as("worker"), brand_scope(job.brand_id):
            make_tree(BrandWorld(Brand.objects.get(pk=job.brand_id)), **tree)
        with acting_as("worker"):
            asyncio.run(watch())
        assert TREE_LEAVES_LACKING._value.get() == lacking


@pytest.mark.programs
@pytest.mark.django_db(transaction=True)
def test_watching_finds_what_a_stranger_has_done_and_that_it_was_mended(forester: Forester):
    payer = forester.keypair
    tree, other = (forester.made(forester.ask(name)) for name in ("Oak", "Elm"))
    forester.watch()
    assert forester.now(tree).trouble == forester.now(other).trouble == ""
    assert forester.now(tree).checked_at is not None
    forester.mint(tree)
    address, stranger = Pubkey.from_string(str(other.address)), Keypair().pubkey()
    forester.do(set_tree_delegate(tree=address, creator=payer.pubkey(), delegate=stranger))
    forester.watch()
    assert "something else has minted into it" in forester.now(tree).trouble
    assert str(stranger) in forester.now(other).trouble
    forester.do(set_tree_delegate(tree=address, creator=payer.pubkey(), delegate=payer.pubkey()))
    forester.watch()
    assert forester.now(other).trouble == ""


@pytest.mark.programs
@pytest.mark.django_db(transaction=True)
def test_a_tree_that_is_gone_is_told_and_an_endpoint_that_is_gone_is_not(forester: Forester):
    tree = forester.made(forester.ask())
    with acting_as("worker"):
        make_tree(forester.world, address=str(Pubkey.new_unique()), name="Gone")
    forester.watch()
    with brand_scope(forester.world.brand.id):
        assert "There is no account" in ChainTree.objects.get(name="Gone").trouble
    checked_at = forester.now(tree).checked_at
    forester.settings.SOLANA_RPC_URLS = ["http://127.0.0.1:9/"]
    forester.watch()
    assert forester.now(tree).checked_at == checked_at


@pytest.mark.programs
@pytest.mark.django_db(transaction=True)
def test_a_full_tree_is_archived_once_the_chain_agrees_that_it_is(forester: Forester):
    tree = forester.made(forester.ask())
    brand_id = forester.world.brand.id
    with acting_as("worker"), brand_scope(brand_id):
        room_for(brand_id=brand_id, network="devchain", count=8)
        landed(tree, 8)
    assert forester.now(tree).status == TreeStatus.FULL
    forester.watch()
    assert "8 are known to be in" in forester.now(tree).trouble
    assert forester.now(tree).status == TreeStatus.FULL
    for _ in range(2):
        forester.mint(tree, 4)
    forester.watch()
    done = forester.now(tree)
    assert (done.status, done.trouble, done.archived_at is None) == ("archived", "", False)
    # The next one had been asked for when it was nearly full.
    with brand_scope(brand_id):
        assert ChainTree.objects.filter(status=TreeStatus.CREATING).count() == 1
