"""The passport pages of a unit, and of a product, lot or batch: what anyone may read.

Rendered on the server without script, cookie or session. The role of this plane may read only the
columns named here.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from minting.models import MintBatch, MintUnit
from minting.states import UnitStatus
from resolver import pages
from resolver.database import Unavailable
from resolver.digital_link import Code, GroupLink, MalformedCode, NotACode, is_token, parse
from resolver.facts import public_facts
from resolver.finding import PARAMETER, Finding, read
from resolver.hosts import brand_of
from resolver.lookup import FoundGroup, find_group
from resolver.misses import seconds_to_wait
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
_COLUMNS_OF_BATCH = {
    "gtin": "gtin",
    "product": "product__name",
    "brand": "brand__name",
    "category": "passport_version__category",
    "dpp": "passport_version__dpp",
}


class PassportView(View):
    """``/p/{token}``."""

    http_method_names = ("get", "head")

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show the unit as it stands now, whether in use or withdrawn."""
        finding = read(token, request.GET.get(PARAMETER, ""))
        return _shown(request, "resolver/unit.html", lambda brand: _unit(brand, token, finding))


class GroupView(View):
    """``/p/01/{gtin}[/10/{lot}]``, ``/p/mb/{id}``, ``/p/ml/{id}``."""

    http_method_names = ("get", "head")

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Show what the newest batch printed with the code was minted with; nothing of a unit."""
        return _shown(request, "resolver/group.html", lambda brand: _group(brand, f"/{code}"))


def _shown(
    request: HttpRequest, template: str, item_of: Callable[[UUID], dict[str, Any] | None]
) -> HttpResponse:
    """Render what is read of the brand whose host was asked, or say why there is nothing."""
    try:
        brand = brand_of(request.META.get("HTTP_HOST", ""))
        context = item_of(brand) if brand else None
    except (Unavailable, OperationalError, InterfaceError) as error:
        log.warning("passport_unavailable", error=type(error).__name__)
        later = {"Retry-After": pages.RETRY_AFTER_SECONDS}
        return _uncached(HttpResponse(pages.UNAVAILABLE, status=503, headers=later))
    if context is None:
        return _uncached(_missed(request))
    return _uncached(render(request, template, context))


def _missed(request: HttpRequest) -> HttpResponse:
    """Count a page that is not there like a code that is not: both are guessed alike."""
    if seconds := seconds_to_wait(request.META):
        later = {"Retry-After": str(seconds)}
        return HttpResponse(pages.TOO_MANY, status=429, headers=later)
    return HttpResponse(pages.UNKNOWN, status=404)


def _unit(brand: UUID, token: str, finding: Finding) -> dict[str, Any] | None:
    if not is_token(token):
        return None
    with all_brands():
        units = MintUnit.objects.filter(brand_id=brand, token=token)
        row = units.values_list(*_COLUMNS.values()).first()
    if row is None:
        return None
    unit = dict(zip(_COLUMNS, row, strict=True))
    return {
        "item": unit,
        "state": UnitStatus(unit["status"]).label,
        "serial": unit["serial"] or unit["token"],
        "facts": public_facts(unit["category"], unit["dpp"]),
        "finding": finding,
    }


def _group(brand: UUID, path: str) -> dict[str, Any] | None:
    try:
        code = parse(path)
    except (NotACode, MalformedCode):
        return None
    found = find_group(brand, code)
    if found is None:
        return None
    with all_brands():
        batches = MintBatch.objects.filter(id=found.batch_id)
        row = batches.values_list(*_COLUMNS_OF_BATCH.values()).get()
    item = dict(zip(_COLUMNS_OF_BATCH, row, strict=True))
    facts = public_facts(item["category"], item["dpp"])
    return {"item": {**item, "lot": found.lot}, "facts": facts, "what": _what(code, found)}


def _what(code: Code, found: FoundGroup) -> str:
    if found.lot:
        return "lot"
    return "batch" if isinstance(code, GroupLink) else "product"


def _uncached(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    # The redirect of a code allows it too: the passport is for everybody.
    response["Access-Control-Allow-Origin"] = "*"
    return response
