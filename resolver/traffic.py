"""Sorts requests for a code into classes: is a person looking, or a program? Pure.

The order decides. What a request does comes first, since a program may borrow a browser's agent
text: its method, whether a browser says that it only loads ahead, which kind of answer it asks
for. Its agent text comes last. A class is stored with the scan and never changes what is answered,
save for activation and for the page that link previews get.
"""

from collections.abc import Mapping
from enum import IntEnum

from resolver.agents import AgentKind, kind_of


class TrafficClass(IntEnum):
    """Who asks; the numbers are stored."""

    PERSON = 1
    LINK_PREVIEW = 2
    CRAWLER = 3
    SECURITY_SCANNER = 4
    PREFETCH = 5
    MACHINE = 6
    UNKNOWN = 7
    # No class of a request: staff scan with a signed link (``resolver/staff_scans.py``).
    TEST = 8


#: What a kind of program makes of a request that says nothing else about itself.
OF_KIND = {
    AgentKind.BROWSER: TrafficClass.PERSON,
    AgentKind.LINK_PREVIEW: TrafficClass.LINK_PREVIEW,
    AgentKind.CRAWLER: TrafficClass.CRAWLER,
    AgentKind.SECURITY_SCANNER: TrafficClass.SECURITY_SCANNER,
    AgentKind.LIBRARY: TrafficClass.MACHINE,
    AgentKind.UNKNOWN: TrafficClass.UNKNOWN,
}

# How browsers and link previews say that nobody is looking yet.
_PURPOSE_HEADERS = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
_AHEAD = ("prefetch", "prerender", "preview")

#: Classes that an agent text has decided, and nothing else of the request could have.
BY_AGENT = frozenset(OF_KIND.values()) - {TrafficClass.MACHINE}


def classify(environ: Mapping[str, object]) -> TrafficClass:
    """Return the class of a request for a code, from its WSGI environment.

    A request without an agent text is a machine's: no browser leaves it out.
    """
    if environ["REQUEST_METHOD"] != "GET":
        return TrafficClass.MACHINE
    agent = environ.get("HTTP_USER_AGENT")
    if not agent:
        return TrafficClass.MACHINE
    if _loads_ahead(environ):
        return TrafficClass.PREFETCH
    kind = kind_of(str(agent))
    if kind is AgentKind.BROWSER and _wants_no_page(environ):
        return TrafficClass.MACHINE
    return OF_KIND[kind]


def _loads_ahead(environ: Mapping[str, object]) -> bool:
    for name in _PURPOSE_HEADERS:
        said = environ.get(name)
        if said and any(word in str(said).lower() for word in _AHEAD):
            return True
    return False


def _wants_no_page(environ: Mapping[str, object]) -> bool:
    """Tell whether the answer is not for a window: data for a script, a picture, a frame's font."""
    destination = environ.get("HTTP_SEC_FETCH_DEST")
    if destination:
        return destination not in ("document", "iframe", "frame")
    accept = str(environ.get("HTTP_ACCEPT") or "*/*")
    return "text/html" not in accept and "*/*" not in accept
