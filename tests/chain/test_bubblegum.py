"""Bubblegum byte for byte: vectors that the programs themselves once made on a chain."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from minting.chain.bubblegum.accounts import NoTree, Tree, TreeConfig
from minting.chain.bubblegum.events import Change, LeafTold, read_event
from minting.chain.bubblegum.instructions import (
    Mint,
    create_tree,
    mint_to_collection_v1,
    mint_v1,
    mint_v2,
    set_tree_delegate,
)
from minting.chain.bubblegum.leaves import EMPTY, leaf_of
from minting.chain.bubblegum.metadata import Creator, Metadata, UnsoundMetadata, keccak
from minting.chain.bubblegum.mirror import Mirror, root_by_path
from minting.chain.bubblegum.programs import (
    BUBBLEGUM,
    COLLECTION_SIGNER,
    CORE_SIGNER,
    Version,
    asset_id,
    config_of,
)
from minting.chain.bubblegum.sizes import least_canopy, tree_bytes

CASES = json.loads((Path(__file__).parent / "vectors" / "bubblegum.json").read_text())
MINTS = [(case, number) for case in CASES for number in range(len(case["mints"]))]
each_mint = pytest.mark.parametrize(
    ("case", "number"), MINTS, ids=[f"v{case['version']} {number}" for case, number in MINTS]
)
SOMEBODY = Pubkey.new_unique()


def key(text: str) -> Pubkey:
    return Pubkey.from_string(text)


def metadata_of(mint: dict[str, Any]) -> Metadata:
    return Metadata(
        name=mint["name"],
        uri=mint["uri"],
        symbol=mint["symbol"],
        fee=mint["fee_bps"],
        creators=[Creator(key(a), verified, share) for a, verified, share in mint["creators"]],
        collection=key(mint["collection"]) if mint["collection"] else None,
    )


def made_leaf(case: dict[str, Any], number: int):
    return leaf_of(
        Version(case["version"]),
        tree=key(case["tree"]),
        nonce=number,
        owner=key(case["owner"]),
        metadata=metadata_of(case["mints"][number]),
    )


@each_mint
def test_a_mint_is_the_instruction_that_was_executed(case: dict[str, Any], number: int):
    expected = case["mints"][number]
    payer = key(case["payer"])
    mint = Mint(tree=key(case["tree"]), payer=payer, delegate=payer, owner=key(case["owner"]))
    build = mint_v1 if case["version"] == 1 else mint_v2
    built = build(mint, metadata_of(expected))
    assert built.program_id == BUBBLEGUM
    assert bytes(built.data).hex() == expected["ix_data"]
    assert [
        [str(one.pubkey), one.is_signer, one.is_writable] for one in built.accounts
    ] == expected["accounts"]


@each_mint
def test_a_leaf_has_the_id_and_the_hash_that_the_chain_gave_it(case: dict[str, Any], number: int):
    leaf, expected = made_leaf(case, number), case["mints"][number]
    assert str(leaf.id) == expected["asset_id"]
    assert leaf.hash.hex() == expected["leaf_hash"]


@each_mint
def test_the_event_tells_the_leaf(case: dict[str, Any], number: int):
    expected = case["mints"][number]
    told = read_event(bytes.fromhex(expected["leaf_event"]))
    assert told == LeafTold(made_leaf(case, number), bytes.fromhex(expected["leaf_hash"]))
    assert told.leaf.hash == told.hash


def change_event(tree: Pubkey, path: list[bytes], sequence: int, index: int) -> bytes:
    nodes = b"".join(node + struct.pack("<I", at) for at, node in enumerate(path))
    head = b"\x00\x00" + bytes(tree) + struct.pack("<I", len(path))
    return head + nodes + struct.pack("<QI", sequence, index)


@each_mint
def test_the_change_that_is_told_has_the_mirrors_root(case: dict[str, Any], number: int):
    expected = case["mints"][number]
    leaves = [made_leaf(case, at).hash for at in range(number + 1)]
    mirror = Mirror(case["depth"], leaves)
    assert mirror.root.hex() == expected["changelog_root"]
    path = [leaves[-1], *(EMPTY for _ in range(case["depth"] - 1)), mirror.root]
    data = change_event(key(case["tree"]), path, expected["seq"], number)
    assert data.hex().startswith(expected["changelog_event_prefix"])
    assert read_event(data) == Change(
        tree=key(case["tree"]),
        sequence=expected["seq"],
        index=number,
        leaf=leaves[-1],
        root=mirror.root,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"v{case['version']}")
def test_a_trees_accounts_are_where_and_as_large_as_they_were(case: dict[str, Any]):
    assert str(config_of(key(case["tree"]))) == case["tree_config"]
    assert tree_bytes(case["depth"], case["buffer"]) == case["account_bytes"]


@given(st.integers(1, 6), st.data())
def test_every_path_of_the_mirror_leads_to_its_root(depth: int, data: st.DataObject):
    count = data.draw(st.integers(0, 1 << depth))
    leaves = [keccak(bytes([number])) for number in range(count)]
    mirror = Mirror(depth, leaves)
    for index in range(1 << depth):
        leaf = leaves[index] if index < count else EMPTY
        assert root_by_path(leaf, index, mirror.path(index)) == mirror.root
        assert root_by_path(keccak(b"other"), index, mirror.path(index)) != mirror.root


def test_a_mirror_has_no_place_for_more_leaves_than_the_tree():
    with pytest.raises(ValueError, match="no place for 5 leaves"):
        Mirror(2, [EMPTY] * 5)


def test_a_tree_is_made_for_nobody_but_its_creator():
    tree = Pubkey.new_unique()
    for version, name in ((Version.V1, "a553888e59ca2fdc"), (Version.V2, "37635fd78ecbe3cd")):
        built = create_tree(version, tree=tree, creator=SOMEBODY, depth=20, buffer=64)
        data = bytes(built.data)
        assert data[:8].hex() == name
        assert struct.unpack_from("<II", data, 8) == (20, 64)
        assert data[16:] == b"\x01\x00"
        flags = [(one.is_signer, one.is_writable) for one in built.accounts]
        assert flags[:4] == [(False, True), (False, True), (True, True), (True, False)]


def test_a_delegate_is_set_by_the_creator():
    tree, delegate = Pubkey.new_unique(), Pubkey.new_unique()
    built = set_tree_delegate(tree=tree, creator=SOMEBODY, delegate=delegate)
    assert bytes(built.data).hex() == "fd764225be319a66"
    assert [one.pubkey for one in built.accounts][:4] == [
        config_of(tree),
        SOMEBODY,
        delegate,
        tree,
    ]
    assert built.accounts[1].is_signer


def test_a_mint_to_a_collection_names_the_collections_accounts():
    tree, collection = Pubkey.new_unique(), Pubkey.new_unique()
    mint = Mint(tree=tree, payer=SOMEBODY, delegate=SOMEBODY, owner=SOMEBODY)
    metadata = Metadata(name="a", uri="b", collection=collection)
    built = mint_to_collection_v1(
        mint, metadata, collection=collection, collection_authority=SOMEBODY
    )
    assert bytes(built.data)[:8].hex() == "9912b22fc59e560f"
    assert len(built.accounts) == 16
    assert built.accounts[7].pubkey == BUBBLEGUM
    assert built.accounts[11].pubkey == COLLECTION_SIGNER


def test_the_signers_of_the_programs_are_those_that_are_published():
    assert str(COLLECTION_SIGNER) == "4ewWZC5gT6TGpm5LZNDs9wVonfUT2q5PP5sc9kVbwMAK"
    assert str(CORE_SIGNER) == "CbNY3JiXdXNE9tPNEk1aRZVEkWdj2v7kfJLNQwZZgpXk"


def test_an_id_is_of_one_tree_and_one_number():
    tree = Pubkey.new_unique()
    assert asset_id(tree, 0) != asset_id(tree, 1) != asset_id(Pubkey.new_unique(), 1)


@pytest.mark.parametrize(
    ("depth", "buffer", "canopy", "size"),
    [
        (14, 64, 0, 31_800),
        (17, 64, 10, 103_512),
        (20, 64, 3, 44_728),
        (20, 64, 10, 109_752),
        (20, 1024, 13, 1_221_304),
        (24, 64, 7, 60_728),
        (30, 512, 17, 8_901_624),
    ],
)
def test_a_trees_account_has_the_size_that_the_program_takes(depth, buffer, canopy, size):
    assert tree_bytes(depth, buffer, canopy) == size


def test_the_deeper_a_tree_the_more_of_it_must_be_on_chain():
    assert [least_canopy(depth) for depth in (14, 17, 20, 24, 30)] == [0, 0, 3, 7, 13]


def test_the_account_of_a_tree_is_read():
    depth, buffer, authority = 3, 8, Pubkey.new_unique()
    root = keccak(b"root")
    change = 40 + 32 * depth
    data = bytearray(tree_bytes(depth, buffer))
    data[0] = 1
    struct.pack_into("<II", data, 2, buffer, depth)
    data[10:42] = bytes(authority)
    struct.pack_into("<Q", data, 42, 99)
    struct.pack_into("<QQQ", data, 56, 5, 2, 6)
    data[80 + 2 * change :][:32] = root
    data[80 + 2 * change : 80 + 2 * change + 32] = root
    struct.pack_into("<I", data, 80 + buffer * change + 32 * (depth + 1), 5)
    tree = Tree.read(bytes(data))
    assert (tree.depth, tree.buffer, tree.authority) == (depth, buffer, authority)
    assert (tree.sequence, tree.leaves, tree.root, tree.created_at_slot) == (5, 5, root, 99)
    for broken in (b"", bytes(80), bytes(data[:200]), b"\x02" + bytes(data[1:])):
        with pytest.raises(NoTree):
            Tree.read(broken)


def test_the_configuration_of_a_tree_is_read():
    creator, delegate = Pubkey.new_unique(), Pubkey.new_unique()
    head = bytes.fromhex("7af5aff8ab2200cf") + bytes(creator) + bytes(delegate)
    data = head + struct.pack("<QQ", 1 << 20, 77) + bytes([0, 1, 1]) + bytes(5)
    assert TreeConfig.read(data) == TreeConfig(
        creator, delegate, 1 << 20, 77, is_public=False, version=Version.V2
    )
    for broken in (b"", data[:-1], bytes(96)):
        with pytest.raises(NoTree):
            TreeConfig.read(broken)


@given(st.binary(max_size=400))
def test_no_bytes_of_others_break_the_reader_of_events(data: bytes):
    read_event(data)
    read_event(b"\x00\x00" + data)
    read_event(b"\x01\x00" + data)


@pytest.mark.parametrize(
    ("given_metadata", "field"),
    [
        ({"name": "n" * 33}, "name"),
        ({"symbol": "s" * 11}, "symbol"),
        ({"uri": "u" * 201}, "uri"),
        ({"name": "é" * 17}, "name"),
        ({"fee": 10_001}, "fee"),
        ({"creators": [Creator(SOMEBODY, share=99)]}, "creators"),
        ({"creators": [Creator(SOMEBODY, share=20)] * 6}, "creators"),
    ],
)
def test_what_the_programs_would_refuse_is_refused_before(given_metadata, field):
    with pytest.raises(UnsoundMetadata, match=f"^{field}"):
        Metadata(**{"name": "n", "uri": "u", **given_metadata})
