"""What the pages of this plane share: whose host was asked, in which language, and refusals."""

from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views import View

from resolver import finding, languages, pages
from resolver.cross_origin import PREFLIGHT
from resolver.database import Unavailable
from resolver.expiry import EXPIRY
from resolver.faces import NONE, Face, face_of
from resolver.hosts import brand_of
from resolver.misses import seconds_to_wait
from resolver.representations import HTML, JSON, JSON_LD
from tieback.api.envelope import error_response
from tieback.broken_lines import MAYBE_OF_THE_LINE, line_broke

log = structlog.get_logger(__name__)

#: What a query says that the verdicts of a unit's page rest on.
FOR_VERDICTS = (finding.PARAMETER, EXPIRY)

_WORDS = {
    HTTPStatus.NOT_FOUND: "No item has been issued under this code.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many codes that do not exist were asked for.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The item cannot be looked up right now.",
}


class PublicView(View):
    """What anyone may read, on a page of another site as well."""

    http_method_names = ("get", "head", "options")

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say to a page of another site what it may ask; nothing is looked up."""
        return the_same_for_all(HttpResponse(status=HTTPStatus.NO_CONTENT, headers=dict(PREFLIGHT)))


def answered(
    request: HttpRequest, show: Callable[[UUID, Face], HttpResponse | None]
) -> HttpResponse:
    """Return what ``show`` answers for the brand whose host was asked, or say why there is nothing.

    ``show`` returns None where there is no such item.
    """
    face = NONE
    try:
        brand = brand_of(request.META.get("HTTP_HOST", ""))
        if brand is None:
            return refused(request, HTTPStatus.NOT_FOUND, pages.NO_SUCH_HOST)
        face = face_of(brand)
        shown = show(brand, face)
        return missed(request, face) if shown is None else shown
    except (Unavailable, *MAYBE_OF_THE_LINE) as error:
        if not (isinstance(error, Unavailable) or line_broke(error)):
            raise
        log.warning("page_unavailable", error=type(error).__name__)
        return refused(request, HTTPStatus.SERVICE_UNAVAILABLE, pages.UNAVAILABLE, face)


def preferred_type(request: HttpRequest) -> str:
    """Return the media type to answer with; whoever wants none of ours gets the page."""
    return request.get_preferred_type([HTML, JSON, JSON_LD]) or HTML


def language_of(request: HttpRequest, face: Face) -> languages.Language:
    """Return the language to answer in: asked for, accepted, or the brand's own."""
    query, accepted = request.META.get("QUERY_STRING", ""), request.headers.get("Accept-Language")
    return languages.chosen(query, accepted or "", face.language)


def links_to_languages(
    request: HttpRequest, *, keeping: Collection[str] = ()
) -> list[dict[str, str]]:
    """Return the languages with the query of this page in each; ``keeping`` names what stays."""
    kept = parameters_kept(request, keeping)
    return [
        {
            "tag": language.tag,
            "name": language.name,
            "query": urlencode({languages.PARAMETER: language.tag, **kept}),
        }
        for language in languages.OFFERED.values()
    ]


def query_kept(request: HttpRequest, keeping: Collection[str]) -> str:
    """Return the query for another page about the same thing, with its question mark, or nothing.

    A language goes along where the address names one: the reader's browser says any other again.
    """
    kept = parameters_kept(request, (languages.PARAMETER, *keeping))
    return f"?{urlencode(kept)}" if kept else ""


def refused(
    request: HttpRequest, status: HTTPStatus, page: pages.Page, face: Face = NONE
) -> HttpResponse:
    """Answer with one of the fixed pages, under its own policy, or with an error for machines."""
    if preferred_type(request) == HTML:
        code = language_of(request, face).tag
        response: HttpResponse = HttpResponse(page(code), status=status)
        response["Content-Security-Policy"] = pages.POLICY
        response["Content-Language"] = code
    else:
        response = error_response(request, status, _WORDS[status])
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = pages.RETRY_AFTER_SECONDS
    return for_everybody(response)


def missed(request: HttpRequest, face: Face) -> HttpResponse:
    """Count a page that is not there like a code that is not: both are guessed alike."""
    if seconds := seconds_to_wait(request.META):
        response = refused(request, HTTPStatus.TOO_MANY_REQUESTS, pages.TOO_MANY, face)
        response["Retry-After"] = str(seconds)
        return response
    return refused(request, HTTPStatus.NOT_FOUND, pages.unknown(face), face)


def parameters_kept(request: HttpRequest, keeping: Collection[str]) -> dict[str, str]:
    """Return those of a request's query parameters that stay, the last of each."""
    return {key: str(text) for key, text in request.GET.items() if key in keeping}


def of_language(code: str, response: HttpResponse) -> HttpResponse:
    """Say which language an answer is in."""
    response["Content-Language"] = code
    return for_everybody(response)


def for_everybody(response: HttpResponse) -> HttpResponse:
    """Let every site read an answer, and no cache keep it."""
    response["Cache-Control"] = "private, no-store"
    # The redirect of a code allows it too: the passport is for everybody.
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = "Retry-After, WWW-Authenticate"
    patch_vary_headers(response, ["Accept", "Accept-Language", "Authorization"])
    return response


def the_same_for_all(response: HttpResponse) -> HttpResponse:
    """Let every site read an answer that is the same for all readers, and no cache keep it."""
    response["Cache-Control"] = "no-store"
    response["Access-Control-Allow-Origin"] = "*"
    return response
