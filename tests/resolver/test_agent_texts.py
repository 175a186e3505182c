"""Reduced agent texts: of the same kind as the whole ones, without what tells people apart."""

import re

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from fake_useragent.utils import load as real_browsers

from resolver.agent_texts import reduced
from resolver.agents import LONGEST_AGENT, AgentKind, kind_of
from tests.resolver.scanning import IPHONE

BROWSERS = sorted({entry["useragent"] for entry in real_browsers()})
PROGRAMS = sorted(
    {text for entry in CRAWLER_USER_AGENTS_DATA for text in entry.get("instances", ())}
)
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
FULL_VERSION = re.compile(r"\d+[._]\d+")
MODEL = re.compile(r"Android [\d.]+; (?:[a-z]{2}-[A-Za-z]{2}; )?([^;)]{3,}?)(?: Build/[^;)]*)?[;)]")
NO_MODELS = {"Mobile", "Tablet", "arm_64", "wv"}


def test_a_reduced_text_is_of_the_kind_of_the_whole_one():
    assert len(BROWSERS) > 500
    assert len(PROGRAMS) > 1_500
    changed = [text for text in BROWSERS + PROGRAMS if kind_of(reduced(text).text) != kind_of(text)]
    assert changed == []
    assert all(reduced(text).kind is kind_of(text) for text in BROWSERS + PROGRAMS)


def test_no_browser_keeps_a_full_version():
    texts = {reduced(text).text.replace("x86_64", "") for text in BROWSERS}
    kept = [text for text in texts if FULL_VERSION.search(text)]
    assert kept == []


def test_no_browser_keeps_the_model_of_its_device():
    found = {
        (text, model)
        for text in BROWSERS
        for model in MODEL.findall(text)
        if model not in NO_MODELS and not model.startswith("rv:")
    }
    assert len(found) > 20
    assert [(text, model) for text, model in found if model in reduced(text).text] == []


@pytest.mark.parametrize("detail", ["18_3_2", "18.3.1", "15E148", "604.1"])
def test_an_iphone_keeps_its_system_and_none_of_its_details(detail: str):
    assert detail in IPHONE
    assert detail not in reduced(IPHONE).text
    assert "iPhone OS 18" in reduced(IPHONE).text


def test_browsers_share_their_texts():
    """What many share tells nobody: the same phone with another build, model and patch."""
    texts = {
        reduced(
            f"Mozilla/5.0 (Linux; Android 14; {model} Build/{build}) AppleWebKit/537.36 "
            f"(KHTML, like Gecko) Chrome/133.0.{patch} Mobile Safari/537.36"
        )
        for model, build, patch in (
            ("SM-S918B", "UP1A.231005.007", "6943.137"),
            ("Pixel 8", "AP4A.250205.002", "6943.49"),
            ("moto g(54)", "U1TD34", "0.0"),
        )
    }
    assert len({one.text for one in texts}) == len({one.id for one in texts}) == 1


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (
            "Mozilla/5.0 (Linux; Android 14; moto g(54) Build/U1) Chrome/133.0.1 Safari/537.36",
            "moto",
        ),
        ("Mozilla/5.0 (Linux; Android 14; SM-S918B", "SM-S918B"),
        ("Mozilla/5.0 (Linux; Android 14; SM-S918B (b", "SM-S918B"),
        (f"{IPHONE} [FBAN/FBIOS;FBAV/450.0;FBDV/iPhone14,5;FBLC/de_DE]", "iPhone14"),
        (f"{IPHONE} [FBAN/FBIOS;FBAV/450.0;FBDV/iPhone14,5;FBLC/de_DE", "de_DE"),
        (f"{IPHONE} musical_ly_30.0 NetType/WIFI ByteLocale/de Region/DE BytedanceWebview", "/DE"),
        (f"{IPHONE} MicroMessenger/8.0.16(0x18001041) NetType/WIFI Language/zh_CN", "zh_CN"),
        (f"{IPHONE} Instagram 300.0.0.1 (iPhone14,5; iOS 17_5; en_US; scale=3.00)", "iPhone14"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14816.131.0) Chrome/103.0.0.0 Safari/537.36", "131"),
    ],
)
def test_models_and_languages_are_found_where_apps_hide_them(text: str, secret: str):
    assert secret in text
    assert secret not in reduced(text).text
    assert kind_of(reduced(text).text) is kind_of(text) is AgentKind.BROWSER


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (IPHONE, "Version/18 Mobile/0 Safari/604"),
        (
            f"{ANDROID} SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36",
            "SamsungBrowser/24",
        ),
        (
            f"{ANDROID} Chrome/133.0.0.0 Mobile Safari/537.36 Instagram 300.0.1 Android",
            "Instagram 300",
        ),
        (f"{IPHONE} [FBAN/FBIOS;FBAV/450.0]", "[FBAN]"),
        (f"{IPHONE} Line/14.1.0", "Line/14"),
        (f"{IPHONE} MicroMessenger/8.0.16(0x18001041)", "MicroMessenger/8"),
        (f"{IPHONE} WhatsApp/2.24.15.78", "WhatsApp/2"),
        (f"{IPHONE} QR Reader/3.1", "QR Reader/3"),
        (f"{IPHONE} Twitter for iPhone/10.2", "Twitter for iPhone/10"),
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "like Gecko"),
    ],
)
def test_a_browser_keeps_its_names_and_their_first_numbers(text: str, kept: str):
    assert kept in reduced(text).text


