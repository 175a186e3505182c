"""Test scans by staff: a link to a code that shows its page, activates nothing and is not counted.

The web plane signs a link with a private key that no other plane has; the resolver knows the public
key only, so nobody who breaks into it can make one. Pure, save for the clock. A link names one unit
and ends soon. Until then it may be opened as often as one likes: it does nothing. Source: RFC 8032
(Ed25519).
"""

import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

#: The query parameter of a code that makes its scan a test.
PARAMETER = "testscan"
#: How long a link lives: to walk from the desk to the label, and not until it reaches a shop.
LASTS_SECONDS = 900

# When it ends, in seconds since 1970, and the signature in base64url.
_TEXT = re.compile(r"([0-9]{10,12})\.([A-Za-z0-9_-]{86})")


class LinkRefused(Exception):
    """A link that makes no test scan; the message says to staff why not."""


def sign(token: str, private_key: str, *, ends: int) -> str:
    """Return the parameter's text for a unit, by a key of 64 hexadecimal digits (RFC 8032's seed).

    ``ends`` is in seconds since 1970.
    """
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private_key))
    signature = urlsafe_b64encode(key.sign(_signed(token, str(ends)))).decode()
    return f"{ends}.{signature.rstrip('=')}"


def check(token: str, text: str, public_keys: Iterable[str]) -> None:
    """Raise ``LinkRefused`` unless one of the keys signed the text for this unit, and it lives.

    Keys are 64 hexadecimal digits; several may be in force while one is changed.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise LinkRefused("This test link is not complete.")
    ends, signature = found[1], urlsafe_b64decode(found[2] + "==")
    if not any(_is_by(key, signature, _signed(token, ends)) for key in public_keys):
        raise LinkRefused("This test link was not made for this item here, or it was changed.")
    if int(ends) < time.time():
        raise LinkRefused("This test link has ended.")


def public_key_of(private_key: str) -> str:
    """Return the public key that belongs to a private one, both as 64 hexadecimal digits."""
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private_key))
    return key.public_key().public_bytes_raw().hex()


def _signed(token: str, ends: str) -> bytes:
    # The first words keep a signature from ever meaning anything else.
    return f"tieback test scan 1\n{token}\n{ends}".encode()


def _is_by(public_key: str, signature: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(signature, signed)
    except InvalidSignature:
        return False
    return True
