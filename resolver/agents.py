"""Tells from the ``User-Agent`` alone what kind of program asks. Pure.

The patterns are those of the crawler-user-agents package, by its tags. What it gets wrong for
people is set right here: a browser inside an app carries the app's name, and so does the fetcher
that makes the app's link previews; only the first has a browser's whole text in front. Each agent
text is judged once and then remembered, since a search through 1,500 patterns costs more than a
whole lookup.
"""

import re
from collections.abc import Iterable
from enum import IntEnum
from functools import cache, lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA


class AgentKind(IntEnum):
    """What kind of program a ``User-Agent`` names; the numbers are stored."""

    BROWSER = 1
    LINK_PREVIEW = 2
    CRAWLER = 3
    SECURITY_SCANNER = 4
    LIBRARY = 5
    UNKNOWN = 6


# Longer texts are made up, or attacks; their beginning says enough.
LONGEST_AGENT = 512

# Fetchers that make previews of a link somebody has sent. They come before everything else: some
# carry the name of an app, or of a browser, as well.
_PREVIEWS = re.compile(
    r"facebookexternalhit|Facebot|meta-externalfetcher|^WhatsApp/|Twitterbot|Slackbot-LinkExpanding|"
    r"Slack-ImgProxy|TelegramBot|Discordbot|LinkedInBot|SkypeUriPreview|Microsoft ?Preview|"
    r"Pinterest(?:bot)?/0|redditbot|Snap URL Preview|Cardyb|Mastodon/|Iframely|Embedly|"
    r"vkShare|^Viber$|KakaoTalk-?[Ss]crap|[Ll]ine-?poker|Signal-?LinkPreview|"
    r"com\.apple\.(?:messages|WebKit\.Networking.*preview)|XING-contenttabreceiver|"
    r"BitlyBot|Google-PageRenderer|GoogleMessages|RichPreview|LinkPreview",
    re.IGNORECASE,
)

# Browsers inside apps, and apps that are browsers: a person looks at the page. The same names stand
# in the requests of the apps themselves, so there must be a browser's text too, and a bot's word in
# it still makes it a bot.
_IN_APP = re.compile(
    r"\[?FB(?:AN|AV|_IAB)|MetaIAB|Instagram |Barcelona |Viber/[0-9]|Safari/[0-9.]+ Viber|"
    r"Line/[0-9]|KAKAOTALK|MicroMessenger/|musical_ly|BytedanceWebview|trill_|Snapchat/|Pinterest/(?:iOS|Android)|"
    r"\[Pinterest/|Twitter for |TwitterAndroid|LinkedInApp|GSA/|DuckDuckGo/|Weibo|QQ/|"
    r"AirWatch|Fluid/|Electron/|CUBOT|Cubot"
)
_SAYS_BOT = re.compile(
    r"(?<!cu)bot\b|crawl|spider|preview|headless|pingdom|brandverity|cypress", re.IGNORECASE
)

# What the text of a phone's browser begins with. An app adds its name behind it; a program that
# borrows such a text adds its own words there.
_PHONE = re.compile(
    r'^"?Mozilla/5(?:\.0)? \((?:iPhone|iPad|iPod|(?:Linux; )?(?:U; )?Android)\b.*?\) ?'
    r"(?:AppleWebKit|Gecko)\b"
)
# Apps that people look through, though a program has the same name or the same word in it: those
# whose makers fetch for previews too, and those that read the codes this product prints.
_READER = (
    r"(?:QR|Bar|Data ?Matrix|NFC)[ -]?(?:codes?)?(?: ?(?:&|and) ?(?:QR|bar)[ -]?(?:codes?)?)?"
    r"[ -]?(?:Reader|Scanner) ?(?:App|Pro|Plus|Lite)?"
)
APPS = rf"(?<![\w-])(?:WhatsApp|Mastodon|Tumblr|Bluesky|Notion|(?i:{_READER}))(?![\w-])"
_APP = re.compile(rf"{APPS}(?:/[\w.]+)?")

