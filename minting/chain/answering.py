"""Whether any endpoint of the chain answers: for readiness, which asks for no more than that."""

from collections.abc import Sequence

import httpx2

_ASKED = {"jsonrpc": "2.0", "id": 1, "method": "getHealth"}


def any_answers(urls: Sequence[str], *, timeout: float) -> bool:
    """Tell whether an endpoint says that it keeps up; all of them together take ``timeout`` s."""
    with httpx2.Client(timeout=timeout / max(1, len(urls))) as client:
        return any(_answers(client, url) for url in urls)


def _answers(client: httpx2.Client, url: str) -> bool:
    try:
        told = client.post(url, json=_ASKED).json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
        return False
    return isinstance(told, dict) and told.get("result") == "ok"
