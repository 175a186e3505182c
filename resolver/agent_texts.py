"""Reduces an agent text to what kind of program it is. Pure.

Versions, models, builds and languages make one person's text differ from the next one's, an app may
write whatever it knows into it, and nothing here needs that. Of a browser only words that are known
are kept: the names of the programs, the system, and the first number of each version, as browsers
themselves have begun to reduce it. What nobody wrote down here is left out, whatever it is.

Programs that nobody looks through are no persons, and their texts stay as they are, but for
addresses, of networks and of mail, and long numbers. What runs on a phone still tells its model
within brackets, which go too; of a program that nobody knows only the name stays.
"""

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from resolver.agents import APPS, LONGEST_AGENT, AgentKind, kind_of

#: What stands for a text that cannot be reduced without being taken for something else.
_OTHERS = {
    AgentKind.BROWSER: "Mozilla/5",
    AgentKind.LINK_PREVIEW: "LinkPreview",
    AgentKind.CRAWLER: "Crawler",
    AgentKind.SECURITY_SCANNER: "SecurityScanner",
    AgentKind.LIBRARY: "Library",
    AgentKind.UNKNOWN: "",
}

# A model may have brackets of its own, as in "moto g(54)", and a text may end within brackets.
_WITHIN_BRACKETS = re.compile(r"(\([^()]*)\([^()]*\)")
_BRACKETS = r"\(([^()]*)(?:\)|(?=\()|$)"
_IN_BRACKETS = re.compile(_BRACKETS)

# What browsers, and apps with one inside, call themselves and their parts.
_BROWSERS = (
    r"Mozilla|AppleWebKit|Gecko|KHTML|Presto|Chrome|Chromium|CriOS|Safari|Version|"
    r"Mobile|Tablet|Firefox|FxiOS|Focus|Klar|Fennec|Iceweasel|SeaMonkey|PaleMoon|Waterfox|LibreWolf|"
    r"Thunderbird|Edge|Edg|EdgA|EdgW|EdgiOS|Opera|OPR|OPT|OPX|OPiOS|OPRGX|Vivaldi|Brave|YaBrowser|"
    r"YaSearchBrowser|YaApp_Android|YaApp_iOS|SamsungBrowser|Silk|UCBrowser|UBrowser|UCWEB|U2|"
    r"MiuiBrowser|HuaweiBrowser|HeyTapBrowser|VivoBrowser|MQQBrowser|QQBrowser|QQ|TBS|Quark|"
    r"baiduboxapp|BIDUBrowser|Whale|NAVER|Puffin|DuckDuckGo|Ddg|Ecosia|AlohaBrowser|Kiwi|Maxthon|"
    r"Epiphany|Konqueror|Falkon|Midori|QtWebEngine|Iron|Sleipnir|Dolfin|Dolphin|coc_coc_browser|"
    r"NetFront|UP\.Browser|UP\.Link|OneBrowser|Lynx|Links|ELinks|w3m|Dillo|NetSurf|NCSA_Mosaic|"
    r"IBrowse|AmigaVoyager|Voyager3|Amiga-AWeb|DoCoMo|AirWatch|AVG|Avast|ADG|Fluid|Electron|Ubuntu|Fedora|"
    r"GSA|BingSapphire|MetaIAB|Facebook|Barcelona|Instagram|Line|KAKAOTALK|MicroMessenger|Weibo|"
    r"Snapchat|Pinterest|Twitter for (?:iPhone|iPad|Android|Mac)|TwitterAndroid|LinkedInApp|Viber|"
    r"musical_ly|BytedanceWebview|trill|TikTok|Telegram|Telegram-Android|Discord|Slack|Teams|Reddit|"
    r"Threads|like Gecko"
)
# A build or a date is none to keep, only that there was one. Some apps write a space before theirs.
_NUMBER = (
    r"(?:/(?:v?(\d{1,3})(?!\w)|(?=(\d)))|"
    r"(?:(?<=Instagram)|(?<=Barcelona)|(?<=KAKAOTALK)) (\d{1,3})(?!\w))?"
)
_KEPT = re.compile(
    rf"{_BRACKETS}|\[(FB)|\[(Pinterest|LinkedInApp)\b|"
    rf"(?<![^\s\[\](),;\"])({_BROWSERS}|{APPS})(?=[\s\[\](),;\"/]|_\d|$){_NUMBER}"
)
_SYSTEM = re.compile(
    r"(Windows(?: NT| Phone)?|Macintosh|X11|Linux(?: (?:x86_64|i686|aarch64|armv?\d?l?))?|Android|"
    r"iPhone|iPad|iPod(?: touch)?|CrOS(?: (?:x86_64|aarch64|armv7l))?|Mobile|Tablet|U|wv|"
    r"compatible|MSIE|Trident|KHTML, like Gecko|Intel Mac OS X|CPU (?:iPhone )?OS|Opera Mini|"
    r"J2ME/MIDP|MIDP|PlayStation|Nintendo|Xbox|SMART-TV|Tizen|Web0S|KaiOS|Symbian|Java|Ubuntu|Fedora)"
    r"(?:([ /-])(\d{1,3})(?!\d)[\d._]*)?( like Mac OS X)?(?![\w@.=:-])"
)