@pytest.mark.parametrize("browser", [IPHONE, ANDROID, BROWSERS[0], "Opera/9.80 (Windows NT 6.1)"])
@pytest.mark.parametrize(
    ("added", "secrets"),
    [
        ("[ip:151.38.57.21]", ["151", "38.57", "57.21"]),
        ("(151.38.57.21)", ["151"]),
        ("ip/151.38.57.21", ["151"]),
        ("[2001:db8:85a3::8a2e:370:7334]", ["2001", "85a3", "7334"]),
        ("user=jane.doe@example.com", ["user", "jane", "doe", "example"]),
        ("(Linux jane.doe; Android jane)", ["jane", "doe"]),
        ("uid/jdoe", ["uid", "jdoe"]),
        ("jane.Line/5", ["jane"]),
        ("Line.jane@example.com", ["jane", "example"]),
        ("deviceId/dfa51331-fdeb-46d7-aa01-8d09a263ef90", ["deviceId", "dfa5", "46d7", "ef90"]),
        ("Mobile/12345678 Safari/15E148", ["1234", "15E"]),
        ("Jane's iPad", ["Jane"]),
        ("[FBAN/X;FBDV/iPhone14,5;FBUN/jdoe]", ["iPhone14", "jdoe"]),
    ],
)
def test_nothing_of_a_browser_is_kept_but_words_that_are_known(
    browser: str, added: str, secrets: list[str]
):
    text = f"{browser} {added}"
    assert kind_of(text) is AgentKind.BROWSER
    assert [secret for secret in secrets if secret in reduced(text).text] == []
    assert kind_of(reduced(text).text) is AgentKind.BROWSER


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("okhttp/4.9 (jane.doe@example.com; 10.20.30.40)", "okhttp/4.9 (0; 0)"),
        ("python-requests/2.31.0 ip=10.20.30.40", "python-requests/2.31.0 ip=0"),
        ("curl/8.5.0 10-20-30-40.dsl.example", "curl/8.5.0 0.dsl.example"),
        ("curl/8.5.0 ip:2001:db8:85a3::8a2e:370:7334", "curl/8.5.0 ip:0"),
        ("curl/8.5.0 ::ffff:10.20.30.40", "curl/8.5.0 0"),
        ("curl/8.5.0 dfa51331-fdeb-46d7-aa01-8d09a263ef90", "curl/8.5.0 0"),
        ("curl/8.5.0 device_8f3a9c21 no.491701234567", "curl/8.5.0 device_0 no.0"),
        ("Twitterbot/1.0 jane%40example.com", "Twitterbot/1.0 0"),
        ("Googlebot/2.1 (+http://www.google.com/bot.html)", None),
        ("libwww-perl/6.00 LWP::Simple/6.00", None),
        ("Apache-HttpClient/4.5.10 (Java/1.8.0_201)", None),
        (
            "Dalvik/2.1.0 (Linux; U; Android 11; TC52 Build/R)",
            "Dalvik/2.1.0 (Linux; U; Android 11)",
        ),
        (
            "Shop/1 iPhone14,5 iOS/17 CFNetwork/1410 Darwin/22",
            "Shop/1 iPhone iOS/17 CFNetwork/1410 Darwin/22",
        ),
        ("WarehouseReader 7 (dock 3; jane)", "WarehouseReader 7"),
        ("uid/jdoe", "uid"),
        ("jane@example.com", ""),
    ],
)
def test_a_program_keeps_its_text_without_addresses_and_long_numbers(text: str, kept: str | None):
    one = reduced(text)
    assert one.text == (text if kept is None else kept)
    assert kind_of(one.text) is one.kind is kind_of(text)


@pytest.mark.parametrize(
    "text",
    ["scraping@nytimes.com", "zgrab@example.com", "curl@example.com", "Slackbot@example.com"],
)
def test_a_program_that_only_its_address_tells_of_keeps_its_kind(text: str):
    one = reduced(text)
    assert "@" not in one.text
    assert kind_of(one.text) is one.kind is kind_of(text) is not AgentKind.UNKNOWN


def test_a_reduced_text_is_reduced_no_further():
    """Stored texts are judged again, and some day perhaps reduced again."""
    texts = [reduced(text).text for text in BROWSERS + PROGRAMS]
    assert [text for text in texts if reduced(text).text != text] == []


def test_a_browser_of_a_public_list_keeps_its_name():
    """What stands for a text that cannot be reduced stands for none of them."""
    assert [text for text in BROWSERS if reduced(text).text == "Mozilla/5"] == []


@pytest.mark.parametrize("text", ["", "x" * 10_000, "\ud800", "Mozilla/5.0 (" * 100])
def test_odd_texts_are_reduced_without_a_fault(text: str):
    one = reduced(text)
    assert len(one.text) <= LONGEST_AGENT
    assert -(2**63) <= one.id < 2**63
    assert isinstance(one.kind, AgentKind)


def test_the_number_of_a_text_is_always_the_same():
    """It stands in events of months; a change of it would part them from their texts."""
    assert reduced("curl/8.5.0").id == 8_289_349_562_133_533_597
