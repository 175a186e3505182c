"""The pages about a code's links are in the reader's language; what programs read is in English."""

import json
import re

import pytest

from resolver import pages
from resolver.languages import OFFERED
from tests.factories import BrandWorld, make_world
from tests.resolver.linking import LINKSET, PDF, add_link, browse, fetch
from tests.resolver.scanning import Answer
from tests.resolver.units import Minted, mint

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
FAQS, RECALLS = "gs1:faqs", "gs1:recallStatus"
ALL, CHOICES, MISSING = "linkType=linkset", f"linkType={FAQS}", f"linkType={RECALLS}"

STATUS = {ALL: 200, CHOICES: 300, MISSING: 404}
SAID = {
    "de": {
        ALL: [
            "Was mit diesem Code verknüpft ist Chair, Seriennummer 007-A Chair",
            "Chair, Charge L1",
            "Digitaler Produktpass (text/html) Produktinformationsseite (text/html)",
            "Questions, part one (Häufig gestellte Fragen · text/html)",
        ],
        CHOICES: ["Bitte wählen: Häufig gestellte Fragen Chair, Seriennummer 007-A Questions"],
        MISSING: [
            "Diesen Link gibt es nicht Zu diesem Code gibt es keinen Link der Art „Rückrufstatus“.",
            "Verfügbare Links für Chair, Seriennummer 007-A: Digitaler Produktpass",
        ],
    },
    "ar": {
        ALL: [
            "ما يرتبط بهذا الرمز Chair، الرقم التسلسلي 007-A",
            "Chair، التشغيلة L1",
            "جواز المنتج الرقمي (text/html)",
            "(الأسئلة الشائعة · text/html)",
        ],
        CHOICES: ["اختر: الأسئلة الشائعة Chair، الرقم التسلسلي 007-A"],
        MISSING: [
            "لا يوجد هذا الرابط",
            "من نوع «حالة الاستدعاء من السوق».",
            "الروابط المتاحة للمنتج",
        ],
    },
}


@pytest.fixture
def minted(nordhav: BrandWorld) -> Minted:
    return linked(nordhav)


def linked(world: BrandWorld) -> Minted:
    """Mint a chair whose questions are answered in two places."""
    for name in ("one", "two"):
        add_link(world, FAQS, f"https://a.example/{name}", title=f"Questions, part {name}")
    return mint(world, name="Chair", serials=["007-A"], lot="L1")


def unit_of(minted: Minted) -> str:
    return f"/01/{minted.gtin}/21/007-A"


def read(answer: Answer) -> str:
    """Return what a reader sees of a page, with a space where something else begins."""
    body = re.sub(r"<script.*?</script>", "", answer.body.partition("<body>")[2])
    apart = re.sub(r"</?(h1|h2|p|ul|li)>", " ", body)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", apart))


@pytest.mark.parametrize("language", SAID)
@pytest.mark.parametrize("query", [ALL, CHOICES, MISSING])
def test_a_page_is_in_the_language_of_its_reader(minted, language, query):
    answer = browse(unit_of(minted), query, accept_language=f"fi, {language};q=0.7")
    assert answer.status == STATUS[query]
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Language"] == language
    assert answer.headers["Vary"] == "Accept, Accept-Language"
    assert answer.headers["Content-Security-Policy"] == pages.POLICY
    assert 'rel="linkset"' in answer.headers["Link"]
    assert f'<html lang="{language}" dir="{OFFERED[language].direction}">' in answer.body
    shown = read(answer)
    assert [text for text in SAID[language][query] if text not in shown] == []
    assert not re.search("linked|serial number|Frequently|passport|Product info|Recall|kind", shown)


def test_the_address_decides_the_language_before_the_browser(minted):
    for query in (ALL, CHOICES, MISSING):
        answer = browse(unit_of(minted), f"{query}&lang=sv", accept_language="de")
        assert answer.headers["Content-Language"] == "sv"


