"""Who may own a leaf. Pure.

Any address, on the curve or not: wallets of several signers and of programs are addresses that
have no key of their own, and they own assets as well. Refused is what nobody can ever act for: the
address of all zeros, which is the System program's.
"""

import base58

_KEY_BYTES = 32
_NOBODY = bytes(_KEY_BYTES)


def is_address(text: str) -> bool:
    """Tell whether a text is an address that may own a leaf: base58 of 32 bytes, not all zero."""
    try:
        key = base58.b58decode(text)
    except ValueError:
        return False
    # Leading and trailing space would be decoded as well.
    return len(key) == _KEY_BYTES and key != _NOBODY and base58.b58encode(key).decode() == text
