"""Reduces a browser's agent text to what kind of program it is. Pure.

Versions, models, builds and languages make one person's text differ from the next one's, and
nothing here needs them. What is left is shared by many: the names of the programs, the system, and
the first number of each version, as browsers themselves have begun to reduce it. Programs that
nobody looks through are no persons, and their texts stay as they are.
"""

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from resolver.agents import LONGEST_AGENT, AgentKind, kind_of

#: What stands for a text that cannot be reduced without being taken for something else.
_OTHERS = {AgentKind.BROWSER: "Mozilla/5", AgentKind.UNKNOWN: ""}

_VERSION = re.compile(r"(?<=[/ _])v?(\d{1,3})(?:[._]\d+)[\w.\-]*")
# A model may have brackets of its own, as in "moto g(54)", and a text may end within brackets.
_WITHIN_BRACKETS = re.compile(r"(\([^()]*)\([^()]*\)")
_IN_BRACKETS = re.compile(r"\(([^()]*)(?:\)|(?=\()|$)")
# Apps add a list of their own, or words of their own, with the device and the language.
_OF_FACEBOOK = re.compile(r"\[FB[^\]]*\]?")
_OF_APPS = re.compile(r" ?\b(?:Byte(?:Full)?Locale|AppLocale|Region|Language|NetType)/\S+")
_SYSTEM = re.compile(
    r"^(?:Windows(?: NT| Phone)?|Macintosh|X11|Linux|Android|iPhone|iPad|iPod(?: touch)?|CrOS|"
    r"Mobile|Tablet|U|compatible|MSIE|Trident|KHTML, like Gecko|Intel Mac OS X|CPU (?:iPhone )?OS|"
    r"PlayStation|Nintendo|Xbox|SMART-TV|Tizen|Web0S|KaiOS|Ubuntu|Fedora)\b"
)
_BUILD = re.compile(r"\d{4,}(?:[._]\d+)*|(?<=Mobile/)\w+")


class ReducedAgent(NamedTuple):
    """A text that many share, its kind, and the number that stands for it in events."""

    id: int
    text: str
    kind: AgentKind


@lru_cache(maxsize=16_384)
def reduced(agent: str) -> ReducedAgent:
    """Return what is kept of an agent text; its kind is the one of the whole text."""
    kind = kind_of(agent)
    text = agent[:LONGEST_AGENT]
    if kind in _OTHERS:
        text = _without_details(text)
        if kind_of(text) is not kind:
            text = _OTHERS[kind]
    digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest()
    return ReducedAgent(int.from_bytes(digest, signed=True), text, kind)


def _without_details(text: str) -> str:
    nested = 1
    while nested:
        text, nested = _WITHIN_BRACKETS.subn(r"\1", text)
    text = _IN_BRACKETS.sub(_system_only, text)
    text = _OF_APPS.sub("", _OF_FACEBOOK.sub("[FBAN]", text))
    text = _VERSION.sub(r"\1", text)
    return _BUILD.sub("0", text)


def _system_only(brackets: re.Match[str]) -> str:
    kept = [part for part in brackets[1].split("; ") if _SYSTEM.match(part)]
    return f"({'; '.join(kept)})"
