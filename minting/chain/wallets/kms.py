"""A key that never leaves AWS KMS, which signs each message.

Source: the API of KMS, ``GetPublicKey`` and ``Sign``. The key's spec is ECC_NIST_EDWARDS25519, its
use SIGN_VERIFY. ED25519_SHA_512 with the message RAW is Ed25519 as Solana has it (RFC 8032);
ED25519_PH_SHA_512 hashes first and is another signature.
"""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from solders.pubkey import Pubkey
from solders.signature import Signature

from minting.chain.wallets.aws import asking, aws_client
from minting.chain.wallets.signer import KeyRefused, Signer, checked_signature, shown

SERVICE = "kms"
KEY_SPEC, KEY_USAGE, ALGORITHM = "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "ED25519_SHA_512"


class KmsKey:
    """A key by its id, ARN or ``alias/`` name, and its address."""

    def __init__(self, client: Any, name: str, address: Pubkey) -> None:
        self._client, self._name = client, name
        self.address = address

    def sign(self, message: bytes) -> Signature:
        """Return the signature of a message of at most 4,096 bytes."""
        with asking(SERVICE):
            answer = self._client.sign(
                KeyId=self._name, Message=message, MessageType="RAW", SigningAlgorithm=ALGORITHM
            )
        return checked_signature(self, message, answer["Signature"])

    def __repr__(self) -> str:
        return shown(self)


def kms_signer(name: str) -> Signer:
    """Return the signer of a key in KMS. Raises ``KeyNotReachable`` and ``KeyRefused``."""
    client = aws_client(SERVICE)
    with asking(SERVICE):
        answer = client.get_public_key(KeyId=name)
    kind = (answer.get("KeySpec"), answer.get("KeyUsage"))
    if kind != (KEY_SPEC, KEY_USAGE):
        raise KeyRefused(
            f"the key of SOLANA_KEY_NAME is {kind[0]} for {kind[1]}: Solana needs {KEY_SPEC} for"
            f" {KEY_USAGE}"
        )
    return KmsKey(client, name, _address_of(answer["PublicKey"]))


def _address_of(der: bytes) -> Pubkey:
    """Return the address of a public key in SubjectPublicKeyInfo (RFC 8410)."""
    try:
        key = load_der_public_key(der)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyRefused("AWS kms answered a public key that is not of Ed25519")
    return Pubkey(key.public_bytes_raw())
