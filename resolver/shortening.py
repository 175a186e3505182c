"""Shortens a long passport, so that its page is small for a phone. Pure.

Lists show their first entries and how many there are beyond, texts their beginning; both as far as
there is room. What is about safety is cut last.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from django.utils.formats import number_format
from django.utils.translation import npgettext

from resolver.blocks import Block, in_blocks
from resolver.facts import Fact, Value
from resolver.markup import facts_html

#: A page of a passport has no more bytes of HTML, whatever the passport holds.
MOST_BYTES = 14_999
#: What nobody should have to look for: shown whole while it fits beside the page's own words.
SAFETY = frozenset({"safety_information", "safety_measures", "extinguishing_agents"})
#: A link's address is not read but followed, so it may be longer than a text.
_ADDRESS = 4


class Extent(NamedTuple):
    """How many entries of a list are shown, and how many characters of a text."""

    entries: int
    characters: int


_EXTENTS = (Extent(10, 600), Extent(5, 300), Extent(3, 150), Extent(2, 80), Extent(1, 40))
_OF_SAFETY = (Extent(20, 2000), Extent(20, 1000), Extent(10, 200), Extent(5, 100))


def shortened(facts: tuple[Fact, ...], room: int, whole: str) -> tuple[Block, ...]:
    """Return blocks of at most ``room`` bytes; ``whole`` is the query of the page with all."""
    for extent in _EXTENTS:
        short = tuple(f if f.field in SAFETY else _fact(f, extent, whole) for f in facts)
        blocks = in_blocks(short)
        if size_of(blocks) <= room:
            return blocks
    return in_blocks(_what_fits(short, room - _size_of_headings(blocks), whole))


def size_of(blocks: Iterable[Block]) -> int:
    """Return how many bytes blocks take on their page."""
    return sum(len(block.html.encode()) for block in blocks)


def _size_of_headings(blocks: Iterable[Block]) -> int:
    return size_of(replace(block, facts=()) for block in blocks)


def _what_fits(facts: tuple[Fact, ...], room: int, whole: str) -> Iterator[Fact]:
    """Yield the facts that there is room for, in their order; those of safety are placed first."""
    placed: dict[int, Fact] = {}
    for at in sorted(range(len(facts)), key=lambda at: facts[at].field not in SAFETY):
        for fact in _ever_shorter(facts[at], whole):
            size = len(facts_html((fact,)).encode()) + 1  # and the line's end
            if size <= room:
                placed[at] = fact
                room -= size
                break
    return (placed[at] for at in sorted(placed))


def _ever_shorter(fact: Fact, whole: str) -> Iterator[Fact]:
    yield fact
    if fact.field in SAFETY:
        yield from (_fact(fact, extent, whole) for extent in _OF_SAFETY)


def _fact(fact: Fact, extent: Extent, whole: str) -> Fact:
    return replace(fact, value=_value(fact.value, extent, f"?{whole}#{fact.field}"))


def _value(value: Value, extent: Extent, whole: str) -> Value:
    if value.parts:
        return Value(
            parts=tuple(replace(p, value=_value(p.value, extent, whole)) for p in value.parts)
        )
    if value.items:
        shown = tuple(_value(item, extent, whole) for item in value.items[: extent.entries])
        beyond = len(value.items) - len(shown)
        return Value(items=(*shown, Value(_more(beyond), href=whole)) if beyond else shown)
    text = beginning(value.text, extent.characters)
    if value.is_link and len(value.text) <= extent.characters * _ADDRESS:
        return Value(text, is_link=True, href=value.text)
    return Value(text)


def _more(count: int) -> str:
    words = npgettext("left out of a list", "%(number)s more", "%(number)s more", count)
    return words % {"number": number_format(count)}


def beginning(text: str, characters: int) -> str:
    """Return a text, or its beginning of at most so many characters, up to the end of a word."""
    if len(text) <= characters:
        return text
    cut = text[: characters - 1]
    words, _, last = cut.rpartition(" ")
    return f"{words if words and len(last) < characters // 4 else cut}…"
