"""The passport page of one unit: what anyone who scans its code may read.

Rendered on the server without script, cookie or session. The role of this plane may read only the
columns named here.
"""

from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from minting.models import MintUnit
from minting.states import UnitStatus
from resolver import pages
from resolver.database import Unavailable
from resolver.digital_link import is_token
from resolver.facts import public_facts
from resolver.hosts import brand_of
from tieback.brands.scoping import all_brands

log = structlog.get_logger(__name__)

_COLUMNS = {
    "token": "token",
    "serial": "serial",
    "status": "status",
    "activated_at": "activated_at",
    "revoked_at": "revoked_at",
    "lot": "lot__lot_code",
    "gtin": "batch__gtin",
    "product": "batch__product__name",
    "brand": "batch__brand__name",
    "category": "batch__passport_version__category",
    "dpp": "batch__passport_version__dpp",
}


class PassportView(View):
    """``/p/{token}``."""

    http_method_names = ("get", "head")

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show the unit as it stands now, whether in use or withdrawn."""
        try:
            brand = brand_of(request.META.get("HTTP_HOST", ""))
            unit = _read(brand, token) if brand and is_token(token) else None
        except (Unavailable, OperationalError, InterfaceError) as error:
            log.warning("passport_unavailable", error=type(error).__name__)
            later = {"Retry-After": pages.RETRY_AFTER_SECONDS}
            return _uncached(HttpResponse(pages.UNAVAILABLE, status=503, headers=later))
        if unit is None:
            return _uncached(HttpResponse(pages.UNKNOWN, status=404))
        return _uncached(render(request, "resolver/passport.html", _context(unit)))


def _read(brand: UUID, token: str) -> dict[str, Any] | None:
    with all_brands():
        units = MintUnit.objects.filter(brand_id=brand, token=token)
        rows = units.values_list(*_COLUMNS.values())
        return next((dict(zip(_COLUMNS, row, strict=True)) for row in rows), None)


def _context(unit: dict[str, Any]) -> dict[str, Any]:
    return {
        "unit": unit,
        "state": UnitStatus(unit["status"]).label,
        "serial": unit["serial"] or unit["token"],
        "facts": public_facts(unit["category"], unit["dpp"]),
    }


def _uncached(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    # The redirect of a code allows it too: the passport is for everybody.
    response["Access-Control-Allow-Origin"] = "*"
    return response
