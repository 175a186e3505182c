"""What a brand signs about a batch: how many units it has, and the root over them. Pure.

The signature is Ed25519 (RFC 8032) over the statement as JSON in its canonical form (RFC 8785).
All values are short texts of ASCII or small numbers, for which that form is: names in order, no
spaces. Each brand has a key of its own, derived from one secret (HKDF, RFC 5869), so that a new
brand needs no new secret and no brand can sign for another.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: The first words keep a signature from ever meaning anything else.
TYPE = "tieback batch root"
VERSION = 1
ALGORITHM = "Ed25519"
_PURPOSE = b"tieback batch root key 1\n"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What is signed. Ids are in their usual text form, hashes 64 hexadecimal digits.

    ``signed_at`` is RFC 3339 in UTC. ``size`` is how many units the batch has: all of them.
    """

    brand_id: str
    batch_id: str
    product_id: str
    passport_sha256: str
    size: int
    root: str
    signed_at: str
    type: str = TYPE
    version: int = VERSION

    @property
    def moment(self) -> datetime:
        """When it was signed."""
        return datetime.fromisoformat(self.signed_at)

    @property
    def signed(self) -> bytes:
        """The bytes that are signed."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True).encode("ascii")


def key_of_brand(secret: str, brand_id: UUID) -> Ed25519PrivateKey:
    """Return a brand's private key, from a secret of 64 hexadecimal digits."""
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE + brand_id.bytes)
    return Ed25519PrivateKey.from_private_bytes(derive.derive(bytes.fromhex(secret)))


def sign(statement: Statement, key: Ed25519PrivateKey) -> tuple[str, str]:
    """Return the public key and the signature, 64 and 128 hexadecimal digits."""
    return key.public_key().public_bytes_raw().hex(), key.sign(statement.signed).hex()


def is_signed(statement: Statement, public_key: str, signature: str) -> bool:
    """Tell whether the owner of a public key signed exactly this."""
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
    try:
        key.verify(bytes.fromhex(signature), statement.signed)
    except InvalidSignature:
        return False
    return True
