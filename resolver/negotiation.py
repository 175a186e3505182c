"""Which of several links suits a request, by what its headers say. Pure.

``Accept`` and ``Accept-Language`` are weighed by their q-values (RFC 9110, sections 12.4.2, 12.5.1
and 12.5.4). They prefer and never exclude: a link that exists is better than none. A language is
asked for by ranges (RFC 4647): ``pt-BR`` finds ``pt``, and ``pt`` finds ``pt-BR``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from django.utils.translation.trans_real import parse_accept_lang_header

from resolver.link_values import HTML

LINKSET, JSON, JSON_LD = "application/linkset+json", "application/json", "application/ld+json"
#: The forms a list of links comes in, the first where nothing is preferred.
LINKSET_FORMS = (LINKSET, JSON, JSON_LD, HTML)

_LONGEST_ACCEPT = 1000
_MOST_RANGES = 50
_EXACT, _WITHIN, _BEYOND = 3, 2, 1

_Option = TypeVar("_Option")
Rank = tuple[float, int, int, int, bool, bool]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a request's headers ask for: media ranges with their weights, and language ranges.

    The languages stand in lower case, those that are welcome in the order in which they are.
    """

    media: tuple[tuple[str, float], ...] = ()
    languages: tuple[str, ...] = ()
    unwelcome: tuple[str, ...] = ()

    def names(self, media_type: str) -> bool:
        """Tell whether a media type is asked for by its own name."""
        return self._named(media_type) > 0

    def media_weight(self, media_type: str) -> float:
        """Return how welcome a media type is, 0 to 1; whatever comes where nothing is said."""
        if not self.media:
            return 1.0
        group = media_type.partition("/")[0]
        for wanted in (media_type, f"{group}/*", "*/*"):
            for name, weight in self.media:
                if name == wanted:
                    return weight
        return 0.0

    def language_rank(self, language: str) -> tuple[int, int]:
        """Return how welcome a language is, and how closely it was named; the higher the better.

        Languages of equal weight are taken in the order they stand in. ``*`` stands for those that
        no other range names.
        """
        tag = language.lower()
        places = list(enumerate(reversed(self.languages), start=1))
        named = [(place, close) for place, wanted in places if (close := _closeness(wanted, tag))]
        refused = max((_closeness(range_, tag) for range_ in self.unwelcome), default=0)
        if refused > max((close for _, close in named), default=0):
            return 0, 0
        others = [(place, 0) for place, wanted in places if wanted == "*"]
        return max(named or others, default=(0, 0))

    def asks_for_language(self, language: str) -> bool:
        """Tell whether a language is asked for by name, in this or another region."""
        return any(_closeness(wanted, language.lower()) for wanted in self.languages)

    def rank(self, media_type: str, language: str, nearness: int = 0) -> Rank:
        """Return how well a link suits, for comparison.

        What was asked for comes first; then the nearer level; and where that leaves it open, a
        link in any language and HTML.
        """
        return (
            self.media_weight(media_type),
            *self.language_rank(language),
            nearness,
            not language,
            media_type == HTML,
        )

    @property
    def linkset_form(self) -> str:
        """The form in which a list of links is wanted."""
        return max(LINKSET_FORMS, key=lambda form: (self.media_weight(form), self._named(form)))

    def prefers_linkset_to(self, media_type: str) -> bool:
        """Tell whether a list of links is asked for by name, more than what has a media type."""
        weight = max(map(self._named, (LINKSET, JSON, JSON_LD)))
        return weight > 0 and weight > self._named(media_type)

    def _named(self, media_type: str) -> float:
        return dict(self.media).get(media_type, 0.0)


def wishes_of(headers: Mapping[str, object]) -> Wishes:
    """Return what a request asks for, from its WSGI environment."""
    languages = parse_accept_lang_header(str(headers.get("HTTP_ACCEPT_LANGUAGE") or ""))
    return Wishes(
        media_ranges(str(headers.get("HTTP_ACCEPT") or "")),
        tuple(language for language, weight in languages if weight),
        tuple(language for language, weight in languages if not weight),
    )


def best(options: Sequence[_Option], rank: Callable[[_Option], object]) -> list[_Option]:
    """Return those of the options that no other one suits better than, in their order."""
    ranks = [rank(option) for option in options]
    if not ranks:
        return []
    highest = max(ranks)  # type: ignore[type-var]
    return [option for option, its in zip(options, ranks, strict=True) if its == highest]


@lru_cache(maxsize=1024)
def media_ranges(accept: str) -> tuple[tuple[str, float], ...]:
    """Return the media ranges of an ``Accept`` header with their weights; unreadable ones drop out.

    Parameters other than the weight are not looked at.
    """
    found: dict[str, float] = {}
    for part in accept[:_LONGEST_ACCEPT].lower().split(",")[:_MOST_RANGES]:
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name.count("/") == 1:
            found[name] = max(found.get(name, 0.0), _weight(parameters))
    return tuple(found.items())


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0
    return 1.0


def _closeness(wanted: str, language: str) -> int:
    """Return how closely a language range names a tag; 0 where it does not. Both in lower case."""
    if not language:
        return 0
    if wanted == language:
        return _EXACT
    if language.startswith(f"{wanted}-"):
        return _WITHIN
    return _BEYOND if wanted.startswith(f"{language}-") else 0
