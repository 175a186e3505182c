"""The passport of a unit, and of a product, lot or batch, as a page or for machines.

Pages are rendered on the server without script, cookie or session. Who asks for JSON or JSON-LD
gets that; a browser gets the page.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import override
from django.views import View

from minting.states import UnitStatus
from resolver import finding, languages, pages
from resolver.blocks import in_blocks
from resolver.database import Unavailable
from resolver.disclosure import Access, disclosed
from resolver.expiry import EXPIRY, expiry_of
from resolver.faces import NONE, Face, face_of, logo_of
from resolver.facts import facts_of
from resolver.hosts import brand_of
from resolver.items import Item, Unit, read_group, read_unit
from resolver.misses import seconds_to_wait
from resolver.representations import HTML, JSON, JSON_LD, as_json, as_json_ld, passport_of
from resolver.unlocking import GrantForSomethingElse, GrantRefused, access_of
from resolver.verdicts import UnitState, moment_of, verdicts
from tieback.api.envelope import error_body, error_response
from tieback.requests import request_id_of

log = structlog.get_logger(__name__)

#: A logo is named by its hash, so it never changes.
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_MACHINES = {JSON: as_json, JSON_LD: as_json_ld}
#: What a page's query says that its verdicts rest on.
_FOR_VERDICTS = (finding.PARAMETER, EXPIRY)
_WORDS = {
    HTTPStatus.NOT_FOUND: "No item has been issued under this code.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many codes that do not exist were asked for.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The item cannot be looked up right now.",
}


class PassportView(View):
    """``/p/{token}``."""

    http_method_names = ("get", "head")

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show the unit as it stands now, whether in use or withdrawn."""
        return _answer(request, lambda brand: read_unit(brand, token))


