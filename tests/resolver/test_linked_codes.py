"""A code leads where its brand has linked it, and says what else there is."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from minting.states import UnitStatus
from resolver import database, links
from resolver.traffic import TrafficClass
from tests.factories import BrandWorld, make_product
from tests.planes import acting_as
from tests.resolver.linking import LINKSET, PDF, add_link, browse, fetch, forget
from tests.resolver.scan_rows import events
from tests.resolver.scanning import counted, scan
from tests.resolver.units import Minted, mint, units_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
BASE = "https://nordhav.example"
PIP, FAQS = "gs1:pip", "gs1:faqs"
VARY = "Accept, Accept-Language"


@pytest.fixture(autouse=True)
def https(settings):
    settings.TIEBACK_RESOLVER_SCHEME = "https"


@pytest.fixture
def minted(nordhav: BrandWorld) -> Minted:
    return mint(nordhav, name="Chair")


def test_a_link_type_that_is_asked_for_is_where_the_code_leads(nordhav, minted):
    add_link(nordhav, PIP, "https://shop.example/{gtin}?from=code", product=minted.batch.product)
    target = f"https://shop.example/{minted.gtin}?from=code&linkType="
    for written in ("gs1:pip", "pip", "https%3A%2F%2Fref.gs1.org%2Fvoc%2Fpip", "gs1%3Apip"):
        answer = browse(minted.path(), f"linkType={written}")
        assert (answer.status, answer.location) == (307, f"{target}{written}")
        assert answer.headers["Vary"] == VARY
        assert 'rel="linkset"' in answer.headers["Link"]
    assert browse(minted.path(), "linktype=pip").status == 307


def test_a_link_that_names_the_unit_is_filled_in(nordhav):
    minted = mint(nordhav, serials=["S/1"], lot="L&1")
    add_link(nordhav, FAQS, "https://a.example/{gtin}/{lot}/{serial}/{token}")
    expected = f"https://a.example/{minted.gtin}/L%261/S%2F1/{minted.tokens[0]}?linkType=gs1:faqs"
    for path in (f"/01/{minted.gtin}/21/S/1", f"/mu/{minted.tokens[0]}"):
        assert browse(path, "linkType=gs1:faqs").location == expected
    # A lot has no serial number to fill in.
    assert browse(f"/01/{minted.gtin}/10/L&1", "linkType=gs1:faqs").status == 404


@pytest.mark.parametrize("kind", ["gtin", "lot", "mb", "ml"])
def test_codes_of_products_lots_and_batches_are_linked_as_well(nordhav, kind):
    minted = mint(nordhav, lot="L1")
    path = {
        "gtin": f"/01/{minted.gtin}",
        "lot": f"/01/{minted.gtin}/10/L1",
        "mb": f"/mb/{minted.batch.id}",
        "ml": f"/ml/{minted.lot_id}",
    }[kind]
    add_link(nordhav, FAQS, "https://a.example/faqs")
    assert browse(path, "linkType=gs1:faqs").location.startswith("https://a.example/faqs?")
    assert browse(path).location == f"/p{path}"
    linkset = json.loads(fetch(path, "linkType=linkset").body)["linkset"]
    assert linkset[0]["anchor"] == f"{BASE}{path}"
    assert linkset[-1]["anchor"] == f"{BASE}/01/{minted.gtin}"


def test_the_links_of_another_product_or_brand_are_not_this_codes(nordhav, strangers, minted):
    add_link(nordhav, FAQS, "https://a.example/other", product=make_other(nordhav))
    add_link(strangers, FAQS, "https://a.example/theirs")
    add_link(strangers, PIP, "https://a.example/home", is_default=True)
    assert fetch(minted.path(), "linkType=gs1:faqs").status == 404
    assert browse(minted.path()).page == f"/p/{minted.tokens[0]}"


def make_other(world: BrandWorld):
    with acting_as("web"):
        return make_product(world)


def test_a_brands_default_takes_the_place_of_the_page_here(nordhav, minted):
    add_link(nordhav, PIP, "https://shop.example/{serial}", is_default=True)
    answer = browse(minted.path(), "17=271231&x=1")
    expected = f"https://shop.example/{minted.tokens[0]}?17=271231&x=1"
    assert (answer.status, answer.location, answer.headers["Vary"]) == (307, expected, VARY)
    # It needs a serial number, so the product's code goes on leading here.
    assert browse(f"/01/{minted.gtin}").location == f"/p/01/{minted.gtin}"
    passport = browse(minted.path(), "linkType=gs1:dpp")
    assert passport.page == f"/p/{minted.tokens[0]}?linkType=gs1:dpp"


def test_a_default_by_language_is_for_those_who_read_it(nordhav, minted):
    add_link(nordhav, PIP, "https://shop.example/de", language="de", is_default=True)
    german = browse(minted.path(), accept_language="fr;q=0.5, de-AT")
    assert german.location == "https://shop.example/de"
    french = browse(minted.path(), accept_language="fr")
    assert (french.page, french.headers["Vary"]) == (f"/p/{minted.tokens[0]}", VARY)


def test_the_first_scan_activates_wherever_the_code_leads(nordhav):
    add_link(nordhav, PIP, "https://shop.example/", is_default=True)
    minted = mint(nordhav)
    assert browse(minted.path()).location == "https://shop.example/"
    assert units_of(minted)[0].status == UnitStatus.ACTIVE


def test_who_asks_for_a_link_type_holds_no_item_in_a_hand(nordhav):
    add_link(nordhav, PIP, "https://shop.example/")
    minted = mint(nordhav)
    answer = browse(minted.path(), "linkType=gs1:pip")
    assert answer.location == "https://shop.example/?linkType=gs1:pip"
    assert units_of(minted)[0].status == UnitStatus.MINTED


def test_reading_links_is_no_scan(nordhav, minted):
    for query, accept in (("linkType=linkset", "*/*"), ("", LINKSET), ("linkType=gs1:no", "*/*")):
        assert scan(minted.path(), query=query, accept=accept).status in {200, 404}
    browse(minted.path(), "linkType=linkset")
    assert units_of(minted)[0].status == UnitStatus.MINTED


@pytest.mark.parametrize("accept", [LINKSET, f"{LINKSET}, */*;q=0.1", "application/json, */*"])
def test_who_accepts_links_is_written_down_once_and_as_a_machine(nordhav, accept):
    for status in (UnitStatus.MINTED, UnitStatus.ACTIVE):
        assert scan(mint(nordhav, status=status).path(), accept=accept).status == 200
    assert [event.traffic for event in events()] == [TrafficClass.MACHINE.value] * 2


@pytest.mark.parametrize("query", ["mylinktype=1", "ref=linktype=1"])
def test_only_the_key_of_a_parameter_asks_for_a_link_type(nordhav, query):
    minted = mint(nordhav)
    assert browse(minted.path(), query).finding.is_first_scan


def test_media_types_are_compared_without_case(minted):
    assert fetch(minted.path(), accept="Application/Linkset+JSON").status == 200


def test_a_list_of_links_is_told_to_who_wants_it_more_than_the_default(nordhav, minted):
    add_link(nordhav, PIP, "https://a.example/json", media_type="application/json", is_default=True)
    wanted = fetch(minted.path(), accept=f"{LINKSET}, application/json;q=0.1")
    assert (wanted.status, wanted.headers["Content-Type"]) == (200, LINKSET)
    assert fetch(minted.path(), accept="application/json").location == "https://a.example/json"


def test_a_withdrawn_unit_leads_to_no_default_in_any_format(nordhav):
    add_link(nordhav, PIP, "https://a.example/json", media_type="application/json", is_default=True)
    minted = mint(nordhav, status=UnitStatus.REVOKED)
    assert fetch(minted.path(), accept="application/json").status == 410


def test_a_link_preview_gets_its_page_wherever_the_code_leads(nordhav, minted):
    add_link(nordhav, PIP, "https://shop.example/", is_default=True)
    answer = scan(minted.path(), user_agent="WhatsApp/2.23.20.0")
    assert (answer.status, "og:title" in answer.body) == (200, True)
    assert 'rel="linkset"' in answer.headers["Link"]


def test_a_link_type_without_a_link_is_told_with_what_there_is(nordhav, minted):
    add_link(nordhav, FAQS, "https://a.example/faqs")
    before = counted("no_such_link")
    person = browse(minted.path(), "linkType=gs1:recallStatus")
    assert (person.status, person.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "Recall status" in person.body
    assert '<a href="?linkType=gs1:faqs">Frequently asked questions</a>' in person.body
    program = fetch(minted.path(), "linkType=gs1:nosuchlt")
    assert (program.status, program.headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(program.body)["link_types"] == ["gs1:dpp", "gs1:pip", FAQS]
    assert counted("no_such_link") == before + 2


def test_what_was_asked_for_is_not_written_into_the_page(minted):
    answer = browse(minted.path(), "linkType=%3Cscript%3E")
    assert (answer.status, "<script" in answer.body) == (404, False)


def test_several_links_alike_are_a_page_for_people_and_a_linkset_for_programs(nordhav, minted):
    for name in ("one", "two"):
        add_link(nordhav, FAQS, f"https://a.example/{name}", title=f"<{name}>")
    for answer in (
        browse(minted.path(), "linkType=gs1:faqs"),
        scan(minted.path(), query="linkType=gs1:faqs"),  # a phone that says nothing of formats
    ):
        assert (answer.status, answer.headers["Content-Type"]) == (300, "text/html; charset=utf-8")
        assert "Location" not in answer.headers
        href = 'href="https://a.example/one" type="text/html">&lt;one&gt;</a>'
        assert href in answer.body
    program = fetch(minted.path(), "linkType=gs1:faqs")
    assert (program.status, program.headers["Content-Type"]) == (300, LINKSET)
    (level,) = json.loads(program.body)["linkset"]
    hrefs = [one["href"] for one in level["https://ref.gs1.org/voc/faqs"]]
    assert hrefs == ["https://a.example/one", "https://a.example/two"]
    assert fetch(minted.path(), "linkType=gs1:faqs", PDF).headers["Content-Type"] == LINKSET


def test_languages_of_which_none_was_asked_for_are_a_choice(nordhav, minted):
    for language in ("de", "fr"):
        add_link(nordhav, FAQS, f"https://a.example/{language}", language=language)
    for languages in ("it", ""):
        person = browse(minted.path(), "linkType=gs1:faqs", accept_language=languages)
        assert (person.status, person.headers["Content-Type"]) == (300, "text/html; charset=utf-8")
        assert 'href="https://a.example/fr" type="text/html" hreflang="fr"' in person.body
    assert fetch(minted.path(), "linkType=gs1:faqs").headers["Content-Type"] == LINKSET


def test_language_and_format_choose_among_links_of_a_type(nordhav, minted):
    for language in ("de", "fr", ""):
        target = f"https://a.example/{language or 'any'}"
        add_link(nordhav, FAQS, target, language=language)
    add_link(nordhav, FAQS, "https://a.example/pdf", media_type=PDF)
    for headers, name in (
        ({"accept_language": "fr-CH, de;q=0.5"}, "fr"),
        ({"accept_language": "it, de;q=0.2"}, "de"),
        ({"accept_language": "it"}, "any"),
        ({}, "any"),
        ({"accept": f"{PDF}, text/html;q=0.9"}, "pdf"),
    ):
        location = browse(minted.path(), "linkType=gs1:faqs", **headers).location
        assert location == f"https://a.example/{name}?linkType=gs1:faqs"


def test_head_is_answered_like_get_without_a_body(nordhav, minted):
    add_link(nordhav, FAQS, "https://a.example/faqs")
    given = scan(minted.path(), "HEAD", "linkType=gs1:faqs")
    assert given.location == "https://a.example/faqs?linkType=gs1:faqs"
    for query in ("linkType=linkset", "linkType=gs1:nosuchlt"):
        got, head = (
            fetch(minted.path(), query),
            scan(minted.path(), "HEAD", query, accept="*/*", user_agent="curl/8.5.0"),
        )
        assert (head.status, head.headers, head.body) == (got.status, got.headers, "")
    assert units_of(minted)[0].status == UnitStatus.MINTED


def test_links_begin_and_end_when_they_are_said_to(nordhav, minted):
    now = timezone.now()
    add_link(nordhav, FAQS, "https://a.example/x", active_from=now + timedelta(hours=1))
    add_link(nordhav, FAQS, "https://a.example/y", active_until=now - timedelta(seconds=1))
    assert fetch(minted.path(), "linkType=gs1:faqs").status == 404
    add_link(
        nordhav,
        FAQS,
        "https://a.example/z",
        active_from=now - timedelta(hours=1),
        active_until=now + timedelta(hours=1),
    )
    location = fetch(minted.path(), "linkType=gs1:faqs").location
    assert location == "https://a.example/z?linkType=gs1:faqs"
    add_link(
        nordhav,
        PIP,
        "https://a.example/home",
        is_default=True,
        active_until=now - timedelta(seconds=1),
    )
    assert browse(minted.path()).page == f"/p/{minted.tokens[0]}"


def test_a_withdrawn_unit_says_so_whatever_the_brand_has_linked(nordhav):
    minted = mint(nordhav, status=UnitStatus.REVOKED)
    add_link(nordhav, PIP, "https://shop.example/", is_default=True)
    page = f"/p/{minted.tokens[0]}"
    for query in ("", "linkType=gs1:defaultLink", "linkType=linkset"):
        assert browse(minted.path(), query).location.partition("?")[0] == page
    program = fetch(minted.path(), "linkType=linkset")
    assert (program.status, json.loads(program.body)["passport"]) == (410, f"{BASE}{page}")
    assert fetch(minted.path(), accept=LINKSET).status == 410
    # What is asked for by name is there still: a recall, or where to return it.
    assert browse(minted.path(), "linkType=gs1:pip").location.startswith("https://shop.example/")


def test_a_short_gtin_and_a_compressed_link_lead_on_with_the_link_type(nordhav):
    minted = mint(nordhav)
    add_link(nordhav, FAQS, "https://a.example/{gtin}")
    short = browse(f"/01/{minted.gtin.lstrip('0')}/21/{minted.tokens[0]}", "linkType=gs1:faqs")
    assert (short.status, short.location) == (307, f"{minted.path()}?linkType=gs1:faqs")
    target = f"https://a.example/{minted.gtin}?linkType=gs1:faqs"
    assert browse(minted.path(), "linkType=gs1:faqs").location == target


def test_an_ordinary_scan_asks_no_more_than_before(nordhav, minted, monkeypatch):
    """The lookup of the unit alone: whether the brand has defaults is remembered."""
    browse(minted.path())
    asked: list[str] = []
    run = database._run
    monkeypatch.setattr(database, "_run", lambda *given: asked.append(given[0]) or run(*given))
    assert browse(minted.path()).status == 307
    assert len(asked) == 1
    assert "minting_mintunit" in asked[0]


def test_links_are_remembered_for_some_seconds_and_not_without_end(nordhav, minted, monkeypatch):
    add_link(nordhav, FAQS, "https://a.example/faqs")
    product = minted.batch.product_id
    first = links.links_of(nordhav.brand.id, product)
    with monkeypatch.context() as patched:
        patched.setattr(links, "fetch_one", None)
        assert links.links_of(nordhav.brand.id, product) is first
        assert links.has_defaults is not None
    monkeypatch.setattr(links._books, "most", 1)
    monkeypatch.setattr(links._brands_with_defaults, "most", 1)
    for world in (nordhav, nordhav):
        other = make_other(world)
        links.links_of(world.brand.id, other.id)
        links.has_defaults(other.id)
    assert len(links._books) == len(links._brands_with_defaults) == 1
    monkeypatch.setattr(links._books, "seconds", -1.0)
    forget()
    assert links.links_of(nordhav.brand.id, product) is not links.links_of(
        nordhav.brand.id, product
    )


def test_without_a_database_no_link_is_guessed(nordhav, minted, monkeypatch):
    browse(minted.path())
    forget()
    monkeypatch.setattr("resolver.links._HAS_DEFAULTS", "select no_such_column")
    assert browse(minted.path()).status == 503
