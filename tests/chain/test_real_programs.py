"""Bubblegum on the dev chain, with the programs as they run on Solana's own.

Needs their dumps: ``DEVCHAIN_PROGRAMS_DIR``, a folder of ``<program id>.so`` as ``solana program
dump`` writes them. Without it nothing here is run, and the end of the test run says so.
"""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import base58
import pytest
from solders.compute_budget import set_compute_unit_limit
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, create_account
from solders.transaction import VersionedTransaction

from minting.chain.bubblegum import events as moved
from minting.chain.bubblegum.accounts import Tree, TreeConfig
from minting.chain.bubblegum.changes import Change, Place, transfer, update_metadata
from minting.chain.bubblegum.events import LeafTold, read_event
from minting.chain.bubblegum.instructions import (
    Mint,
    create_tree,
    mint_v1,
    mint_v2,
    set_tree_delegate,
)
from minting.chain.bubblegum.leaves import Leaf, leaf_of
from minting.chain.bubblegum.metadata import Creator, Metadata
from minting.chain.bubblegum.mirror import Mirror, root_by_path
from minting.chain.bubblegum.programs import BESIDE, BUBBLEGUM, CORE, Version, config_of
from minting.chain.bubblegum.sizes import tree_bytes
from tests.chain.devchains import Devchain

PROGRAMS = os.environ.get("DEVCHAIN_PROGRAMS_DIR", "")
pytestmark = pytest.mark.programs
BASE64 = {"encoding": "base64"}
DEPTH, BUFFER = 14, 64
MOST_COMPUTE = 1_400_000


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devchain]:
    """A dev chain with the programs in it."""
    made = Devchain(tmp_path_factory.mktemp("programs"), programs=Path(PROGRAMS))
    made.start()
    needed = {str(BUBBLEGUM), str(CORE), *(str(key) for pair in BESIDE.values() for key in pair)}
    assert needed <= set(made.status()["programs"])
    yield made
    made.kill()


@pytest.fixture(scope="module")
def payer(chain: Devchain) -> Keypair:
    """Somebody who can pay for everything here."""
    return chain.rich(10**12)


def send(chain: Devchain, payer: Keypair, *instructions: Instruction, also: Any = ()) -> str:
    """Send a transaction that succeeds; return its signature."""
    answer = attempt(chain, payer, *instructions, also=also)
    assert "error" not in answer, answer
    return answer["result"]


def attempt(chain: Devchain, payer: Keypair, *instructions: Instruction, also: Any = ()) -> Any:
    whole = [set_compute_unit_limit(MOST_COMPUTE), *instructions]
    message = MessageV0.try_compile(payer.pubkey(), whole, [], chain.blockhash())
    raw = bytes(VersionedTransaction(message, [payer, *also]))
    return chain.ask("sendTransaction", base64.b64encode(raw).decode(), BASE64)


def make_tree(chain: Devchain, payer: Keypair, version: Version) -> Pubkey:
    tree, size = Keypair(), tree_bytes(DEPTH, BUFFER)
    account = create_account(
        CreateAccountParams(
            from_pubkey=payer.pubkey(),
            to_pubkey=tree.pubkey(),
            lamports=chain.told("getMinimumBalanceForRentExemption", size),
            space=size,
            owner=BESIDE[version].compression,
        )
    )
    creation = create_tree(
        version, tree=tree.pubkey(), creator=payer.pubkey(), depth=DEPTH, buffer=BUFFER
    )
    send(chain, payer, account, creation, also=[tree])
    return tree.pubkey()


def data_of(chain: Devchain, address: Pubkey) -> bytes:
    account = chain.told("getAccountInfo", str(address), BASE64)["value"]
    return base64.b64decode(account["data"][0])


def events_of(
    chain: Devchain, signature: str, version: Version
) -> list[moved.Change | LeafTold | None]:
    chain.wait_for_slot(chain.status()["slot"] + 1)
    config = {"commitment": "processed", "maxSupportedTransactionVersion": 0}
    found = chain.told("getTransaction", signature, config)
    keys = found["transaction"]["message"]["accountKeys"]
    return [
        read_event(base58.b58decode(one["data"]))
        for group in found["meta"]["innerInstructions"]
        for one in group["instructions"]
        if keys[one["programIdIndex"]] == str(BESIDE[version].noop)
    ]


def minting(version: Version) -> Any:
    return mint_v1 if version is Version.V1 else mint_v2


@pytest.mark.parametrize("version", Version)
def test_every_leaf_event_and_root_is_what_we_compute(
    chain: Devchain, payer: Keypair, version: Version
):
    tree, owner = make_tree(chain, payer, version), Keypair().pubkey()
    mint = Mint(tree=tree, payer=payer.pubkey(), delegate=payer.pubkey(), owner=owner)
    leaves: list[bytes] = []
    for number in range(4):
        each = [
            Metadata(
                name="DPP",
                uri=f"https://d.example/{number}-{at}",
                creators=[Creator(payer.pubkey(), is_verified=True)] if at == 1 else [],
                fee=at,
            )
            for at in range(5)
        ]
        made = [
            leaf_of(version, tree=tree, nonce=len(leaves) + at, owner=owner, metadata=metadata)
            for at, metadata in enumerate(each)
        ]
        signature = send(chain, payer, *(minting(version)(mint, metadata) for metadata in each))
        told = events_of(chain, signature, version)
        assert told[::2] == [LeafTold(leaf, leaf.hash) for leaf in made]
        leaves += [leaf.hash for leaf in made]
        assert [change.index for change in told[1::2]] == [leaf.nonce for leaf in made]
    tree_now, mirror = Tree.read(data_of(chain, tree)), Mirror(DEPTH, leaves)
    assert (tree_now.root, tree_now.leaves, tree_now.sequence) == (mirror.root, 20, 20)
    assert root_by_path(leaves[7], 7, mirror.path(7)) == tree_now.root
    config = TreeConfig.read(data_of(chain, config_of(tree)))
    assert (config.minted, config.capacity, config.version) == (20, 1 << DEPTH, version)
    assert (config.creator, config.is_public) == (payer.pubkey(), False)


