"""Takes out of a code's query what is meant for the resolver alone. Pure.

What a tag writes into its code and what makes a scan a test are secrets of a kind: whoever has them
can show them again. They are taken out before anything else reads the query, so they are in no
answer, no log and no address of a page.
"""

from typing import NamedTuple

from resolver import sun
from resolver.staff_scans import PARAMETER as TEST

# Nearly every scan has none of these.
_MAC, _ENCRYPTED, _TEST = f"{sun.MAC}=", f"{sun.ENCRYPTED}=", f"{TEST}="
_OF_A_TAG = frozenset({sun.ENCRYPTED, sun.MAC})


class PrivateQuery(NamedTuple):
    """What is passed on, and what is not: nothing of the kind, for nearly every scan."""

    passed_on: str
    test_link: str | None = None
    #: Names and values of a tag's message, as they came.
    tag: tuple[tuple[str, str], ...] = ()


_EMPTY = PrivateQuery("")


def split(query: str) -> PrivateQuery:
    """Part a raw query; the order and the spelling of what is passed on stay as they are.

    ``uid``, ``ctr`` and ``enc`` are a tag's beside what only a tag writes, else anybody's.
    """
    if not query:
        return _EMPTY
    if _MAC not in query and _ENCRYPTED not in query and _TEST not in query:
        return PrivateQuery(query)
    texts = query.split("&")
    pairs = [(name, value) for name, _, value in (text.partition("=") for text in texts)]
    is_of_tag = any(name in _OF_A_TAG for name, _ in pairs)
    of_tag = frozenset(sun.PARAMETERS if is_of_tag else ())
    # Of two links the first is looked at: whoever adds one gains nothing.
    return PrivateQuery(
        "&".join(
            text
            for text, (name, _) in zip(texts, pairs, strict=True)
            if name not in of_tag | {TEST}
        ),
        next((value for name, value in pairs if name == TEST), None),
        tuple(pair for pair in pairs if pair[0] in of_tag),
    )