def test_a_language_that_the_address_asks_for_goes_along_to_what_is_here(minted):
    (token,) = minted.tokens
    page = browse(unit_of(minted), f"{ALL}&lang=SV&x=1", accept_language="de").body
    assert f'/p/{token}?lang=sv"' in page
    assert f'/p/01/{minted.gtin}?lang=sv"' in page
    assert 'href="https://a.example/one"' in page
    assert f'/p/{token}"' in page.partition("<script")[2]
    missing = browse(unit_of(minted), f"{MISSING}&lang=sv&x=1").body
    assert f'href="?linkType={FAQS}&amp;lang=sv"' in missing


@pytest.mark.parametrize("query", ["", "&lang=xx"])
def test_what_no_address_asks_for_is_not_added(minted, query):
    for page in (ALL, MISSING):
        assert "lang=" not in re.sub(
            '(href)?lang="', "", browse(unit_of(minted), page + query, accept_language="sv").body
        )


def test_the_brands_language_counts_where_the_reader_names_none_that_is_offered():
    polish = linked(make_world("nordhav", default_locale="pl"))
    for query in (ALL, CHOICES, MISSING):
        answer = browse(unit_of(polish), query, accept_language="fi")
        assert (answer.headers["Content-Language"], 'lang="pl"' in answer.body) == ("pl", True)


def test_whoever_names_no_language_reads_english(minted):
    assert "What is linked to this code Chair, serial number 007-A" in read(
        browse(unit_of(minted), ALL)
    )
    missing = read(browse(unit_of(minted), MISSING))
    assert "This code has no link of the kind “Recall status”. Available for Chair" in missing
    unheard = read(browse(unit_of(minted), "linkType=gs1:nosuchlt"))
    assert "This code has no link of the kind that was asked for." in unheard


def test_the_titles_of_links_are_the_brands_words_and_stay(minted, nordhav):
    add_link(nordhav, "gs1:pip", "https://a.example/pip", title="Digital product passport")
    body = browse(unit_of(minted), ALL, accept_language="de").body
    assert ">Questions, part one</a> (Häufig gestellte Fragen · <bdi>text/html</bdi>)" in body
    assert ">Digital product passport</a> (Produktinformationsseite" in body


def test_what_is_filled_in_keeps_its_direction_and_is_no_markup(nordhav):
    minted = mint(nordhav, name="Chair <b>", serials=["007-A"])
    body = browse(unit_of(minted), MISSING, accept_language="ar").body
    product = '<span dir="auto">Chair &lt;b&gt;</span>'
    assert f"{product}، الرقم التسلسلي <bdi>007-A</bdi>:" in body


def test_each_kind_of_code_is_called_what_it_is(nordhav):
    minted = mint(nordhav, name="Chair %(lot)s", lot="L1")
    product = f"/01/{minted.gtin}"
    for path, words in (
        (product, "für Chair %(lot)s:"),
        (f"{product}/10/L1", "für Chair %(lot)s, Charge L1:"),
        (f"/mb/{minted.batch.id}", "für Chair %(lot)s, Fertigungslauf:"),
    ):
        assert words in read(browse(path, MISSING, accept_language="de"))


@pytest.mark.parametrize(
    ("query", "accept", "status"),
    [
        (ALL, "*/*", 200),
        ("", LINKSET, 200),
        ("", "application/ld+json", 200),
        (CHOICES, "*/*", 300),
        (CHOICES, PDF, 300),
        (MISSING, "*/*", 404),
    ],
)
def test_programs_are_told_the_same_in_every_language(minted, query, accept, status):
    english = fetch(unit_of(minted), query, accept)
    assert english.status == status
    for language in ("de", "ar"):
        assert fetch(unit_of(minted), query, accept, accept_language=language) == english
    assert "Content-Language" not in english.headers
    document = json.loads(english.body)
    if status != 404:
        assert document["linkset"][0]["itemDescription"] == "Chair, serial number 007-A"


def test_the_data_in_the_page_is_what_programs_are_told(minted):
    (data,) = re.findall(
        r'<script type="application/ld\+json">(.*?)</script>',
        browse(unit_of(minted), ALL, accept_language="ar").body,
    )
    assert json.loads(data) == json.loads(fetch(unit_of(minted), "", "application/ld+json").body)
