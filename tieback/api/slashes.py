"""Addresses that an earlier service's callers know with and without the slash at their end."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern
from django.urls.resolvers import RoutePattern


class _EitherWay(RoutePattern):
    """A route that ends with a slash, and is found without it."""

    def match(self, path: str) -> Any:
        """Return how the path matches, None where it does not."""
        return super().match(path) or super().match(f"{path}/")


def path_either_way(route: str, view: Callable[..., Any], *, name: str) -> URLPattern:
    """Return a URL that answers with and without its last slash; neither leads to the other."""
    return URLPattern(_EitherWay(route, name=name, is_endpoint=True), view, name=name)
