"""The pages about a code's links, for people: all of them, a choice, or what there is instead."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from resolver.link_types import LINK_TYPES, link_type_of
from resolver.linkset import Level, Offer, as_json_ld
from resolver.pages import in_english

# Within a script element nothing may look like its end.
_IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def links_page(levels: Sequence[Level], linkset: dict[str, Any]) -> bytes:
    """Return the page of everything that is linked to a code, with the same as JSON-LD inside."""
    sections = "".join(
        f"<h2>{escape(level.description)}</h2>{_list_of(level.offers, with_type=True)}"
        for level in levels
    )
    data = json.dumps(as_json_ld(linkset)).translate(_IN_SCRIPT)
    script = f'<script type="application/ld+json">{data}</script>'
    return in_english("What is linked to this code", levels[0].description, sections + script)


def choices_page(level: Level, offers: Sequence[Offer]) -> bytes:
    """Return the page on which a person chooses among links that suit alike."""
    label = LINK_TYPES[offers[0].type]
    return in_english(f"Choose: {label}", level.description, _list_of(offers, with_type=False))


def no_such_link_page(asked: str, levels: Sequence[Level], types: Iterable[str]) -> bytes:
    """Return the page that says that a code has no link of a type, and which it has."""
    name = LINK_TYPES.get(link_type_of(asked))
    words = (
        f"This code has no link of the kind “{name}”."
        if name
        else ("This code has no link of the kind that was asked for.")
    )
    items = "".join(
        f'<li><a href="?linkType={escape(link_type)}">{escape(LINK_TYPES[link_type])}</a></li>'
        for link_type in types
    )
    more = f"<p>{escape(levels[0].description)} has:</p><ul>{items}</ul>"
    return in_english("No such link", words, more)


def _list_of(offers: Sequence[Offer], *, with_type: bool) -> str:
    return f"<ul>{''.join(_entry(offer, with_type=with_type) for offer in offers)}</ul>"


def _entry(offer: Offer, *, with_type: bool) -> str:
    language = f' hreflang="{escape(offer.language)}"' if offer.language else ""
    link = f'<a href="{escape(offer.href)}" type="{escape(offer.media_type)}"{language}>'
    about = [LINK_TYPES[offer.type]] if with_type else []
    about += [part for part in (offer.language, offer.media_type) if part]
    return f"<li>{link}{escape(offer.title)}</a> ({escape(', '.join(about))})</li>"
