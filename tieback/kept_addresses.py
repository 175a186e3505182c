"""Addresses that callers of the earlier service know, answered as what they are called here.

They are answered with and without the slash that ends our own, and without a redirect, which many
callers do not follow when they POST.
"""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_ID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_COLLECTIONS = "/api/v1/collections/"
_WITHOUT_SLASH = re.compile(
    rf"/api/v1/(?:collections(?:/{_ID})?|mints/(?:(?:transaction|retry)/)?[^/]+"
    rf"|reconciliation/(?:run|reports(?:/{_ID})?))"
)
#: By method, since an alias is of one way of using an address.
_ALIASES = {
    ("POST", "/api/v1/collections/create"): _COLLECTIONS,
    ("POST", "/collections/create"): _COLLECTIONS,
}


def present_path(method: str, path: str) -> str:
    """Return the address that a path is called by here, itself where it is no other's."""
    alias = _ALIASES.get((method, path.removesuffix("/")))
    if alias is not None:
        return alias
    return f"{path}/" if _WITHOUT_SLASH.fullmatch(path) else path


class KeptAddressesMiddleware:
    """Lets a request go on as one to the present address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer as the present address does."""
        path = present_path(request.method or "", request.path_info)
        if path != request.path_info:
            request.path_info = request.path = path
        return self.get_response(request)
