"""Tokens and resolver URLs: what is printed, made once and never recomputed. Pure.

A token is 20 characters of a 32-letter alphabet without look-alikes: it fits GS1 AI 21 (1 to 20
characters) and a QR code's alphanumeric mode. Five random characters are shared by a cycle, so
that its rows land beside each other in the index; fifteen more (75 bits) belong to the unit alone.
Even within a known cycle of 20,000 units a guess hits one with a chance of 2**-60. Neither time
nor volume can be read from a token.
"""

import secrets
from urllib.parse import quote

ALPHABET = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
PREFIX_LENGTH = 5
TAIL_LENGTH = 15
TOKEN_LENGTH = PREFIX_LENGTH + TAIL_LENGTH

# 256 is a multiple of 32, so each letter is equally likely.
_LETTERS = bytes(ALPHABET[byte & 31] for byte in range(256))


def _random_text(length: int) -> str:
    return secrets.token_bytes(length).translate(_LETTERS).decode("ascii")


def generate_tokens(count: int) -> list[str]:
    """Return ``count`` distinct tokens in ascending order, with one random prefix.

    The database's unique constraint is what guarantees uniqueness; a duplicate within the cycle,
    at odds of about 2**-47, is replaced here so that it does not cost an attempt.
    """
    prefix = _random_text(PREFIX_LENGTH)
    tails = _random_text(TAIL_LENGTH * count)
    step = TAIL_LENGTH
    tokens = [prefix + tails[at : at + step] for at in range(0, step * count, step)]
    tokens.sort()
    if len(set(tokens)) != count:
        return generate_tokens(count)
    return tokens


def resolver_url(
    *,
    base: str,
    gtin: str | None,
    token: str,
    serial: str | None = None,
    lot: str | None = None,
) -> str:
    """Return the text of a unit's code: a GS1 Digital Link URI, or ``/mu/`` without a GTIN.

    Under a GTIN the unit is named by its stored serial, else by its token; without one only the
    token tells it from every other brand's. Rule 1 of ``MintBatch.url_rule``; source: GS1 Digital
    Link Standard: URI Syntax, path order 01, 10, 21.
    """
    if gtin is None:
        return f"{base}/mu/{token}"
    lot_path = f"/10/{quote(lot, safe='')}" if lot else ""
    return f"{base}/01/{gtin}{lot_path}/21/{quote(serial or token, safe='')}"
