"""JSON in one form only, so that it can be hashed and signed: RFC 8785. Pure."""

from typing import Any

import rfc8785

# JSON that is hashed knows no whole number beyond these (RFC 8785, section 3.2.2.3).
_LARGEST_INTEGER = 2**53 - 1


def canonical(value: Any) -> bytes:
    """Return a value's canonical JSON, UTF-8.

    Larger whole numbers are written as every reader of JSON in doubles reads them.
    """
    return rfc8785.dumps(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, int) and not -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER:
        return float(value)
    return value