@pytest.mark.parametrize("version", Version)
def test_nobody_but_creator_and_delegate_mints(chain: Devchain, payer: Keypair, version: Version):
    tree, stranger = make_tree(chain, payer, version), chain.rich(10**10)
    theirs = Mint(
        tree=tree, payer=stranger.pubkey(), delegate=stranger.pubkey(), owner=stranger.pubkey()
    )
    metadata = Metadata(name="DPP", uri="https://d.example/0")
    refused = attempt(chain, stranger, minting(version)(theirs, metadata))
    assert "TreeAuthorityIncorrect" in " ".join(refused["error"]["data"]["logs"])
    assigned = set_tree_delegate(tree=tree, creator=payer.pubkey(), delegate=stranger.pubkey())
    send(chain, payer, assigned)
    send(chain, stranger, minting(version)(theirs, metadata))
    assert TreeConfig.read(data_of(chain, config_of(tree))).delegate == stranger.pubkey()


def test_a_tree_of_one_version_takes_no_mint_of_the_other(chain: Devchain, payer: Keypair):
    metadata = Metadata(name="DPP", uri="https://d.example/0")
    for version, other in ((Version.V1, Version.V2), (Version.V2, Version.V1)):
        tree = make_tree(chain, payer, version)
        mint = Mint(tree=tree, payer=payer.pubkey(), delegate=payer.pubkey(), owner=payer.pubkey())
        assert "error" in attempt(chain, payer, minting(other)(mint, metadata))


@pytest.mark.parametrize("version", Version)
def test_metadata_are_changed_and_a_leaf_changes_hands_by_proof(
    chain: Devchain, payer: Keypair, version: Version
):
    tree, buyer = make_tree(chain, payer, version), chain.rich(10**10)
    mint = Mint(tree=tree, payer=payer.pubkey(), delegate=payer.pubkey(), owner=payer.pubkey())
    each = [Metadata(name="DPP", uri=f"https://d.example/{n}") for n in range(5)]
    send(chain, payer, *(minting(version)(mint, metadata) for metadata in each))

    def made(number: int, metadata: Metadata, owner: Pubkey) -> Leaf:
        return leaf_of(version, tree=tree, nonce=number, owner=owner, metadata=metadata)

    def place(hashes: list[bytes]) -> Place:
        mirror = Mirror(DEPTH, hashes)
        assert Tree.read(data_of(chain, tree)).root == mirror.root
        return Place(tree=tree, root=mirror.root, index=3, path=mirror.path(3))

    leaves = [made(number, metadata, payer.pubkey()) for number, metadata in enumerate(each)]
    hashes = [leaf.hash for leaf in leaves]
    change = Change(uri="https://d.example/3-mended")
    update = update_metadata(leaves[3], place(hashes), each[3], change, authority=payer.pubkey())
    (told, path) = events_of(chain, send(chain, payer, update), version)
    leaf = made(3, change.of(each[3]), payer.pubkey())
    assert told == LeafTold(leaf, leaf.hash)
    hashes[3] = leaf.hash
    sold = transfer(leaf, place(hashes), to=buyer.pubkey())
    (told, path) = events_of(chain, send(chain, payer, sold), version)
    leaf = made(3, change.of(each[3]), buyer.pubkey())
    assert told == LeafTold(leaf, leaf.hash)
    assert isinstance(path, moved.Change)
    assert (path.index, path.sequence) == (3, 7)
    # By the metadata of before nothing is changed any more, and by nobody but its owner it moves.
    hashes[3] = leaf.hash
    again = update_metadata(leaf, place(hashes), each[3], change, authority=payer.pubkey())
    assert "error" in attempt(chain, payer, again)
    back = transfer(leaf, place(hashes), to=payer.pubkey())
    send(chain, buyer, back)


def test_the_chain_has_the_trees_after_a_kill(chain: Devchain, payer: Keypair):
    tree = make_tree(chain, payer, Version.V1)
    mint = Mint(tree=tree, payer=payer.pubkey(), delegate=payer.pubkey(), owner=payer.pubkey())
    first = [Metadata(name="DPP", uri=f"https://d.example/{n}") for n in range(2)]
    send(chain, payer, *(mint_v1(mint, metadata) for metadata in first))
    before = data_of(chain, tree)
    chain.kill()
    chain.start()
    assert data_of(chain, tree) == before
    send(chain, payer, mint_v1(mint, first[0]))
    assert Tree.read(data_of(chain, tree)).leaves == 3
