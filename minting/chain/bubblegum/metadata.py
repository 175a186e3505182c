"""What a leaf says of its asset, and the hashes by which it does. Pure.

Numbers are little endian, texts and lists have their length before them (Borsh). Hashes are
Keccak-256, which is not SHA3-256.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import sha3
from solders.pubkey import Pubkey

from minting.chain.bubblegum.programs import Version

#: Limits of Token Metadata, which Bubblegum keeps.
LONGEST_NAME, LONGEST_SYMBOL, LONGEST_URI = 32, 10, 200
MOST_CREATORS, ALL_SHARES, MOST_FEE = 5, 100, 10_000
_NOTHING, _SOME = b"\x00", b"\x01"
_NON_FUNGIBLE = _SOME + b"\x00"
_NO_USES, _TOKEN_PROGRAM_ORIGINAL = _NOTHING, b"\x00"


class UnsoundMetadata(ValueError):
    """The programs would refuse this; the message names the field."""


def keccak(data: bytes) -> bytes:
    """Return the Keccak-256 of some bytes, 32 bytes."""
    digest: bytes = sha3.keccak_256(data).digest()
    return digest


@dataclass(frozen=True)
class Creator:
    """Who made the asset, and how many hundredths of its royalties are theirs.

    One that is verified has to sign the mint.
    """

    address: Pubkey
    is_verified: bool = False
    share: int = ALL_SHARES

    @property
    def borsh(self) -> bytes:
        """Its bytes in metadata, which are those that are hashed, too."""
        return bytes(self.address) + bytes([self.is_verified, self.share])


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """The arguments of a mint. ``fee`` is in hundredths of a per cent.

    ``collection_is_verified`` is V1's: what is minted to a collection is hashed as verified.
    """

    name: str
    uri: str
    symbol: str = ""
    fee: int = 0
    has_been_sold: bool = False
    is_mutable: bool = True
    creators: Sequence[Creator] = ()
    collection: Pubkey | None = None
    collection_is_verified: bool = False

    def __post_init__(self) -> None:
        for field, most in (
            ("name", LONGEST_NAME),
            ("symbol", LONGEST_SYMBOL),
            ("uri", LONGEST_URI),
        ):
            if len(getattr(self, field).encode()) > most:
                raise UnsoundMetadata(f"{field} has more than {most} bytes")
        if not 0 <= self.fee <= MOST_FEE:
            raise UnsoundMetadata(f"fee is not between 0 and {MOST_FEE}")
        shares = sum(creator.share for creator in self.creators)
        if len(self.creators) > MOST_CREATORS or (self.creators and shares != ALL_SHARES):
            raise UnsoundMetadata(f"creators are more than {MOST_CREATORS}, or share not 100")

    def borsh(self, version: Version) -> bytes:
        """Return its bytes as an instruction's arguments."""
        texts = b"".join(map(text, (self.name, self.symbol, self.uri)))
        flags = struct.pack("<H??", self.fee, self.has_been_sold, self.is_mutable)
        creators = struct.pack("<I", len(self.creators)) + self._creators
        if version is Version.V2:
            collection = option(None if self.collection is None else bytes(self.collection))
            return texts + flags + _NON_FUNGIBLE + creators + collection
        verified = bytes([self.collection_is_verified])
        collection = option(None if self.collection is None else verified + bytes(self.collection))
        no_edition = _NOTHING
        token = no_edition + _NON_FUNGIBLE + collection + _NO_USES + _TOKEN_PROGRAM_ORIGINAL
        return texts + flags + token + creators

    def data_hash(self, version: Version) -> bytes:
        """Return the hash of all of it, the royalties once more beside."""
        return keccak(keccak(self.borsh(version)) + struct.pack("<H", self.fee))

    @property
    def creator_hash(self) -> bytes:
        """The hash of its creators."""
        return keccak(self._creators)

    @property
    def _creators(self) -> bytes:
        return b"".join(creator.borsh for creator in self.creators)


def text(value: str) -> bytes:
    """Return a text with its length before it."""
    encoded = value.encode()
    return struct.pack("<I", len(encoded)) + encoded


def option(value: bytes | None) -> bytes:
    """Return a value that may be missing."""
    return _NOTHING if value is None else _SOME + value
