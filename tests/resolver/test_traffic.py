"""A person's look at a code is told from everything else that fetches it."""

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from fake_useragent.utils import load as real_browsers

from resolver.agents import AgentKind, kind_of
from resolver.traffic import TrafficClass, classify
from tests.resolver.scanning import IPHONE

CHROME = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/133.0.0.0 Mobile Safari/537.36"
)
IN_APP = f"{CHROME} "
IPHONE_APP = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Mobile/15E148"
)
PERSON, PREVIEW, CRAWLER, SCANNER, PREFETCH, MACHINE, UNKNOWN, TEST = TrafficClass

# Entries of the package's list that are people in apps, by the words that show it.
PEOPLE_IN_THE_LIST = ("Instagram 406", "MetaIAB", "Electron/", "Fluid/")


def seen(agent: str | None = IPHONE, method: str = "GET", **headers: str) -> TrafficClass:
    environ = {"REQUEST_METHOD": method, "PATH_INFO": "/"}
    if agent is not None:
        environ["HTTP_USER_AGENT"] = agent
    return classify(environ | {f"HTTP_{name}": value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("agent", "traffic"),
    [
        (IPHONE, PERSON),
        (CHROME, PERSON),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0", PERSON),
        (f"{IPHONE} [FBAN/FBIOS;FBAV/450.0]", PERSON),
        (f"{IN_APP}Instagram 300.0.0.0.1 Android", PERSON),
        (f"{IN_APP}MetaIAB Facebook", PERSON),
        (f"{IN_APP}Line/13.1.0/IAB", PERSON),
        (f"{IN_APP}Viber/11.9", PERSON),
        (CHROME.replace("Pixel 8", "CUBOT X30"), PERSON),
        (CHROME.replace("Pixel 8", "Cubot_KingKong Build/R"), PERSON),
        ("Opera/9.80 (J2ME/MIDP; Opera Mini/7.1) Presto/2.12", PERSON),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", PREVIEW),
        ("WhatsApp/2.23.20.0 A", PREVIEW),
        ("Twitterbot/1.0", PREVIEW),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", PREVIEW),
        ("TelegramBot (like TwitterBot)", PREVIEW),
        (f"{IPHONE} (Applebot) com.apple.messages facebookexternalhit Facebot Twitterbot", PREVIEW),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", CRAWLER),
        (f"{CHROME} (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", CRAWLER),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", CRAWLER),
        ("Mozilla/5.0 (compatible; SomethingNew/1.0)", CRAWLER),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), CRAWLER),
        ("Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)", SCANNER),
        ("Mozilla/5.0 zgrab/0.x", SCANNER),
        ("curl/8.5.0", MACHINE),
        ("python-requests/2.31.0", MACHINE),
        ("okhttp/4.12.0", MACHINE),
        ("Go-http-client/2.0", MACHINE),
        ("WarehouseReader 7 (dock 3)", UNKNOWN),
        ("", MACHINE),
        (None, MACHINE),
    ],
)
def test_agents_are_sorted(agent, traffic):
    assert seen(agent) is traffic


@pytest.mark.parametrize("browser", [IPHONE_APP, CHROME])
@pytest.mark.parametrize(
    "app",
    [
        "WhatsApp/2.24.15.78",
        "WhatsApp",
        "Mastodon/2024.5",
        "Tumblr/32.1",
        "Bluesky/1.9",
        "Notion/7",
    ],
)
def test_who_looks_through_an_app_that_also_fetches_previews_is_a_person(browser, app):
    assert seen(f"{browser} {app}") is PERSON


def test_the_desktop_app_of_a_messenger_is_looked_through_too():
    agent = CHROME.replace("Linux; Android 14; Pixel 8", "Windows NT 10.0; Win64; x64")
    assert seen(agent.replace("Chrome/", "WhatsApp/2.2587.9 Chrome/") + " Electron/30.1") is PERSON


