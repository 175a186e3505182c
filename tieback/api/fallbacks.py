"""Answers given outside any view: unknown paths, broken requests, failed sign-ins."""

import sys
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tieback.api.envelope import error_response, unavailable
from tieback.broken_lines import line_broke
from tieback.errors import Unavailable

_WORDS = {
    400: "The request could not be understood.",
    403: "This is not allowed.",
    404: "There is nothing at this address.",
    405: "The method is not offered here.",
    429: "Too many attempts; try again later.",
    500: "Something went wrong on our side.",
    503: "The service is not available just now; try again in a moment.",
}
_MACHINES = ("/api/", "/internal/", "/health", "/metrics")
_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


def _answer(
    request: HttpRequest, status: int, message: str | None = None, *, back: str = ""
) -> HttpResponse:
    words = message or _WORDS[status]
    if request.path.startswith(_MACHINES):
        return error_response(request, status, words)
    context = {"status": status, "message": words, "back": back}
    response = render(request, "error.html", context, status=status)
    # A proxy may keep a 404 that does not say so (RFC 9110, section 15.5.5).
    response["Cache-Control"] = "no-store"
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request Django refused to read."""
    return _answer(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a refused request."""
    return _answer(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer an unknown path."""
    words = None if request.path.endswith("/") else "There is nothing here: paths end with a slash."
    return _answer(request, 404, words)


def no_such_address(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer an unknown path of the resolver, whose paths end without a slash."""
    return _answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer after an exception nobody caught; one that will pass says when to come back."""
    if not line_broke(sys.exception()):
        return _answer(request, 500)
    if request.path.startswith(_MACHINES):
        return unavailable(request)
    response = _answer(request, 503)
    response["Retry-After"] = str(Unavailable.retry_after)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer an unsafe request without its CSRF token."""
    return _answer(request, 403, "The form has expired; go back, reload the page and try again.")


def locked_out(
    request: HttpRequest, original_response: HttpResponse | None = None, credentials: object = None
) -> HttpResponse:
    """Answer a sign-in that was tried too often: say for how long, and lead back to the form."""
    cool_off = settings.AXES_COOLOFF_TIME
    words = f"Too many attempts; try again in {cool_off // timedelta(minutes=1)} minutes."
    response = _answer(request, 429, words, back=request.get_full_path())
    response["Retry-After"] = str(int(cool_off.total_seconds()))
    return response


class KnownMethodsMiddleware:
    """Refuse a method HTTP does not know before it becomes the label of a metric.

    Labels are kept for as long as the process lives, so a stranger must not be able to make them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 405, or let the request pass."""
        if request.method in _METHODS:
            return self.get_response(request)
        response = _answer(request, 405)
        response["Allow"] = ", ".join(_METHODS)
        return response
