"""Every request has an id: the caller's if it is well formed, else a new one. It is echoed."""

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def request_id_of(request: HttpRequest) -> str:
    """Return the id given to this request."""
    return str(request.META.get("HTTP_X_REQUEST_ID", ""))


class RequestIdMiddleware:
    """Settle the request's id before anything logs, and send it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        if not _WELL_FORMED.fullmatch(given):
            request.META["HTTP_X_REQUEST_ID"] = str(uuid.uuid4())
        response = self.get_response(request)
        response["X-Request-Id"] = request.META["HTTP_X_REQUEST_ID"]
        return response
