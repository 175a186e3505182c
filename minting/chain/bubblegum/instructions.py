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
    version: Version,
    *,
    tree: Pubkey,
    creator: Pubkey,
    depth: int,
    buffer: int,
    payer: Pubkey | None = None,
) -> Instruction:
    """Make a tree of an account of zeros that the compression program owns already.

    It goes into one transaction with the creation of that account, or a stranger may come first.
    Nobody but its creator and delegate may mint into it. ``payer`` pays the rent of what Bubblegum
    keeps of it; without one the creator does.
    """
    beside = BESIDE[version]
    is_public = option(b"\x00")
    name = "create_tree" if version is Version.V1 else "create_tree_v2"
    return Instruction(
        BUBBLEGUM,
        named(name) + struct.pack("<II", depth, buffer) + is_public,
        [
            written(config_of(tree)),
            written(tree),
            paying(payer or creator),
            signing(creator),
            read(beside.noop),
            read(beside.compression),
            read(SYSTEM),
        ],
    )


def set_tree_delegate(*, tree: Pubkey, creator: Pubkey, delegate: Pubkey) -> Instruction:
    """Let another key mint into a tree, in place of the one before."""
    return Instruction(
        BUBBLEGUM,
        named("set_tree_delegate"),
        [
            written(config_of(tree)),
            signing(creator),
            read(delegate),
            read(tree),
            read(SYSTEM),
        ],
    )


def mint_v1(mint: Mint, metadata: Metadata) -> Instruction:
    """Put a leaf into a tree of version 1."""
    beside = BESIDE[Version.V1]
    return Instruction(
        BUBBLEGUM,
        named("mint_v1") + metadata.borsh(Version.V1),
        [
            written(config_of(mint.tree)),
            read(mint.owner),
            read(mint.owner),
            written(mint.tree),
            signing(mint.payer),
            signing(mint.delegate),
            read(beside.noop),
            read(beside.compression),
            read(SYSTEM),
        ],
    )


def mint_to_collection_v1(
    mint: Mint, metadata: Metadata, *, collection: Pubkey, collection_authority: Pubkey
) -> Instruction:
    """Put a leaf of a collection into a tree of version 1; it is hashed as verified."""
    beside = BESIDE[Version.V1]
    return Instruction(
        BUBBLEGUM,
        named("mint_to_collection_v1") + metadata.borsh(Version.V1),
        [
            written(config_of(mint.tree)),
            read(mint.owner),
            read(mint.owner),
            written(mint.tree),
            signing(mint.payer),
            signing(mint.delegate),
            signing(collection_authority),
            LEFT_OUT,
            read(collection),
            written(metadata_of(collection)),
            read(edition_of(collection)),
            read(COLLECTION_SIGNER),
            read(beside.noop),
            read(beside.compression),
            read(TOKEN_METADATA),
            read(SYSTEM),
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
        named("mint_v2") + metadata.borsh(Version.V2) + _NO_ASSET_DATA + _NO_SCHEMA,
        [
            written(config_of(mint.tree)),
            paying(mint.payer),
            signing(delegate) if delegate else LEFT_OUT,
            signing(collection_authority) if collection_authority else LEFT_OUT,
            read(mint.owner),
            LEFT_OUT,
            written(mint.tree),
            written(collection) if collection else LEFT_OUT,
            read(CORE_SIGNER) if collection else LEFT_OUT,
            read(beside.noop),
            read(beside.compression),
            read(CORE),
            read(SYSTEM),
        ],
    )


def named(name: str) -> bytes:
    """Return how an instruction begins that has this name."""
    return sha256(f"global:{name}".encode()).digest()[:8]


def read(key: Pubkey) -> AccountMeta:
    """Return an account that is only read."""
    return AccountMeta(key, is_signer=False, is_writable=False)


def written(key: Pubkey) -> AccountMeta:
    """Return an account that is changed."""
    return AccountMeta(key, is_signer=False, is_writable=True)


def signing(key: Pubkey) -> AccountMeta:
    """Return an account that signs."""
    return AccountMeta(key, is_signer=True, is_writable=False)


def paying(key: Pubkey) -> AccountMeta:
    """Return an account that signs and pays."""
    return AccountMeta(key, is_signer=True, is_writable=True)


#: In the place of an optional account.
LEFT_OUT = read(BUBBLEGUM)