# Whatever calls itself one of these, in a list or not.
_AUTOMATED = re.compile(
    r"(?<!cu)bot(?:[/;) ]|$)|botcollector|crawl|spider|https?://|headless|phantomjs|slurp|scraper|"
    r"validator|monitor|archiver|(?<!cam)scanner|inspector|fetcher|proxy|transcoder|weblight|synthetics|"
    r"search console|page ?speed|\brss|rss\b|feed|\breader?/|classifier|pingdom|cypress/|thumbor|"
    r"observatory|gomezagent|dejaclick|duplexweb|swcd|burpcollaborator|\bselect[ (]|firephp|"
    r"mozilla/5\.0 \(compatible; (?!msie|u;|konqueror|opera|abrowse|ibrowse)|"
    r"like gecko; compatible; |mediapartners|adwords|mixnode|site24x7",
    re.IGNORECASE,
)
_SCANNERS = re.compile(
    r"[Mm]imecast|[Bb]arracuda|[Pp]roofpoint|Trend ?Micro|CensysInspect|[Zz]grab|masscan|Nmap|"
    r"Nikto|sqlmap|WPScan|Expanse|urlscan|VirusTotal|Office Existence Discovery|SafeBrowsing|"
    r"^SecurityScanner$|BitSight|Sophos|Forcepoint|Zscaler|[Ff]ortiguard|Netcraft|Qualys|Nessus"
)
_LIBRARIES = re.compile(
    r"^(?:Library$|curl|[Ww]get|python|Python|Go-http|Java/|okhttp|axios|node|undici|got |libwww|"
    r"PostmanRuntime|insomnia|Apache-HttpClient|Ruby|PHP|aiohttp|httpx|Guzzle|RestSharp|Dart/|reqwest|Faraday|"
    r"PowerShell|HTTPie|Deno/|Bun/|k6/|wrk|ApacheBench|hey/)"
)
# What only a program has that shows pages: an engine, wherever it is named, or a name in front. The
# name of a system is none: the apps of iOS and Android say theirs in each of their requests.
_BROWSERS = re.compile(
    r"\bMozilla ?/ ?[0-9]|\bAppleWebKit\b|\(KHTML, like Gecko|"
    r"\b(?:Gecko|KHTML|Presto|NetFront)/[0-9]|"
    r"^Opera[/ ]|^(?:Lynx|w3m|Dillo|NetSurf|Konqueror|NCSA_?Mosaic|IBrowse|Amiga-AWeb)/|"
    r"^E?Links[/ ][(0-9]|^(?:Amiga)?Voyager[/0-9]|"
    # Telephones of before, which say what they can show.
    r"\bMIDP-[0-9]|\bUP\.(?:Browser|Link)/|\bUCWEB|\bUC ?Browser|"
    r"^(?:DoCoMo|OneBrowser|SoftBank)/|^(?:KDDI|J-PHONE)[-/]|^BlackBerry[0-9]+/",
    re.IGNORECASE,
)
# How the systems of phones fetch for an app, a reader in a warehouse's among them, or ahead of a
# look. What shows a page says more than this.
_OF_APPS = re.compile(r"\bDalvik/[0-9]|\bCFNetwork/[0-9]", re.IGNORECASE)

_KIND_OF_TAG = {
    "social-preview": AgentKind.LINK_PREVIEW,
    "scanner": AgentKind.SECURITY_SCANNER,
    "http-library": AgentKind.LIBRARY,
}


def _joined(kind: AgentKind) -> re.Pattern[str]:
    """Return one pattern for all of the package's agents of a kind."""
    return re.compile("|".join(_patterns(kind)))


def _patterns(kind: AgentKind) -> Iterable[str]:
    for entry in CRAWLER_USER_AGENTS_DATA:
        tags = entry.get("tags", ())
        kinds = [_KIND_OF_TAG[tag] for tag in tags if tag in _KIND_OF_TAG]
        if (kinds[0] if kinds else AgentKind.CRAWLER) == kind:
            yield f"(?:{entry['pattern']})"


@cache
def _rules() -> tuple[tuple[AgentKind, re.Pattern[str]], ...]:
    """Return the rules, of which the first that fits decides.

    Made when first asked for: it takes longer than all else that importing the tables costs, and
    only the plane that is scanned asks.
    """
    return (
        (AgentKind.LINK_PREVIEW, _PREVIEWS),
        (AgentKind.SECURITY_SCANNER, _SCANNERS),
        (AgentKind.LIBRARY, _LIBRARIES),
        (AgentKind.LINK_PREVIEW, _joined(AgentKind.LINK_PREVIEW)),
        (AgentKind.SECURITY_SCANNER, _joined(AgentKind.SECURITY_SCANNER)),
        (AgentKind.LIBRARY, _joined(AgentKind.LIBRARY)),
        (AgentKind.CRAWLER, _joined(AgentKind.CRAWLER)),
        (AgentKind.CRAWLER, _AUTOMATED),
        (AgentKind.BROWSER, _BROWSERS),
        (AgentKind.LIBRARY, _OF_APPS),
    )


def kind_of(agent: str) -> AgentKind:
    """Return the kind of program that a ``User-Agent`` names; an empty one is unknown."""
    return _judged(agent[:LONGEST_AGENT])


@lru_cache(maxsize=16_384)
def _judged(agent: str) -> AgentKind:
    agent = _without_app(agent)
    if _is_in_app(agent):
        return AgentKind.BROWSER
    return next((kind for kind, pattern in _rules() if pattern.search(agent)), AgentKind.UNKNOWN)


def _is_in_app(agent: str) -> bool:
    return bool(
        _IN_APP.search(agent)
        and _BROWSERS.search(agent)
        and not _SAYS_BOT.search(agent)
        and not _PREVIEWS.search(agent)
    )


def _without_app(agent: str) -> str:
    """Take the app's name out of a phone's browser text: the words beside it decide."""
    phone = _PHONE.match(agent)
    if phone is None:
        return agent
    return agent[: phone.end()] + _APP.sub("", agent[phone.end() :])
