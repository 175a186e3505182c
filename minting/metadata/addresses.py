"""Where a pinned document is found: by its content, at a gateway, and by a short address. Pure."""

import base64
import re
from collections.abc import Iterator

from minting.metadata.cid import sha256_of

#: Beside the host, `https://` and `/m/`: 8 characters leave a host 15 of 34.
SHORTEST_ID = 8
LONGEST_ID = 43
_STEP = 4
_ID = re.compile(rf"[A-Za-z0-9_-]{{{SHORTEST_ID},{LONGEST_ID}}}")


def short_ids(cid: str) -> Iterator[str]:
    """Yield what may name a document on its brand's host, the shortest first.

    Each is the beginning of the hash in the CID, in base64url (RFC 4648, section 5).
    """
    whole = base64.urlsafe_b64encode(sha256_of(cid)).decode("ascii").rstrip("=")
    for length in (*range(SHORTEST_ID, LONGEST_ID, _STEP), LONGEST_ID):
        yield whole[:length]


def is_short_id(text: str) -> bool:
    """Tell whether a text may name a document."""
    return _ID.fullmatch(text) is not None


def short_uri(base: str, short_id: str) -> str:
    """Return the address for a blockchain; ``base`` is scheme and host of the brand's resolver."""
    return f"{base}/m/{short_id}"


def ipfs_uri(cid: str) -> str:
    """Return the address that needs no host."""
    return f"ipfs://{cid}"


def gateway_url(gateway: str, cid: str) -> str:
    """Return where a gateway serves the bytes; ``gateway`` may end with ``/ipfs``, or a slash."""
    return f"{gateway.rstrip('/').removesuffix('/ipfs')}/ipfs/{cid}"
