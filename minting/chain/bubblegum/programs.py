"""The programs that take part, and the accounts whose addresses follow from others. Pure."""

import struct
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from solders.pubkey import Pubkey

BUBBLEGUM = Pubkey.from_string("BGUMAp9Gq7iTEuizy4pqaxsTyUCBK68MDfK752saRPUY")
TOKEN_METADATA = Pubkey.from_string("metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s")
CORE = Pubkey.from_string("CoREENxT6tW1HoK8ypY1SxRMZTcVPm7R94rH4PZNhX7d")
SYSTEM = Pubkey.from_string("11111111111111111111111111111111")


class Version(IntEnum):
    """Of the leaves, and of the instructions that make and change them."""

    V1 = 1
    V2 = 2


class Beside(NamedTuple):
    """The programs that Bubblegum calls: one keeps the tree, the other makes events findable."""

    compression: Pubkey
    noop: Pubkey


BESIDE = {
    Version.V1: Beside(
        Pubkey.from_string("cmtDvXumGCrqC1Age74AVPhSRVXJMd8PJS91L8KbNCK"),
        Pubkey.from_string("noopb9bkMVfRPU8AsbpTUg8AQkHtKwMYZiFUjNRtMmV"),
    ),
    Version.V2: Beside(
        Pubkey.from_string("mcmt6YrQEMKw8Mw43FmpRLmf7BqRnFMKmAcbxE3xkAW"),
        Pubkey.from_string("mnoopTCrg4p8ry25e4bcWA9XZjbNjMTfgYVGGEdRsf3"),
    ),
}


def _derived(program: Pubkey, *seeds: bytes) -> Pubkey:
    return Pubkey.find_program_address(list(seeds), program)[0]


#: Signs for Bubblegum: of a collection's mint (V1), and of a collection of Metaplex Core (V2).
COLLECTION_SIGNER = _derived(BUBBLEGUM, b"collection_cpi")
CORE_SIGNER = _derived(BUBBLEGUM, b"mpl_core_cpi_signer")


@lru_cache(maxsize=1024)
def config_of(tree: Pubkey) -> Pubkey:
    """Return the account in which Bubblegum keeps who may mint into a tree, and how much."""
    return _derived(BUBBLEGUM, bytes(tree))


def asset_id(tree: Pubkey, nonce: int) -> Pubkey:
    """Return the id by which wallets know the leaf that was the tree's ``nonce``-th, from 0."""
    return _derived(BUBBLEGUM, b"asset", bytes(tree), struct.pack("<Q", nonce))


def metadata_of(mint: Pubkey) -> Pubkey:
    """Return the metadata account of a collection's mint (V1)."""
    return _derived(TOKEN_METADATA, b"metadata", bytes(TOKEN_METADATA), bytes(mint))


def edition_of(mint: Pubkey) -> Pubkey:
    """Return the edition account of a collection's mint (V1)."""
    return _derived(TOKEN_METADATA, b"metadata", bytes(TOKEN_METADATA), bytes(mint), b"edition")
