"""Every way in which a key could show, and everything that an error shows."""

import base64
import json
import traceback
from collections.abc import Iterator

import base58
from solders.keypair import Keypair

#: Shorter pieces of a key say next to nothing, and are found in texts by chance.
PIECE = 12


def secret_texts(keypair: Keypair) -> set[str]:
    """Return the texts in which the secret half of a keypair is commonly written."""
    both = bytes(keypair)
    found = _written(both[:32])
    # The second half is the public key, which may show.
    return found | {form[: len(form) // 2] for form in _written(both)}


def _written(raw: bytes) -> set[str]:
    numbers = list(raw)
    return {
        base58.b58encode(raw).decode(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        raw.hex(),
        raw.hex().upper(),
        json.dumps(numbers)[1:-1],
        json.dumps(numbers, separators=(",", ":"))[1:-1],
        repr(raw)[2:-1],
        raw.decode("latin-1"),
    }


def leaked(text: str, keypair: Keypair) -> set[str]:
    """Return the pieces of a secret, wherever in it they stand, that are in a text."""
    pieces = {
        form[start : start + PIECE]
        for form in secret_texts(keypair)
        for start in range(len(form) - PIECE + 1)
    }
    return {piece for piece in pieces if piece in text}


def told(error: BaseException) -> str:
    """Return all that an error and those that led to it say, as any tool might print them."""
    parts = traceback.format_exception(error)
    for one in _chain(error):
        parts += [str(one), repr(one), repr(one.args), repr(vars(one))]
    return "\n".join(parts)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