# What tells who somebody is, wherever it stands. Numbers of four parts are versions as well as
# addresses, so none of them stays whole.
_TRACES = (
    (re.compile(r"[^\s()<>\[\],;:/\"'=@]+(?:@|%40)(?=[\d.]*[A-Za-z])[\w.-]+"), "0"),
    (re.compile(r"(?<=/)(\d+)(?:\.\d+){3,}"), r"\1"),
    (re.compile(r"(?<!\d)(?:\d+(?:\.\d+){3,}|\d{1,3}([_-])\d{1,3}(?:\1\d{1,3}){2,})"), "0"),
    (re.compile(r"(?<!\w)(?:[0-9A-Fa-f]{0,4}:){2,}[0-9A-Fa-f]{0,4}(?!\w)"), "0"),
    (re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"), "0"),
    (re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*\d)[A-Fa-f0-9]{8,}(?![A-Za-z0-9])"), "0"),
    (re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*\d)[A-Za-z0-9]{20,}(?![A-Za-z0-9])"), "0"),
    (re.compile(r"\d{8,}"), "0"),
    (re.compile(r"\b(iPhone|iPad|iPod|Watch|AppleTV)\d+,\d+"), r"\1"),
)
_OF_PHONE = re.compile(r"\b(?:Android|iOS|iPhone|iPad|CFNetwork|Darwin)\b", re.IGNORECASE)
_FIRST_NAME = re.compile(
    r"[A-Za-z][A-Za-z._-]{0,39}(?: [A-Za-z][A-Za-z._-]{0,19}){0,2}(?:[/ ]\d{1,3}(?!\d))?"
)


class ReducedAgent(NamedTuple):
    """A text that many share, its kind, and the number that stands for it in events."""

    id: int
    text: str
    kind: AgentKind


@lru_cache(maxsize=16_384)
def reduced(agent: str) -> ReducedAgent:
    """Return what is kept of an agent text; its kind is the one of the whole text."""
    kind = kind_of(agent)
    text = _shared(agent[:LONGEST_AGENT], kind)
    if kind_of(text) is not kind:
        text = _OTHERS[kind]
    digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest()
    return ReducedAgent(int.from_bytes(digest, signed=True), text, kind)


def _shared(text: str, kind: AgentKind) -> str:
    if kind is AgentKind.BROWSER:
        return _known_words(text)
    text = _without_traces(text)
    if kind is AgentKind.UNKNOWN:
        name = _FIRST_NAME.match(text)
        return name[0] if name else ""
    if kind is AgentKind.LIBRARY and _OF_PHONE.search(text):
        return _IN_BRACKETS.sub(_system_only, _flat(text))
    return text


def _known_words(text: str) -> str:
    """Return a browser's text made anew of its known words, in their order."""
    return " ".join(_known(found) for found in _KEPT.finditer(_flat(text)))


def _known(found: re.Match[str]) -> str:
    system, facebook, bracketed, name, number, build, spaced = found.groups()
    if system is not None:
        return _system_only(found)
    if facebook:
        return "[FBAN]"
    if bracketed:
        return f"[{bracketed}]"
    if spaced:
        return f"{name} {spaced}"
    if build:
        return f"{name}/0"
    return f"{name}/{number}" if number else name


def _flat(text: str) -> str:
    nested = 1
    while nested:
        text, nested = _WITHIN_BRACKETS.subn(r"\1", text)
    return text


def _system_only(brackets: re.Match[str]) -> str:
    parts = (_SYSTEM.match(part.strip()) for part in brackets[1].split(";"))
    return f"({'; '.join(_first_number(part) for part in parts if part)})"


def _first_number(part: re.Match[str]) -> str:
    return "".join(found or "" for found in part.groups())


def _without_traces(text: str) -> str:
    for trace, instead in _TRACES:
        text = trace.sub(instead, text)
    return text