@pytest.mark.parametrize(
    "agent",
    [
        "WhatsApp",
        "WhatsApp/2.23.20.0 A",
        "WhatsApp/2.24.1 i",
        "WhatsApp/2.2587.9 N",
        f"{IPHONE} facebookexternalhit/1.1 Facebot Twitterbot/1.0",
        f"{IPHONE_APP} WhatsApp/2.24.15.78 facebookexternalhit/1.1",
        f"{IPHONE} BingPreview/1.0b",
        f"{CHROME} Google-PageRenderer Google (+https://developers.google.com/+/web/snippet/)",
        "Mozilla/5.0 (compatible; WhatsApp/2.23)",
        "http.rb/5.1.1 (Mastodon/4.0.2; +https://mastodon.social/)",
        "Bluesky/1.9",
    ],
)
def test_a_fetcher_of_previews_stays_one_whatever_else_it_says(agent):
    assert seen(agent) is PREVIEW


@pytest.mark.parametrize(
    ("agent", "traffic"),
    [
        ("Dalvik/2.1.0 (Linux; U; Android 11; TC52 Build/RKQ1)", MACHINE),
        ("Dalvik/2.1.0 (Linux; U; Android 9; CUBOT X30 Build/P)", MACHINE),
        ("WarehouseScan/3.1 CFNetwork/1410.0.3 Darwin/22.6.0", MACHINE),
        ("MobileSafari/8618.2.12 CFNetwork/1496.0.7 Darwin/23.5.0", MACHINE),
        ("Viber/12.8.0.1 CFNetwork/1121.2.2 Darwin/19.3.0", PREVIEW),
        ("DuckDuckGo/0 CFNetwork/1126 Darwin/19.5.0", MACHINE),
        ("Outlook-iOS/723.4 (3.26.0)", UNKNOWN),
        ("MyERP Android client 1.0", UNKNOWN),
        ("MyERP Line/1 for Android", UNKNOWN),
        ("Swarovski-iOS-app", UNKNOWN),
        ("Microsoft Defender SmartScreen iOS", UNKNOWN),
        ("SafeLinks", UNKNOWN),
        ("Samsung LG-Reader Nokia", UNKNOWN),
        ("SAMSUNG-SM-G900V/101.60", UNKNOWN),
        ("Instagram 300.0.0.1 Android (33/13; 420dpi; samsung; SM-S911B; en_US)", UNKNOWN),
        ("MozacFetch/135.0", CRAWLER),
    ],
)
def test_an_app_that_fetches_without_a_browser_is_no_person(agent, traffic):
    """A reader in a warehouse must not use up the first scan."""
    assert seen(agent) is traffic


@pytest.mark.parametrize(
    "agent",
    [
        "Nokia6280/2.0 (03.60) Profile/MIDP-2.0 Configuration/CLDC-1.1",
        "SAMSUNG-GT-S5620/1.0 SHP/VPP/R5 Dolfin/1.5 profile/MIDP-2.1 configuration/CLDC-1.1",
        "MOT-V177/0.1.75 UP.Browser/6.2.3.9.c.12 (GUI) MMP/2.0 UP.Link/6.3.1.13.0",
        "UCWEB/2.0 (Java; U; MIDP-2.0; ru; Nokia) U2/1.0.0 UCBrowser/9.5.0.449 U2/1.0.0 Mobile",
        "BlackBerry8520/5.0.0.681",
        "DoCoMo/2.0 N905i(c100;TB;W24H16)",
        "Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.6.5",
        "Links (2.1pre23; Linux 3.5.0 i686; 237x63)",
        "ELinks/0.12~pre6 (textmode; Linux 3.11.0 i686; 100x25-2)",
        "w3m/0.5.3",
        "NCSA_Mosaic/2.7b5 (X11;Linux 2.6.7 i686) libwww/2.12 modified",
        "Job Search/24.4 Mozilla/5.0 (Linux; Android 14; wv) AppleWebKit/537.36 Chrome/122.0",
        "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/118.0 Safari/537.36",
        "Opera/9.80 (Android; Opera Mini/12.0.1987/37.7327; U; pl) Presto/2.12.423 Version/12.16",
    ],
)
def test_old_and_odd_browsers_are_looked_through(agent):
    assert seen(agent) is PERSON


