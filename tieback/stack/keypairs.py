"""The keypair of the payer on the dev chain: made by the stack, worth nothing anywhere else."""

import base58
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SEED_BYTES = 32


def make_keypair() -> str:
    """Return a new keypair in base58: 32 bytes of seed, then the public key (RFC 8032)."""
    key = Ed25519PrivateKey.generate()
    both = key.private_bytes_raw() + key.public_key().public_bytes_raw()
    return base58.b58encode(both).decode()


def address_of(keypair: str) -> str:
    """Return the address of a keypair in base58."""
    return base58.b58encode(base58.b58decode(keypair)[_SEED_BYTES:]).decode()
