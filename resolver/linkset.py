"""What is linked to a thing and to what it is one of, as one list of links. Pure.

A unit is one of a lot and of a product, and what is linked to these holds for it too: each is a
level with an address of its own, the nearest first. Source: GS1-Conformant Resolver Standard 1.2,
sections 2.5, 2.6 and 2.10; RFC 9264 for the JSON.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from uuid import UUID

from resolver.digital_link import Code, DigitalLink, GroupLink
from resolver.link_types import DEFAULT, DEFAULT_MULTI, DPP, LINK_TYPES, PIP, iri_of
from resolver.link_values import HTML, filled, variables_of
from resolver.negotiation import Wishes, best

#: Where the terms of the JSON are explained, for those who read it as JSON-LD.
CONTEXT = "https://ref.gs1.org/standards/resolver/linkset-context"

OWN_TITLE = "Digital product passport"
#: What a thing is of its product. The page for people says it in the language of whoever asks.
OF_UNIT = "%(product)s, serial number %(serial)s"
OF_LOT = "%(product)s, lot %(lot)s"
OF_BATCH = "%(product)s, batch"
_OF_PRODUCT = "%(product)s"
# GS1's schema of linksets knows a language of two letters, with a region of two or without.
_LETTERS = 2


class StoredLink(NamedTuple):
    """A link as its brand keeps it: for one product, or for all of them."""

    type: str
    target: str
    title: str
    language: str
    media_type: str
    is_default: bool
    is_of_product: bool


class Item(NamedTuple):
    """What is known of the thing that a code names."""

    product_id: UUID
    batch_id: UUID
    product: str
    gtin: str | None
    lot_id: UUID | None
    lot: str | None
    token: str | None
    serial: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A link whose target is filled in."""

    type: str
    href: str
    title: str
    language: str = ""
    media_type: str = HTML
    is_default: bool = False
    is_of_product: bool = False
    #: Whether it is the page here, which no brand has given its title.
    is_own: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others of its type."""
        return self.language, self.media_type


@dataclass(frozen=True, slots=True)
class Level:
    """A thing, or what it is one of: its address, its page here, and what is linked to it.

    ``words`` say what it is, with its product and its values to fill in.
    """

    anchor: str
    words: str
    product: str
    page: str
    values: Mapping[str, str]
    offers: tuple[Offer, ...] = field(default=())

    @property
    def description(self) -> str:
        """What it is, as programs are told: in English."""
        return self.words % {**self.values, "product": self.product}


def levels_of(item: Item, code: Code, base: str) -> list[Level]:
    """Return the levels of what a code names, the nearest first, with nothing linked to them yet.

    ``base`` is the scheme and host that was asked.
    """
    known = {"gtin": item.gtin, "lot": item.lot, "serial": item.serial, "token": item.token}
    values = {name: value for name, value in known.items() if value}
    found: list[Level] = []

    def add(path: str, page: str, words: str, *names: str) -> None:
        of_level = {name: value for name, value in values.items() if name in names}
        found.append(Level(f"{base}{path}", words, item.product, f"{base}{page}", of_level))

    if item.token:
        # A slash that a browser added is no part of the serial number.
        link = replace(code, serial=item.serial) if isinstance(code, DigitalLink) else code
        add(link.canonical, f"/p/{item.token}", OF_UNIT, "gtin", "lot", "serial", "token")
    if item.lot:
        path = _lot_path(item, code)
        add(path, f"/p{path}", OF_LOT, "gtin", "lot")
    if item.gtin is None or (isinstance(code, GroupLink) and code.kind == "mb"):
        path = f"/mb/{item.batch_id}"
        add(path, f"/p{path}", OF_BATCH, "gtin")
    if item.gtin:
        path = DigitalLink(item.gtin).canonical
        add(path, f"/p{path}", _OF_PRODUCT, "gtin")
    return found


def _lot_path(item: Item, code: Code) -> str:
    if item.token is None:
        return code.canonical
    if item.gtin:
        return DigitalLink(item.gtin, lot=item.lot).canonical
    return f"/ml/{item.lot_id}"


def with_links(levels: Sequence[Level], stored: Iterable[StoredLink]) -> list[Level]:
    """Return the levels with what is linked to each: the brand's links, and the pages here.

    A link belongs to the highest level at which all that its target names is known; where that is
    none, it is left out. A product's link that is not left out stands in the place of one for all
    products that has its type, language and format.
    """
    places = [(link, at) for link in stored if (at := _place(link, levels)) is not None]
    offers: list[list[Offer]] = [[] for _ in levels]
    in_force = set(_in_force([link for link, _ in places]))
    for link, at in places:
        if link in in_force:
            offers[at].append(_offer(link, levels[at]))
    placed = [offer for some in offers for offer in some]
    is_pip = not any(offer.type == PIP and offer.media_type == HTML for offer in placed)
    return [
        replace(level, offers=(*_own(level, is_pip=is_pip), *some))
        for level, some in zip(levels, offers, strict=True)
    ]


def _place(link: StoredLink, levels: Sequence[Level]) -> int | None:
    """Return the highest of the levels at which all is known that a link's target names."""
    names = variables_of(link.target)
    return next(
        (at for at in reversed(range(len(levels))) if names <= levels[at].values.keys()), None
    )


