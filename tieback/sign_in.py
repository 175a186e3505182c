"""Under which name failed sign-ins are counted, so that a guesser cannot start over."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

LONGEST_COUNTED = 255


def counted_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the address that was tried in one form, whatever its case.

    People are found whatever the case of their address, so each spelling of it having a count
    of its own would multiply the guesses.
    """
    tried = (credentials or {}).get("username") or request.POST.get("username", "")
    return str(tried).strip().lower()[:LONGEST_COUNTED]
