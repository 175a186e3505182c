"""What is asked of Bubblegum: trees, mints, and who may mint. Pure.

An instruction begins with the first eight bytes of the SHA-256 of its name. An optional account
that is left out is Bubblegum's own address.
"""

import struct
from dataclasses import dataclass
from hashlib import sha256

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from minting.chain.bubblegum.metadata import Metadata, option
from minting.chain.bubblegum.programs import (
    BESIDE,
    BUBBLEGUM,
    COLLECTION_SIGNER,
    CORE,
    CORE_SIGNER,
    SYSTEM,
    TOKEN_METADATA,
    Version,
    config_of,
    edition_of,
    metadata_of,
)

_NO_ASSET_DATA, _NO_SCHEMA = b"\x00", b"\x00"


@dataclass(frozen=True, kw_only=True)
class Mint:
    """Whom a mint concerns: the tree, who pays, who may mint into it, and whose the leaf is.

    ``delegate`` signs for the tree: its creator, or the one that was set.
    """

    tree: Pubkey
    payer: Pubkey
    delegate: Pubkey
    owner: Pubkey


def create_tree(
    version: Version, *, tree: Pubkey, creator: Pubkey, depth: int, buffer: int
) -> Instruction:
    """Make a tree of an account of zeros that the compression program owns already.

    It goes into one transaction with the creation of that account, or a stranger may come first.
    Nobody but its creator and delegate may mint into it.
    """
    beside = BESIDE[version]
    is_public = option(b"\x00")
    name = "create_tree" if version is Version.V1 else "create_tree_v2"
    return Instruction(
        BUBBLEGUM,
        _named(name) + struct.pack("<II", depth, buffer) + is_public,
        [
            _written(config_of(tree)),
            _written(tree),
            _paying(creator),
            _signing(creator),
            _read(beside.noop),
            _read(beside.compression),
            _read(SYSTEM),
        ],
    )


def set_tree_delegate(*, tree: Pubkey, creator: Pubkey, delegate: Pubkey) -> Instruction:
    """Let another key mint into a tree, in place of the one before."""
    return Instruction(
        BUBBLEGUM,
        _named("set_tree_delegate"),
        [
            _written(config_of(tree)),
            _signing(creator),
            _read(delegate),
            _read(tree),
            _read(SYSTEM),
        ],
    )


def mint_v1(mint: Mint, metadata: Metadata) -> Instruction:
    """Put a leaf into a tree of version 1."""
    beside = BESIDE[Version.V1]
    return Instruction(
        BUBBLEGUM,
        _named("mint_v1") + metadata.borsh(Version.V1),
        [
            _written(config_of(mint.tree)),
            _read(mint.owner),
            _read(mint.owner),
            _written(mint.tree),
            _signing(mint.payer),
            _signing(mint.delegate),
            _read(beside.noop),
            _read(beside.compression),
            _read(SYSTEM),
        ],
    )


def mint_to_collection_v1(
    mint: Mint, metadata: Metadata, *, collection: Pubkey, collection_authority: Pubkey
) -> Instruction:
    """Put a leaf of a collection into a tree of version 1; it is hashed as verified."""
    beside = BESIDE[Version.V1]
    return Instruction(
        BUBBLEGUM,
        _named("mint_to_collection_v1") + metadata.borsh(Version.V1),
        [
            _written(config_of(mint.tree)),
            _read(mint.owner),
            _read(mint.owner),
            _written(mint.tree),
            _signing(mint.payer),
            _signing(mint.delegate),
            _signing(collection_authority),
            _LEFT_OUT,
            _read(collection),
            _written(metadata_of(collection)),
            _read(edition_of(collection)),
            _read(COLLECTION_SIGNER),
            _read(beside.noop),
            _read(beside.compression),
            _read(TOKEN_METADATA),
            _read(SYSTEM),
        ],
    )


def mint_v2(
    mint: Mint, metadata: Metadata, *, collection_authority: Pubkey | None = None
) -> Instruction:
    """Put a leaf into a tree of version 2, and into the collection that its metadata name.

    Where the payer is the tree's delegate or the collection's authority, that is left out.
    """
    beside, collection = BESIDE[Version.V2], metadata.collection
    delegate = None if mint.delegate == mint.payer else mint.delegate
    return Instruction(
        BUBBLEGUM,
        _named("mint_v2") + metadata.borsh(Version.V2) + _NO_ASSET_DATA + _NO_SCHEMA,
        [
            _written(config_of(mint.tree)),
            _paying(mint.payer),
            _signing(delegate) if delegate else _LEFT_OUT,
            _signing(collection_authority) if collection_authority else _LEFT_OUT,
            _read(mint.owner),
            _LEFT_OUT,
            _written(mint.tree),
            _written(collection) if collection else _LEFT_OUT,
            _read(CORE_SIGNER) if collection else _LEFT_OUT,
            _read(beside.noop),
            _read(beside.compression),
            _read(CORE),
            _read(SYSTEM),
        ],
    )


def _named(name: str) -> bytes:
    return sha256(f"global:{name}".encode()).digest()[:8]


def _read(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=False)


def _written(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=True)


def _signing(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=True, is_writable=False)


def _paying(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=True, is_writable=True)


_LEFT_OUT = _read(BUBBLEGUM)
