"""The pages about a code's links, for people: all of them, a choice, or what there is instead."""

import json
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any

from django.utils.translation import gettext, override, pgettext

from resolver.languages import PARAMETER, asked_for
from resolver.link_types import LINK_TYPES, link_type_of
from resolver.link_values import with_query
from resolver.linkset import Level, Offer, as_json_ld
from resolver.pages import Page, whole_page

# Within a script element nothing may look like its end.
_IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def links_page(levels: Sequence[Level], linkset: dict[str, Any], query: str = "") -> Page:
    """Return the page of everything that is linked to a code, with the same as JSON-LD inside.

    A language that the query asks for goes along to the passports here.
    """
    kept = _language_in(query)
    data = json.dumps(as_json_ld(linkset)).translate(_IN_SCRIPT)
    script = f'<script type="application/ld+json">{data}</script>'

    def page(language: str) -> bytes:
        with override(language):
            title = gettext("What is linked to this code")
            sections = "".join(
                f"<h2>{_thing(level)}</h2>{_list_of(_keeping(kept, level.offers), with_type=True)}"
                for level in levels
            )
            return whole_page(language, title, f"<p>{_thing(levels[0])}</p>", sections + script)

    return page


def choices_page(level: Level, offers: Sequence[Offer]) -> Page:
    """Return the page on which a person chooses among links that suit alike."""

    def page(language: str) -> bytes:
        with override(language):
            title = gettext("Choose: %(kind)s") % {"kind": _label(offers[0].type)}
            choices = _list_of(offers, with_type=False)
            return whole_page(language, title, f"<p>{_thing(level)}</p>", choices)

    return page


def no_such_link_page(asked: str, level: Level, types: Sequence[str], query: str = "") -> Page:
    """Return the page that says that a code has no link of a type, and which it has.

    A language that the query asks for goes along to those.
    """
    kept = _language_in(query)

    def page(language: str) -> bytes:
        with override(language):
            words = f"<p>{escape(_missing(link_type_of(asked)), quote=False)}</p>"
            there_is = gettext("Available for %(thing)s:") % {"thing": _thing(level)}
            items = "".join(
                f'<li><a href="{escape(with_query(f"?linkType={link_type}", kept))}">'
                f"{escape(_label(link_type))}</a></li>"
                for link_type in types
            )
            more = f"<p>{there_is}</p><ul>{items}</ul>"
            return whole_page(language, gettext("No such link"), words, more)

    return page


def _missing(link_type: str) -> str:
    # What was asked for is named only where it is known: the page repeats nobody's words.
    if link_type not in LINK_TYPES:
        return gettext("This code has no link of the kind that was asked for.")
    return gettext("This code has no link of the kind “%(kind)s”.") % {"kind": _label(link_type)}


def _label(link_type: str) -> str:
    return pgettext("link type", LINK_TYPES[link_type])


def _thing(level: Level) -> str:
    """Return what a level is, as HTML; what is filled in keeps its own direction of writing."""
    values = {name: f"<bdi>{escape(value)}</bdi>" for name, value in level.values.items()}
    product = f'<span dir="auto">{escape(level.product)}</span>'
    return pgettext("linked thing", level.words) % {**values, "product": product}


def _language_in(query: str) -> str:
    """Return the query that asks for the same language as another, or nothing."""
    tag = asked_for(query)
    return f"{PARAMETER}={tag}" if tag else ""


def _keeping(kept: str, offers: Sequence[Offer]) -> list[Offer]:
    """Return links of which those to the pages here say more; the others are the brand's own."""
    return [
        replace(offer, href=with_query(offer.href, kept)) if offer.is_own else offer
        for offer in offers
    ]


def _list_of(offers: Sequence[Offer], *, with_type: bool) -> str:
    return f"<ul>{''.join(_entry(offer, with_type=with_type) for offer in offers)}</ul>"


def _entry(offer: Offer, *, with_type: bool) -> str:
    """Return a link with its title, which is the brand's own but for the page here."""
    language = f' hreflang="{escape(offer.language)}"' if offer.language else ""
    title = _label(offer.type) if offer.is_own else offer.title
    link = f'<a dir="auto" href="{escape(offer.href)}" type="{escape(offer.media_type)}"{language}>'
    about = [escape(_label(offer.type))] if with_type and not offer.is_own else []
    about += [f"<bdi>{escape(part)}</bdi>" for part in (offer.language, offer.media_type) if part]
    return f"<li>{link}{escape(title)}</a> ({' · '.join(about)})</li>"
