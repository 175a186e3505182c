"""The passport of a unit, and of a product, lot or batch, as a page or for machines.

Pages are rendered on the server without script, cookie or session. Who asks for JSON or JSON-LD
gets that; a browser gets the page.
"""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import override

from minting.disclosure import Access, disclosed
from minting.states import UnitStatus
from resolver import finding, languages, pages
from resolver.blocks import Block, in_blocks
from resolver.database import Unavailable
from resolver.expiry import expiry_of
from resolver.faces import Face, logo_of
from resolver.facts import Fact, facts_of
from resolver.hosts import brand_of
from resolver.items import Item, PassportChanged, Unit, read_group, read_unit
from resolver.public_answers import (
    FOR_VERDICTS,
    PublicView,
    answered,
    for_everybody,
    language_of,
    links_to_languages,
    of_language,
    parameters_kept,
    preferred_type,
    query_kept,
    refused,
)
from resolver.representations import HTML, JSON, JSON_LD, as_json, as_json_ld, passport_of
from resolver.shortening import MOST_BYTES, beginning, shortened
from resolver.unlocking import GrantForSomethingElse, GrantRefused, access_of
from resolver.verdicts import UnitState, day_of, moment_of, verdicts
from tieback.api.envelope import error_body
from tieback.requests import request_id_of

#: A logo is named by its hash, so it never changes.
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_MACHINES = {JSON: as_json, JSON_LD: as_json_ld}
#: How many changes a shortened page tells of, and how much of their reasons.
_FEW_CHANGES, _REASON_CHARACTERS = 3, 100
#: What the query of the page that holds all of a long passport says.
WHOLE = "whole"


class PassportView(PublicView):
    """``/p/{token}``."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show the unit as it stands now, whether in use or withdrawn."""
        return _answer(request, lambda brand: read_unit(brand, token))


class GroupView(PublicView):
    """``/p/01/{gtin}[/10/{lot}]``, ``/p/mb/{id}``, ``/p/ml/{id}``."""

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Show what the newest batch printed with the code was minted with; nothing of a unit."""
        return _answer(request, lambda brand: read_group(brand, f"/{code}"))


class LogoView(PublicView):
    """``/p/logo/{sha256}.png``."""

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

    def show(brand: UUID, face: Face) -> HttpResponse | None:
        item = read(brand)
        if item is None:
            return None
        held = access_of(request.headers.get("Authorization", ""), brand, item)
        wanted = preferred_type(request)
        if wanted == HTML:
            return _page(request, item, face, held)
        return _document(item, wanted, held)

    try:
        return answered(request, show)
    except (GrantRefused, GrantForSomethingElse) as error:
        return _locked(request, error)


def _page(request: HttpRequest, item: Item, face: Face, held: Access) -> HttpResponse:
    """Show the passport, shortened where it is long, unless the whole of it is asked for."""
    language = language_of(request, face)
    with override(language.tag):
        facts = facts_of(disclosed(item.category, item.dpp, held))
        is_whole = WHOLE in request.GET
        page = _drawn(request, item, face, blocks=in_blocks(facts, has_places=is_whole))
        if not is_whole and len(page.content) > MOST_BYTES:
            page = _short_page(request, item, face, facts)
        return of_language(language.tag, page)


def _short_page(
    request: HttpRequest, item: Item, face: Face, facts: tuple[Fact, ...]
) -> HttpResponse:
    """Show what there is room for beside the rest of the page, which is drawn to be measured."""
    item = replace(item, changes=_in_short(item.changes))
    kept = parameters_kept(request, FOR_VERDICTS)
    tag = language_of(request, face).tag
    whole = urlencode({languages.PARAMETER: tag, **kept, WHOLE: "yes"})
    rest = _drawn(request, item, face, whole=whole)
    blocks = shortened(facts, MOST_BYTES - len(rest.content), whole)
    return _drawn(request, item, face, blocks=blocks, whole=whole)


def _in_short(changes: tuple[PassportChanged, ...]) -> tuple[PassportChanged, ...]:
    return tuple(
        replace(change, reason=beginning(change.reason, _REASON_CHARACTERS))
        for change in changes[:_FEW_CHANGES]
    )


def _drawn(
    request: HttpRequest,
    item: Item,
    face: Face,
    *,
    blocks: tuple[Block, ...] = (),
    whole: str = "",
) -> HttpResponse:
    """Draw the page; ``whole`` is the query of the page that holds what this one leaves out."""
    context = {
        "item": item,
        "face": face,
        "language": language_of(request, face),
        "languages": links_to_languages(request, keeping=(*FOR_VERDICTS, WHOLE)),
        "changes": [(one, day_of(one.at.date())) for one in item.changes],
        "blocks": blocks,
        "whole": whole,
        **(_words_on(request, item, item.unit) if item.unit else {}),
    }
    template = "resolver/unit.html" if item.unit else "resolver/group.html"
    return render(request, template, context)


def _document(item: Item, media_type: str, held: Access) -> HttpResponse:
    """Answer a machine. A revoked unit is 410: gone from use, and its passport still told."""
    passport = passport_of(item, held)
    revoked = item.unit is not None and item.unit.status == UnitStatus.REVOKED
    return for_everybody(
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
        "kept": query_kept(request, FOR_VERDICTS),
        "verdicts": verdicts(state, found, expires if expires and expires < today else None),
        "activated": unit.activated_at and moment_of(unit.activated_at),
        "revoked": unit.revoked_at and moment_of(unit.revoked_at),
    }


def _locked(request: HttpRequest, error: GrantRefused | GrantForSomethingElse) -> HttpResponse:
    """Say why a grant opens nothing, as RFC 6750 (3) has it; to programs, so always in JSON."""
    body = error_body(code=error.code, message=error.message, request_id=request_id_of(request))
    response = JsonResponse(body, status=error.status)
    if isinstance(error, GrantRefused):
        response["WWW-Authenticate"] = 'Bearer realm="passport", error="invalid_token"'
    return for_everybody(response)
