"""Addresses of endpoints, and what of them may be shown. Pure.

Providers put their keys into path, query, user or password, so an address is a secret: logs,
errors, metrics and pages have ``shown`` of it and nothing else.
"""

import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_SCHEMES = frozenset({"http", "https"})
_HIDDEN = "…"
#: A part of an address that is shorter is a word such as ``v2``, and no key.
_SHORTEST_KEY = 6
_SOMETHING_LIKE_AN_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Tell whether an endpoint can be asked there: an http or https address with a host."""
    found = _split(text)
    return bool(found and found.scheme in _SCHEMES and found.hostname and not found.fragment)


def shown(address: str) -> str:
    """Return scheme and host, and no more."""
    found = _split(address)
    return f"{found.scheme}://{found.hostname}" if found and found.hostname else _HIDDEN


def host_of(address: str) -> str:
    """Return the host, which names an endpoint that nobody has named."""
    found = _split(address)
    return (found.hostname if found else None) or "endpoint"


def without_secrets(text: str, address: str) -> str:
    """Return what an endpoint says without its address and without any part of it that is a key."""
    hidden = _SOMETHING_LIKE_AN_ADDRESS.sub(_HIDDEN, text)
    for part in sorted(_parts(address), key=len, reverse=True):
        hidden = hidden.replace(part, _HIDDEN)
    return hidden


def _parts(address: str) -> set[str]:
    found = _split(address)
    if found is None:
        return set()
    values = [value for _, value in parse_qsl(found.query)]
    given = [*found.path.split("/"), *values, found.username or "", found.password or ""]
    return {one for part in given for one in (part, unquote(part)) if len(one) >= _SHORTEST_KEY}


def _split(address: str) -> SplitResult | None:
    """Return the parts of an address, or None where it is none."""
    if any(letter.isspace() for letter in address):
        return None
    try:
        found = urlsplit(address)
        _ = found.port
    except ValueError:
        return None
    return found