class GroupView(View):
    """``/p/01/{gtin}[/10/{lot}]``, ``/p/mb/{id}``, ``/p/ml/{id}``."""

    http_method_names = ("get", "head")

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Show what the newest batch printed with the code was minted with; nothing of a unit."""
        return _answer(request, lambda brand: read_group(brand, f"/{code}"))


class LogoView(View):
    """``/p/logo/{sha256}.png``."""

    http_method_names = ("get", "head")

    def get(self, request: HttpRequest, sha256: str) -> HttpResponse:
        """Give the logo of the brand whose host was asked."""
        try:
            brand = brand_of(request.META.get("HTTP_HOST", ""))
            image = logo_of(brand, sha256) if brand else None
        except Unavailable:
            return refused(request, HTTPStatus.SERVICE_UNAVAILABLE, pages.UNAVAILABLE)
        if image is None:
            return refused(request, HTTPStatus.NOT_FOUND, pages.unknown())
        return HttpResponse(image, content_type="image/png", headers={"Cache-Control": _FOR_EVER})


def _answer(request: HttpRequest, read: Callable[[UUID], Item | None]) -> HttpResponse:
    """Show what is read of the brand whose host was asked, or say why there is nothing."""
    face = NONE
    try:
        brand = brand_of(request.META.get("HTTP_HOST", ""))
        if brand is None:
            return refused(request, HTTPStatus.NOT_FOUND, pages.NO_SUCH_HOST)
        face = face_of(brand)
        item = read(brand)
        if item is None:
            return _missed(request, face)
        held = access_of(request.headers.get("Authorization", ""), brand, item)
    except (GrantRefused, GrantForSomethingElse) as error:
        return _locked(request, error)
    except (Unavailable, OperationalError, InterfaceError) as error:
        log.warning("passport_unavailable", error=type(error).__name__)
        return refused(request, HTTPStatus.SERVICE_UNAVAILABLE, pages.UNAVAILABLE, face)
    wanted = _wanted(request)
    if wanted == HTML:
        return _page(request, item, face, held)
    return _document(item, wanted, held)


def _wanted(request: HttpRequest) -> str:
    """Return the media type to answer with; whoever wants none of ours gets the page."""
    return request.get_preferred_type([HTML, JSON, JSON_LD]) or HTML


def _page(request: HttpRequest, item: Item, face: Face, held: Access) -> HttpResponse:
    language = _language(request, face)
    with override(language.tag):
        context = {
            "item": item,
            "face": face,
            "language": language,
            "languages": _links(request),
            "blocks": in_blocks(facts_of(disclosed(item.category, item.dpp, held))),
            **(_words_on(request, item, item.unit) if item.unit else {}),
        }
        template = "resolver/unit.html" if item.unit else "resolver/group.html"
        return _of_language(language.tag, render(request, template, context))


def _document(item: Item, media_type: str, held: Access) -> HttpResponse:
    """Answer a machine. A revoked unit is 410: gone from use, and its passport still told."""
    passport = passport_of(item, held)
    revoked = item.unit is not None and item.unit.status == UnitStatus.REVOKED
    return _for_everybody(
        JsonResponse(
            _FOR_MACHINES[media_type](passport),
            content_type=media_type,
            status=HTTPStatus.GONE if revoked else HTTPStatus.OK,
            json_dumps_params={"ensure_ascii": False},
        )
    )


def _words_on(request: HttpRequest, item: Item, unit: Unit) -> dict[str, Any]:
    state = UnitState(item.brand, unit.status, item.activation_mode, unit.activated_at, unit.reason)
    found = finding.read(unit.token, request.GET.get(finding.PARAMETER, ""))
    today = timezone.now().date()
    expires = expiry_of(request.META.get("QUERY_STRING", ""), today)
    return {
        "unit": unit,
        "verdicts": verdicts(state, found, expires if expires and expires < today else None),
        "activated": unit.activated_at and moment_of(unit.activated_at),
        "revoked": unit.revoked_at and moment_of(unit.revoked_at),
    }


def _language(request: HttpRequest, face: Face) -> languages.Language:
    query, accepted = request.META.get("QUERY_STRING", ""), request.headers.get("Accept-Language")
    return languages.chosen(query, accepted or "", face.language)


def _links(request: HttpRequest) -> list[dict[str, str]]:
    """Return the languages with the query of the same page in each; what verdicts rest on stays."""
    kept = {key: text for key, text in request.GET.items() if key in _FOR_VERDICTS}
    return [
        {
            "tag": language.tag,
            "name": language.name,
            "query": urlencode({languages.PARAMETER: language.tag, **kept}),
        }
        for language in languages.OFFERED.values()
    ]


def refused(
    request: HttpRequest, status: HTTPStatus, page: pages.Page, face: Face = NONE
) -> HttpResponse:
    """Answer with one of the fixed pages, under its own policy, or with an error for machines."""
    if _wanted(request) == HTML:
        code = _language(request, face).tag
        response: HttpResponse = HttpResponse(page(code), status=status)
        response["Content-Security-Policy"] = pages.POLICY
        response["Content-Language"] = code
    else:
        response = error_response(request, status, _WORDS[status])
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = pages.RETRY_AFTER_SECONDS
    return _for_everybody(response)


def _missed(request: HttpRequest, face: Face) -> HttpResponse:
    """Count a page that is not there like a code that is not: both are guessed alike."""
    if seconds := seconds_to_wait(request.META):
        response = refused(request, HTTPStatus.TOO_MANY_REQUESTS, pages.TOO_MANY, face)
        response["Retry-After"] = str(seconds)
        return response
    return refused(request, HTTPStatus.NOT_FOUND, pages.unknown(face), face)


def _locked(request: HttpRequest, error: GrantRefused | GrantForSomethingElse) -> HttpResponse:
    """Say why a grant opens nothing, as RFC 6750 (3) has it; to programs, so always in JSON."""
    body = error_body(code=error.code, message=error.message, request_id=request_id_of(request))
    response = JsonResponse(body, status=error.status)
    if isinstance(error, GrantRefused):
        response["WWW-Authenticate"] = 'Bearer realm="passport", error="invalid_token"'
    return _for_everybody(response)


def _of_language(code: str, response: HttpResponse) -> HttpResponse:
    response["Content-Language"] = code
    return _for_everybody(response)


def _for_everybody(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    # The redirect of a code allows it too: the passport is for everybody.
    response["Access-Control-Allow-Origin"] = "*"
    patch_vary_headers(response, ["Accept", "Accept-Language", "Authorization"])
    return response