def _in_force(stored: list[StoredLink]) -> Iterable[StoredLink]:
    of_product = {(one.type, one.language, one.media_type) for one in stored if one.is_of_product}
    for link in stored:
        key = (link.type, link.language, link.media_type)
        if link.is_of_product or key not in of_product:
            yield link


def _offer(link: StoredLink, level: Level) -> Offer:
    return Offer(
        link.type,
        filled(link.target, level.values),
        link.title,
        link.language,
        link.media_type,
        link.is_default,
        link.is_of_product,
    )


def _own(level: Level, *, is_pip: bool) -> Iterable[Offer]:
    yield Offer(DPP, level.page, OWN_TITLE, is_own=True)
    if is_pip:
        yield Offer(PIP, level.page, LINK_TYPES[PIP], is_own=True)


def defaults(levels: Sequence[Level]) -> tuple[Offer, ...]:
    """Return where the first of the levels leads when nothing else is asked for, the rule first.

    The rule is the brand's default link in any language and HTML, else the page here. Defaults
    for one language or another format follow.
    """
    chosen: dict[tuple[str, str], Offer] = {}
    offers = [offer for level in levels for offer in level.offers if offer.is_default]
    for offer in sorted(offers, key=lambda one: not one.is_of_product):
        chosen.setdefault(offer.key, offer)
    rule = chosen.pop(("", HTML), None) or Offer(DPP, levels[0].page, OWN_TITLE, is_own=True)
    return rule, *chosen.values()


def best_default(levels: Sequence[Level], wishes: Wishes) -> Offer:
    """Return the default that suits a request best; always one."""
    rule, *others = defaults(levels)
    suiting = [
        offer
        for offer in others
        if (not offer.language or wishes.asks_for_language(offer.language))
        and (offer.media_type == HTML or wishes.names(offer.media_type))
    ]
    return best([rule, *suiting], lambda one: wishes.rank(one.media_type, one.language))[0]


def best_of_type(levels: Sequence[Level], link_type: str, wishes: Wishes) -> list[Offer]:
    """Return the links of a type that suit a request best: none, one, or several alike."""
    if link_type == DEFAULT:
        return [defaults(levels)[0]]
    if link_type == DEFAULT_MULTI:
        return [best_default(levels, wishes)]
    found = [
        (offer, -at)
        for at, level in enumerate(levels)
        for offer in level.offers
        if offer.type == link_type
    ]
    options = best(
        found, lambda one: wishes.rank(one[0].media_type, one[0].language, nearness=one[1])
    )
    return [offer for offer, _ in options]


def types_of(levels: Sequence[Level]) -> list[str]:
    """Return the types of all links of the levels, each once, in their order."""
    return list(dict.fromkeys(offer.type for level in levels for offer in level.offers))


def as_linkset(levels: Sequence[Level]) -> dict[str, Any]:
    """Return the links of the levels as RFC 9264 writes them, by GS1's schema."""
    return {"linkset": [_context_of(levels[at:]) for at in range(len(levels))]}


def as_json_ld(linkset: Mapping[str, Any]) -> dict[str, Any]:
    """Return a linkset that says itself where its terms are explained."""
    return {"@context": CONTEXT, **linkset}


def choices_as_linkset(level: Level, offers: Sequence[Offer]) -> dict[str, Any]:
    """Return links among which the caller has to choose, as a linkset of the level."""
    return {
        "linkset": [
            {
                "anchor": level.anchor,
                "itemDescription": level.description,
                iri_of(offers[0].type): [_target(offer) for offer in offers],
            }
        ]
    }


def _context_of(levels: Sequence[Level]) -> dict[str, Any]:
    level = levels[0]
    context: dict[str, Any] = {"anchor": level.anchor, "itemDescription": level.description}
    rule, *others = defaults(levels)
    # Without any attribute but its title, as the standard asks.
    context[iri_of(DEFAULT)] = [{"href": rule.href, "title": rule.title}]
    if others:
        context[iri_of(DEFAULT_MULTI)] = [_target(offer) for offer in (rule, *others)]
    for offer in level.offers:
        context.setdefault(iri_of(offer.type), []).append(_target(offer))
    return context


def _target(offer: Offer) -> dict[str, Any]:
    target: dict[str, Any] = {"href": offer.href, "title": offer.title, "type": offer.media_type}
    if language := _short(offer.language):
        target["hreflang"] = [language]
    return target


def _short(language: str) -> str:
    """Return as much of a language tag as GS1's schema takes, which is nothing of ``fil``."""
    main, *rest = language.split("-")
    if len(main) != _LETTERS:
        return ""
    return f"{main}-{rest[0]}" if rest and len(rest[0]) == _LETTERS else main
