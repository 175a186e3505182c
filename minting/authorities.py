"""Whom to trust when a request leaves by HTTPS."""

import ssl
from functools import cache

import httpx2


@cache
def trusted_by(client: str) -> ssl.SSLContext:
    """Return the authorities to trust, read once for a process and each kind of client.

    Reading all of them takes 25 ms of the processor, longer than a request does. A context also
    carries the protocols that its client offers (RFC 7301), so clients that differ share none.
    """
    return httpx2.create_ssl_context()
