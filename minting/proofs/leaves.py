"""What a unit's leaf says, and the salts that keep it from being guessed. Pure.

A leaf is 0x01, the version; the product's id, 16 bytes; the SHA-256 of the passport's version, 32
bytes; the unit's salt, 16 bytes; and the text of its code in UTF-8. All but the last have one
length, so two different leaves never have the same bytes.

A salt is what AES-256 makes of the unit's ordinal under a key of its batch. It is given out with
that unit's proof alone: who has the root, or the proofs of other units, cannot find out by trying
whether some code is one of the batch.
"""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

VERSION = 1
SALT_BYTES = 16
SALT_KEY_BYTES = 32
_BLOCK_BYTES = 16
_LEAF = b"\x00"


def leaf_data(*, product_id: UUID, passport_sha256: bytes, salt: bytes, uri: str) -> bytes:
    """Return the bytes of one unit's leaf."""
    return _shared(product_id, passport_sha256) + salt + uri.encode()


def leaf_hashes(
    *, product_id: UUID, passport_sha256: bytes, salts: bytes, uris: Sequence[bytes]
) -> list[bytes]:
    """Return the hashes of the leaves of units in a row, with ``salts_of`` them."""
    shared = _LEAF + _shared(product_id, passport_sha256)
    starts = range(0, len(salts), SALT_BYTES)
    return [
        sha256(b"%b%b%b" % (shared, salts[start : start + SALT_BYTES], uri)).digest()
        for start, uri in zip(starts, uris, strict=True)
    ]


def salts_of(key: bytes, first: int, count: int) -> bytes:
    """Return the salts of ``count`` units from the ordinal ``first`` on, 16 bytes each."""
    # The key stream of counter mode is the cipher's answer to one number after the other.
    counter = CTR(first.to_bytes(_BLOCK_BYTES, "big"))
    return Cipher(AES(key), counter).encryptor().update(bytes(SALT_BYTES * count))


def _shared(product_id: UUID, passport_sha256: bytes) -> bytes:
    return bytes([VERSION]) + product_id.bytes + passport_sha256
