"""Every URL of the web plane, read from its URLconf, so that no test can forget one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tieback.api.views import BrandAPIView

URLCONF = "tieback.urls.web"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    """One URL: its name, its path with ``<converter:argument>`` in it, and its view."""

    name: str
    pattern: str
    view: type[Any]

    def __str__(self) -> str:
        return self.name

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the names of the path's arguments."""
        return tuple(_ARGUMENT.findall(self.pattern))

    @property
    def is_of_a_brand(self) -> bool:
        """Say whether the view acts inside a brand."""
        return issubclass(self.view, BrandAPIView)

    def path(self, **values: object) -> str:
        """Return the path with its arguments filled in."""
        return "/" + _ARGUMENT.sub(lambda found: str(values[found[1]]), self.pattern)


def routes() -> list[Route]:
    """Return every route of the web plane."""
    return list(_walk(get_resolver(URLCONF), ""))


def brand_routes() -> list[Route]:
    """Return the routes that act inside a brand."""
    return [route for route in routes() if route.is_of_a_brand]


def _walk(resolver: URLResolver, prefix: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, path)
        else:
            yield Route(entry.name or path, path, _view_of(entry))


def _view_of(entry: URLPattern) -> type[Any]:
    view = getattr(entry.callback, "cls", None) or getattr(entry.callback, "view_class", None)
    assert isinstance(view, type), f"{entry.name}: only class-based views can be walked"
    return view
