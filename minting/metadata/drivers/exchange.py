"""One request to a place for documents, and its answer or one of our errors.

Addresses may hold a password and headers hold keys, so neither reaches an error: the exceptions of
the client, which name them, are left behind.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx2

from minting.authorities import trusted_by
from minting.metadata.cid import LARGEST_BYTES
from minting.metadata.drivers.interface import ToldToWait
from tieback.errors import Missing, PermanentError, TransientError

#: Seconds to connect, and between any two pieces of what is sent and heard.
TIMEOUT = httpx2.Timeout(20.0, connect=5.0)
#: Answers are a few lines, or a block.
LONGEST_ANSWER = LARGEST_BYTES
#: Seconds to wait for a place that does not say how long, and the most that is believed.
DEFAULT_WAIT, LONGEST_WAIT = 30.0, 3600.0

_LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY)
_NO_ACCESS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a place has answered, heard to its end."""

    place: str
    status: int
    content: bytes

    def json(self) -> dict[str, Any]:
        """Return the JSON object that was answered.

        Raises ``TransientError`` where it is none: something in between may have answered.
        """
        try:
            told = json.loads(self.content)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise TransientError(f"{self.place} answered {self.status} with no JSON object")
        return told


def ask(
    place: str, method: str, url: str, *, accepted: tuple[int, ...] = (), **sent: Any
) -> Answer:
    """Send one request and return its answer; ``accepted`` names statuses beside 200 to 299.

    Redirects are not followed: keys are for the place that they were made for. Raises ``Missing``
    on 404, ``ToldToWait`` on 429, ``TransientError`` and ``PermanentError``.
    """
    try:
        with (
            httpx2.Client(timeout=TIMEOUT, verify=trusted_by("metadata")) as client,
            client.stream(method, url, **sent) as response,
        ):
            content = _heard(place, response)
            status, after = response.status_code, response.headers.get("Retry-After", "")
    except httpx2.InvalidURL:
        raise PermanentError(f"the address of {place} is none: see the settings") from None
    except httpx2.HTTPError as error:
        raise TransientError(f"{place} did not answer: {type(error).__name__}") from None
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or status in accepted:
        return Answer(place, status, content)
    raise _refusal(place, status, after)


def _heard(place: str, response: httpx2.Response) -> bytes:
    pieces, length = [], 0
    for piece in response.iter_bytes():
        length += len(piece)
        if length > LONGEST_ANSWER:
            raise PermanentError(f"{place} answered more than {LONGEST_ANSWER:,} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _refusal(place: str, status: int, after: str) -> TransientError | PermanentError:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = _seconds(after)
        return ToldToWait(f"{place} takes no more requests for {seconds:.0f} s (429)", seconds)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
        return TransientError(f"{place} answered {status}")
    if status == HTTPStatus.NOT_FOUND:
        return Missing(f"{place} answered 404")
    if status in _NO_ACCESS:
        return PermanentError(f"{place} refused our key ({status}): see the settings")
    return PermanentError(f"{place} refused the request ({status})")


def _seconds(after: str) -> float:
    """Read ``Retry-After``, seconds or a date (RFC 9110, section 10.2.3)."""
    try:
        wait = float(after) if after.strip().isdigit() else _until(after)
    except (ValueError, TypeError):
        return DEFAULT_WAIT
    return min(max(wait, 0.0), LONGEST_WAIT)


def _until(date: str) -> float:
    moment = parsedate_to_datetime(date)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds()
