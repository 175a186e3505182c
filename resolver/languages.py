"""Chooses the language of a page: by the address, then by the browser, then by the brand. Pure.

A language is one whose texts are all there (``resolver/locale``). Tags are matched as RFC 4647
looks them up (section 3.4): ``de-AT`` finds ``de``.
"""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qs

from django.utils.translation.trans_real import parse_accept_lang_header

#: The query parameter that decides before anything else.
PARAMETER = "lang"
DEFAULT = "en"


class Language(NamedTuple):
    """A language of the pages, by its tag; ``name`` is what it calls itself."""

    tag: str
    name: str
    direction: str = "ltr"


OFFERED: dict[str, Language] = {
    language.tag: language
    for language in (
        Language("ar", "العربية", "rtl"),
        Language("de", "Deutsch"),
        Language("en", "English"),
        Language("es", "Español"),
        Language("fr", "Français"),
        Language("it", "Italiano"),
        Language("nl", "Nederlands"),
        Language("pl", "Polski"),
        Language("sv", "Svenska"),
    )
}


def chosen(query: str, accepted: str, preferred: str = DEFAULT) -> Language:
    """Return the language for a query string and an ``Accept-Language`` (RFC 9110, 12.5.4).

    ``preferred`` is the brand's; it counts where the reader names nothing that is offered.
    """
    for tag in (*_asked(query), *_wanted(accepted), preferred):
        if language := _offered(tag):
            return language
    return OFFERED[DEFAULT]


def asked_for(query: str) -> str:
    """Return the offered language that a query string asks for, by its tag, or nothing."""
    found = [language.tag for tag in _asked(query) if (language := _offered(tag))]
    return found[0] if found else ""


def is_offered(tag: str) -> bool:
    """Tell whether a tag finds a language of the pages."""
    return _offered(tag) is not None


def _asked(query: str) -> list[str]:
    """Return the last tag that a query names, if it names one."""
    return parse_qs(query).get(PARAMETER, [])[-1:] if PARAMETER in query else []


def _wanted(accepted: str) -> Iterator[str]:
    """Yield the tags of the header, the most wanted first, up to "anything else"."""
    for tag, quality in parse_accept_lang_header(accepted):
        if tag == "*" or not quality:
            return
        yield tag


def _offered(tag: str) -> Language | None:
    return OFFERED.get(tag.replace("_", "-").partition("-")[0].lower())
