"""Decides what a code is answered where its links matter; what it names has been found by then.

That is so where the request names a link type, where it asks for data, or where the brand has a
default link. In all other cases ``concerns_links`` says no at the cost of two comparisons and a
look into a dictionary, and the code leads to its page here.
Source: GS1-Conformant Resolver Standard 1.2, sections 2.6, 2.9, 2.10 and 2.12.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID

from django.conf import settings

from minting.states import UnitStatus
from resolver.digital_link import Code
from resolver.link_pages import choices_page, links_page, no_such_link_page
from resolver.link_types import DEFAULT, DEFAULT_MULTI, link_type_of
from resolver.link_values import HTML, with_query
from resolver.links import has_defaults, item_of_group, item_of_unit, links_of
from resolver.linkset import (
    CONTEXT,
    Level,
    Offer,
    as_json_ld,
    as_linkset,
    best_default,
    best_of_type,
    choices_as_linkset,
    levels_of,
    types_of,
    with_links,
)
from resolver.lookup import ScannedUnit, find_group
from resolver.negotiation import JSON_LD, LINKSET, Wishes, wishes_of
from resolver.pages import Page
from resolver.traffic import TrafficClass, classify

#: What every answer of a code says of its list of links; relative to the code that was asked.
HAS_LINKSET = f'<?linkType=linkset>; rel="linkset"; type="{LINKSET}"'
_HAS_CONTEXT = (
    f'<{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
)
NEGOTIATED = ("Vary", "Accept, Accept-Language")
_ALL_LINKS = frozenset({"linkset", "all"})
_PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Way:
    """The redirect to a link."""

    location: str


@dataclass(frozen=True, slots=True)
class Told:
    """What programs are told where nothing is led to: links, a choice, or that there is none."""

    status: HTTPStatus
    outcome: str
    media_type: str
    body: bytes
    #: What it says in its ``Link`` header beside ``HAS_LINKSET``.
    link: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """The same for people: a page, in the language of whoever asks."""

    status: HTTPStatus
    outcome: str
    page: Page


def reads_links(environ: Mapping[str, Any], query: str) -> bool:
    """Tell whether a request names a link type, or accepts a list of links rather than a page."""
    if _names_type(query):
        return True
    return _accepts_json(environ) and wishes_of(environ).prefers_linkset_to(HTML)


def concerns_links(environ: Mapping[str, Any], query: str, brand: UUID) -> bool:
    """Tell whether anything but the page here may be the answer. Raises ``Unavailable``."""
    return _names_type(query) or _accepts_json(environ) or has_defaults(brand)


def _names_type(query: str) -> bool:
    return "linktype=" in query.lower() and any(_types_in(query))


def _accepts_json(environ: Mapping[str, Any]) -> bool:
    return "json" in environ.get("HTTP_ACCEPT", "").lower()


def answer(
    environ: Mapping[str, Any], query: str, brand: UUID, found: ScannedUnit | Code, code: Code
) -> Way | Told | Shown | None:
    """Return the answer of a code by its links; None for its page here. Raises ``Unavailable``.

    ``found`` is the unit, or the code of what has a page; ``code`` what was asked for.
    """
    asked, wishes = link_type_of(_asked_type(query)), wishes_of(environ)
    wants_all = asked in _ALL_LINKS or (not asked and wishes.prefers_linkset_to(HTML))
    is_revoked = isinstance(found, ScannedUnit) and found.status == UnitStatus.REVOKED
    if is_revoked and _says_page_here(asked, wishes, wants_all=wants_all):
        return None
    levels = _levels(environ, brand, found, code)
    if is_revoked and wants_all:
        return _gone(levels)
    if not asked:
        offer = best_default(levels, wishes)
        if not wishes.prefers_linkset_to(offer.media_type):
            return _way_to(offer, levels, query)
    if asked and not wants_all:
        return _of_type(environ, query, levels, asked, wishes)
    return _all_links(levels, wishes, query)


def _says_page_here(asked: str, wishes: Wishes, *, wants_all: bool) -> bool:
    """Tell whether a withdrawn unit is answered with its page here, which says that it is."""
    if wants_all:
        return wishes.linkset_form == HTML
    return not asked or asked in {DEFAULT, DEFAULT_MULTI}


def _of_type(
    environ: Mapping[str, Any], query: str, levels: list[Level], asked: str, wishes: Wishes
) -> Way | Told | Shown | None:
    offers = best_of_type(levels, asked, wishes)
    if len(offers) == 1:
        return _way_to(offers[0], levels, query)
    for_person = wishes.names(HTML) or classify(environ) is TrafficClass.PERSON
    if offers:
        return _choices(levels[0], offers, wishes, for_person=for_person)
    types = types_of(levels)
    if for_person:
        page = no_such_link_page(asked, levels[0], types, query)
        return Shown(HTTPStatus.NOT_FOUND, "no_such_link", page)
    problem = {
        "title": "No such link",
        "status": HTTPStatus.NOT_FOUND,
        "detail": "This code has no link of this type; it has those in link_types.",
        "link_types": types,
    }
    return Told(HTTPStatus.NOT_FOUND, "no_such_link", _PROBLEM, json.dumps(problem).encode())


def _way_to(offer: Offer, levels: list[Level], query: str) -> Way | None:
    """Return the redirect to a link; the page here has more to say than a link of its address."""
    return None if offer.href == levels[0].page else Way(with_query(offer.href, query))


def _levels(
    environ: Mapping[str, Any], brand: UUID, found: ScannedUnit | Code, code: Code
) -> list[Level]:
    if isinstance(found, ScannedUnit):
        item = item_of_unit(found.id)
    else:
        code = found
        group = find_group(brand, code)
        if group is None:
            raise LookupError(code)
        item = item_of_group(group)
    base = f"{settings.TIEBACK_RESOLVER_SCHEME}://{environ.get('HTTP_HOST')}"
    return with_links(levels_of(item, code, base), links_of(brand, item.product_id))


def _all_links(levels: list[Level], wishes: Wishes, query: str) -> Told | Shown:
    linkset = as_linkset(levels)
    form = wishes.linkset_form
    if form == HTML:
        return Shown(HTTPStatus.OK, "linkset", links_page(levels, linkset, query))
    body = as_json_ld(linkset) if form == JSON_LD else linkset
    return Told(HTTPStatus.OK, "linkset", form, json.dumps(body).encode(), _HAS_CONTEXT)


def _choices(
    level: Level, offers: list[Offer], wishes: Wishes, *, for_person: bool
) -> Told | Shown:
    status = HTTPStatus.MULTIPLE_CHOICES
    if for_person:
        return Shown(status, "choices", choices_page(level, offers))
    form = wishes.linkset_form
    linkset = choices_as_linkset(level, offers)
    body = as_json_ld(linkset) if form == JSON_LD else linkset
    return Told(status, "choices", LINKSET if form == HTML else form, json.dumps(body).encode())


def _gone(levels: list[Level]) -> Told:
    """Tell programs that a unit is no longer valid, and where people read why."""
    problem = {
        "title": "Withdrawn",
        "status": HTTPStatus.GONE,
        "detail": "This item has been withdrawn; its passport says so.",
        "passport": levels[0].page,
    }
    return Told(HTTPStatus.GONE, "gone", _PROBLEM, json.dumps(problem).encode())


def _asked_type(query: str) -> str:
    """Return the first link type that a raw query names, or nothing."""
    return next(_types_in(query), "")


def _types_in(query: str) -> Iterator[str]:
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if key.lower() == "linktype":
            yield unquote_plus(value)