@pytest.mark.parametrize("browser", [IPHONE_APP, CHROME])
@pytest.mark.parametrize(
    "app",
    [
        "QR Reader/3",
        "QR Scanner/4",
        "BarcodeScanner/4",
        "QRCodeReader/2.1",
        "QR & Barcode Scanner/3.2",
        "Barcode-Reader",
        "com.example.qrscanner/1.0",
        "NFC Reader Pro/2",
        "Data Matrix Scanner",
    ],
)
def test_who_looks_through_an_app_that_reads_codes_is_a_person(browser, app):
    assert seen(f"{browser} {app}") is PERSON


@pytest.mark.parametrize(
    ("agent", "traffic"),
    [
        ("QR Reader/3", CRAWLER),
        ("BarcodeScanner/4 (Linux; Android 14)", CRAWLER),
        (
            CHROME.replace("Linux; Android 14; Pixel 8", "X11; Linux x86_64") + " QR Scanner",
            CRAWLER,
        ),
        (f"{CHROME} QR Scanner/4 (compatible; Googlebot/2.1)", CRAWLER),
        (f"{CHROME} QRScannerBot/4", CRAWLER),
        (f"{CHROME} QR Scanner Bot/4", CRAWLER),
        (f"{CHROME} Trend Micro QR Scanner/4", SCANNER),
        (f"{CHROME} Security Scanner/1", CRAWLER),
        (f"{CHROME} RSS Reader/1", CRAWLER),
        (f"{CHROME} Feed QR Reader/1", CRAWLER),
        (f"{IPHONE_APP} AcmeReader/1 reader/2", CRAWLER),
    ],
)
def test_a_reader_of_other_things_stays_a_program(agent, traffic):
    assert seen(agent) is traffic


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST"])
def test_only_a_get_is_a_look(method):
    assert seen(IPHONE, method) is MACHINE


@pytest.mark.parametrize(
    "headers",
    [
        {"SEC_PURPOSE": "prefetch"},
        {"SEC_PURPOSE": "prefetch;prerender"},
        {"PURPOSE": "prefetch"},
        {"X_PURPOSE": "preview"},
        {"X_MOZ": "prefetch"},
    ],
)
def test_loading_ahead_is_no_look(headers):
    assert seen(IPHONE, **headers) is PREFETCH


@pytest.mark.parametrize(
    ("headers", "traffic"),
    [
        ({"ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8"}, PERSON),
        ({"ACCEPT": "*/*"}, PERSON),
        ({"ACCEPT": "application/linkset+json"}, MACHINE),
        ({"ACCEPT": "application/json"}, MACHINE),
        ({"ACCEPT": "image/avif,image/webp"}, MACHINE),
        ({"SEC_FETCH_DEST": "document"}, PERSON),
        ({"SEC_FETCH_DEST": "empty"}, MACHINE),
        ({"SEC_FETCH_DEST": "image"}, MACHINE),
    ],
)
def test_a_browser_that_wants_no_page_is_a_machine(headers, traffic):
    assert seen(IPHONE, **headers) is traffic


def test_no_browser_of_a_public_list_is_taken_for_a_program():
    agents = {entry["useragent"] for entry in real_browsers()}
    assert len(agents) > 500
    assert [agent for agent in agents if seen(agent) is not PERSON] == []


def test_the_programs_of_a_public_list_are_found():
    agents = {agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]}
    programs = [a for a in agents if not any(word in a for word in PEOPLE_IN_THE_LIST)]
    assert len(programs) > 2_000
    assert [agent for agent in programs if seen(agent) is PERSON] == []


def test_a_program_is_found_by_its_words_where_no_list_has_its_name():
    for agent in ("FreshBot/1.0", "x-spider", "Scraper 2", f"{CHROME} AcmeMonitor/1"):
        assert kind_of(agent) is AgentKind.CRAWLER


def test_a_text_without_end_is_judged_by_its_beginning():
    assert kind_of("A" * 100_000) is kind_of("A" * 512)


def test_the_numbers_that_are_stored_stay_what_they_are():
    assert [member.value for member in TrafficClass] == [1, 2, 3, 4, 5, 6, 7, 8]
