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


@pytest.mark.parametrize("text", ["", "x" * 10_000, "\ud800", "Mozilla/5.0 (" * 100])
def test_odd_texts_are_reduced_without_a_fault(text: str):
    one = reduced(text)
    assert len(one.text) <= LONGEST_AGENT
    assert -(2**63) <= one.id < 2**63
    assert isinstance(one.kind, AgentKind)


def test_the_number_of_a_text_is_always_the_same():
    """It stands in events of months; a change of it would part them from their texts."""
    assert reduced("curl/8.5.0").id == 8_289_349_562_133_533_597
