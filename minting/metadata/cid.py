"""Content identifiers of single raw blocks: CIDv1, raw, SHA-256, in base32. Pure.

Such an identifier is the SHA-256 of the bytes and nothing else, so anybody can check it by hand.
Source: multiformats' CID specification, its tables of codecs and bases, RFC 4648 section 6.
"""

import base64
import binascii
import hashlib
import re

#: What Kubo puts into one leaf of a file unless told otherwise; longer files get another CID.
LARGEST_BYTES = 256 * 1024

#: Version 1, codec raw, hash sha2-256, of 32 bytes.
_PREFIX = bytes((0x01, 0x55, 0x12, 0x20))
_BASE32 = "b"
_FORM = re.compile(r"b[a-z2-7]{58}")


class NotACid(ValueError):
    """A text names no single raw block by its SHA-256."""


def cid_of(content: bytes) -> str:
    """Return the CID of a block, 59 characters."""
    digits = base64.b32encode(_PREFIX + hashlib.sha256(content).digest()).decode("ascii")
    return _BASE32 + digits.rstrip("=").lower()


def sha256_of(cid: str) -> bytes:
    """Return the 32 bytes of SHA-256 in a CID. Raises ``NotACid``."""
    if not _FORM.fullmatch(cid):
        raise NotACid("not a CIDv1 in base32")
    digits = cid[1:].upper()
    try:
        content = base64.b32decode(digits + "=" * (-len(digits) % 8))
    except binascii.Error as error:
        raise NotACid("not base32") from error
    if content[:4] != _PREFIX:
        raise NotACid("not a raw block named by its SHA-256")
    digest = content[4:]
    # The last character has two bits to spare: only one way of writing them is the name.
    if base64.b32encode(content).decode("ascii").rstrip("=").lower() != cid[1:]:
        raise NotACid("not written as it should be")
    return digest


def is_cid_of(cid: str, content: bytes) -> bool:
    """Tell whether a CID is that of a block; what is no CID is none of it."""
    return cid == cid_of(content)
