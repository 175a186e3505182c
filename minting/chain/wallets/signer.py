"""Whoever signs for an address: a key held in this process, or one that never leaves its keeper.

A signer shows its address and nothing else, and goes into no message between processes.
"""

from typing import NoReturn, Protocol

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from minting.chain.wallets.given import Hidden
from tieback.errors import PermanentError, TransientError


class KeyNotReachable(TransientError):
    """Who keeps a key does not answer, or has no time: a later attempt may be answered."""


class KeyRefused(PermanentError):
    """There is no such key, it may not be used, or it is of a kind that Solana does not know."""


class Signer(Protocol):
    """Signs for one address. Several threads may use it at once."""

    @property
    def address(self) -> Pubkey:
        """The public key that signatures are checked with."""

    def sign(self, message: bytes) -> Signature:
        """Return the Ed25519 signature of a message, 64 bytes (RFC 8032).

        A keeper elsewhere is asked over the network, within seconds. Raises ``KeyNotReachable``
        and ``KeyRefused``.
        """


class HeldKey:
    """A keypair in the memory of this process."""

    __slots__ = ("_keypair", "address")

    def __init__(self, keypair: Hidden) -> None:
        self._keypair = Keypair.from_bytes(keypair.reveal())
        self.address = self._keypair.pubkey()

    def sign(self, message: bytes) -> Signature:
        """Return the signature of a message."""
        return self._keypair.sign_message(message)

    def __repr__(self) -> str:
        return shown(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not to be copied or sent")


def shown(signer: Signer) -> str:
    """Return what may be known of a signer."""
    return f"<{type(signer).__name__} {signer.address}>"


def checked_signature(signer: Signer, message: bytes, raw: bytes) -> Signature:
    """Return what a keeper answered, once it is this address's signature of the message.

    Raises ``KeyRefused``: a keeper that signs with another key would cost a transaction each time.
    """
    is_signature = len(raw) == Signature.LENGTH and Signature(raw).verify(signer.address, message)
    if not is_signature:
        raise KeyRefused(f"the keeper of {signer.address} answered no signature of this address")
    return Signature(raw)
