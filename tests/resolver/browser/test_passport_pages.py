"""The public pages in Chromium: WCAG 2.2 AA by axe-core, a phone's width, their strict policy.

``TIEBACK_SCREENSHOTS=directory`` keeps a picture of each page.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route

from resolver.database import Unavailable
from tests.resolver.browser.scenes import Scenes, in_language, make_scenes

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.timeout(600),
]
PHONE, DESK = {"width": 375, "height": 740}, {"width": 1280, "height": 800}
LANGUAGES = ("en", "de", "ar")
NARROWEST = {"width": 320, "height": 640}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
SMALLEST_TARGET = 24
_KEPT = os.environ.get("TIEBACK_SCREENSHOTS")


@pytest.fixture
def scenes(public: object, connections: object, monkeypatch: pytest.MonkeyPatch) -> Scenes:
    """Every page in the languages that are looked at, answered before the browser starts."""
    made = make_scenes()
    made.fetch(LANGUAGES)
    with monkeypatch.context() as broken:
        broken.setattr("resolver.redirects.known_host", _unavailable)
        made.paths["unavailable"] = "/mu/ABCDEFGHJKLMNPQRSTUV"
        for language in LANGUAGES:
            made.add(in_language(made.paths["unavailable"], language))
    return made


def _unavailable(_: str) -> None:
    raise Unavailable


@contextmanager
def opened(
    chromium: Browser, scenes: Scenes, viewport: dict[str, int], scheme: str
) -> Iterator[tuple[Page, list[str]]]:
    """Give a tab that is answered from the scenes, and the complaints of the browser."""
    context = chromium.new_context(viewport=viewport, color_scheme=scheme)
    complaints: list[str] = []

    def answer(route: Route) -> None:
        address = urlsplit(route.request.url)
        path = address.path + (f"?{address.query}" if address.query else "")
        given = scenes.answers.get(path)
        if given is None:
            complaints.append(f"asked for {route.request.url}")
            route.abort()
            return
        route.fulfill(status=given.status, headers=given.headers, body=given.body)

    context.route("**/*", answer)
    page = context.new_page()
    # The browser's own word on a page that is not 200 is no fault of the page.
    page.on(
        "console",
        lambda said: (
            None if "Failed to load resource" in said.text else complaints.append(said.text)
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page, complaints
    context.close()


def show(page: Page, scenes: Scenes, name: str, language: str) -> None:
    page.goto(f"https://{scenes.host}{in_language(scenes.paths[name], language)}")


def keep(page: Page, *words: str) -> None:
    if _KEPT:
        name = "-".join(words).replace(" ", "_")
        page.screenshot(path=Path(_KEPT) / f"{name}.png", full_page=True)


def test_no_page_has_a_fault_that_axe_finds(chromium: Browser, scenes: Scenes):
    faults: dict[tuple[str, ...], list[str]] = {}
    for scheme, language in product(("light", "dark"), ("en", "ar")):
        with opened(chromium, scenes, PHONE, scheme) as (page, complaints):
            for name in scenes.paths:
                show(page, scenes, name, language)
                keep(page, name, language, scheme)
                found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
                for fault in found.response["violations"]:
                    nodes = [node["html"] for node in fault["nodes"]]
                    where = name, language, scheme
                    faults.setdefault(where, []).append(f"{fault['id']}: {nodes}")
        assert complaints == []
    assert faults == {}


def test_no_page_is_wider_than_its_window(chromium: Browser, scenes: Scenes):
    for viewport, language in product((NARROWEST, PHONE, DESK), LANGUAGES):
        with opened(chromium, scenes, viewport, "light") as (page, complaints):
            for name in scenes.paths:
                show(page, scenes, name, language)
                keep(page, name, language, str(viewport["width"]))
                width = page.evaluate("document.documentElement.scrollWidth")
                assert width <= viewport["width"], (name, language)
                direction = page.evaluate("getComputedStyle(document.body).direction")
                assert direction == ("rtl" if language == "ar" else "ltr"), name
        assert complaints == []


def test_every_link_can_be_hit_with_a_finger_and_reached_by_key(chromium, scenes):
    with opened(chromium, scenes, PHONE, "light") as (page, _):
        for name in scenes.paths:
            show(page, scenes, name, "en")
            links = page.locator("a").all()
            for link in links:
                box = link.bounding_box()
                assert box is not None, name
                assert min(box["width"], box["height"]) >= SMALLEST_TARGET, (name, box)
            reached = []
            for _link in links:
                page.keyboard.press("Tab")
                reached.append(page.evaluate("document.activeElement.getAttribute('href')"))
            assert reached == [link.get_attribute("href") for link in links], name
            outline = "getComputedStyle(document.activeElement).outlineStyle"
            assert not links or page.evaluate(outline) != "none", name


def test_the_policy_lets_nothing_else_in(chromium, scenes):
    """The check of the checks: what these pages must not do is refused and noticed."""
    for name in ("first scan", "unknown"):
        path = in_language(scenes.paths[name], "en")
        answer = scenes.answers[path]
        intruder = b"<style>h1{display:none}</style><script>document.title='x'</script></body>"
        spoilt = answer._replace(body=answer.body.replace(b"</body>", intruder))
        scenes.answers[path] = spoilt._replace(
            headers={k: v for k, v in spoilt.headers.items() if k != "Content-Length"}
        )
        with opened(chromium, scenes, PHONE, "light") as (page, complaints):
            show(page, scenes, name, "en")
            assert page.title() != "x"
            assert page.locator("h1").is_visible()
            assert len([c for c in complaints if "Content Security Policy" in c]) == 2


def test_the_style_of_a_fixed_page_is_in_force(chromium, scenes):
    with opened(chromium, scenes, PHONE, "dark") as (page, _):
        show(page, scenes, "unavailable", "en")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(22, 24, 27)"
