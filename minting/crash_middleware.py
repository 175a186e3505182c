"""The place between a web request's commit and its answer, for fault injection.

The middleware is installed only where ``TIEBACK_CRASH_POINT`` arms something, and never in
production; the places of workers stand in ``minting/crashpoints.py``.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from minting.crashpoints import reach

COMMITTED = "web.committed"
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class CommittedMiddleware:
    """Reach the place once a request that changes something has done so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, unless the process ends here."""
        response = self.get_response(request)
        if request.method in _UNSAFE and response.status_code < HTTPStatus.BAD_REQUEST:
            reach(COMMITTED)
        return response
