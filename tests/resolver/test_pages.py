"""The fixed pages: ready in every language, under a policy of their own, with nothing running."""

import hashlib
import re
from base64 import b64encode

import pytest

from resolver import pages
from resolver.database import Unavailable
from resolver.faces import Face
from resolver.languages import OFFERED
from tests.resolver.scanning import scan

EVERY = {
    "unknown": pages.unknown(),
    "no such host": pages.NO_SUCH_HOST,
    "not allowed": pages.NOT_ALLOWED,
    "unavailable": pages.UNAVAILABLE,
    "malformed": pages.malformed("The reason <b>.", "/01/1?a=1&b=2"),
}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("language", OFFERED.values(), ids=lambda language: language.tag)
def test_a_page_is_small_and_whole_in_every_language(name, language):
    page = EVERY[name](language.tag).decode()
    assert page.startswith(
        f'<!doctype html>\n<html lang="{language.tag}" dir="{language.direction}">'
    )
    assert len(page.encode()) < 6_000
    assert len(re.findall(r"<h1>[^<]+</h1>", page)) == 1
    assert "@" not in re.sub(r"@media", "", page)
    for other in OFFERED:
        assert other == language.tag or EVERY[name](other) != EVERY[name](language.tag)


def test_the_policy_names_the_style_and_nothing_else():
    (style,) = re.findall(r"<style>(.*?)</style>", pages.UNAVAILABLE("de").decode(), re.DOTALL)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in pages.POLICY
    assert "script" not in pages.POLICY
    assert "unsafe" not in pages.POLICY


def test_what_is_wrong_with_a_code_is_marked_as_english_and_escaped():
    page = EVERY["malformed"]("fr").decode()
    assert '<p class="why" lang="en" dir="ltr">The reason &lt;b&gt;.</p>' in page
    assert 'href="/01/1?a=1&amp;b=2"' in page


def test_whom_to_ask_is_said_where_the_brand_says_it():
    face = Face("N<b>", support_url="https://a.example/", support_email="a@b.example")
    page = pages.unknown(face)("de").decode()
    assert "<h2>Kontakt zu N&lt;b&gt;</h2>" in page
    assert 'href="https://a.example/"' in page
    assert 'href="mailto:a@b.example"' in page
    assert pages.unknown()("de") == pages.unknown(Face("Nordhav"))("de")


def test_the_page_is_in_the_readers_language_while_nothing_answers(monkeypatch):
    def gone(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr("resolver.redirects.known_host", gone)
    answer = scan("/mu/ABCDEFGHJKLMNPQRSTUV", accept_language="xx, pl;q=0.3")
    assert (answer.status, answer.headers["Content-Language"]) == (503, "pl")
    assert answer.headers["Vary"] == "Accept-Language"
    assert answer.headers["Content-Security-Policy"] == pages.POLICY
    assert '<html lang="pl"' in answer.body
    assert '<html lang="ar" dir="rtl">' in scan("/01/1/21/x", query="lang=ar").body


def test_a_preview_is_in_the_readers_language_too():
    page = pages.preview("Wool <b>", "Nordhav")("it").decode()
    assert 'content="Passaporto digitale di un articolo di Nordhav."' in page
    assert 'property="og:title" content="Wool &lt;b&gt;"' in page
