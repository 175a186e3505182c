"""What the GS1-Conformant Resolver Standard 1.2 says a resolver shall do, statement by statement.

docs/resolver.md lists the statements with the tests that hold us to them. The links are asked as
GS1's own test suite asks them (gs1/GS1DL-resolver-testsuite at commit e3485a5).
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from resolver.link_types import LINK_TYPES, iri_of, link_type_of
from tests.docs.markdown import names_in, rows, section, text_of
from tests.factories import BrandWorld
from tests.resolver.gs1_schemas import LINKSET as SCHEMA
from tests.resolver.gs1_schemas import faults_in
from tests.resolver.linking import LINKSET, PDF, add_link, browse, fetch
from tests.resolver.scanning import Answer, scan
from tests.resolver.test_compression import digits, packed
from tests.resolver.units import Minted, mint

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
BASE = "https://nordhav.example"
CONTEXT = 'rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
STATEMENTS = rows(section(text_of("resolver.md"), "Conformance"), "the standard says")


@pytest.fixture(autouse=True)
def https(settings):
    settings.TIEBACK_RESOLVER_SCHEME = "https"


@pytest.fixture
def minted(nordhav: BrandWorld) -> Minted:
    """A unit of a lot whose brand has linked something at every level, in every way."""
    minted = mint(nordhav, serials=["007"], lot="L1", name="Chair")
    for link_type, target, fields in (
        ("gs1:pip", "https://shop.example/{gtin}?from=code#top", {}),
        ("gs1:certificationInfo", "https://a.example/certificates", {}),
        ("gs1:certificationInfo", "https://a.example/more-certificates", {}),
        ("gs1:certificationInfo", "https://a.example/fr", {"language": "fr"}),
        ("gs1:certificationInfo", "https://a.example/pdf", {"media_type": PDF}),
        ("gs1:recallStatus", "https://a.example/recalls/{lot}", {}),
        ("gs1:instructions", "https://a.example/en/{serial}", {"language": "en-GB"}),
        ("gs1:instructions", "https://a.example/de/{serial}", {"language": "de"}),
        ("gs1:instructions", "https://a.example/instructions", {}),
        ("gs1:registerProduct", "https://a.example/register/{serial}", {"language": "de"}),
        ("gs1:registerProduct", "https://a.example/register", {}),
        ("gs1:dpp", "https://data.example/{gtin}", {"media_type": "application/ld+json"}),
    ):
        add_link(nordhav, link_type, target, product=minted.batch.product, **fields)
    return minted


def paths_of(minted: Minted) -> list[str]:
    """Return the codes of the unit, its lot and its product, and the unit's with its lot."""
    product = f"/01/{minted.gtin}"
    return [f"{product}/10/L1/21/007", f"{product}/21/007", f"{product}/10/L1", product]


def linkset_of(path: str) -> list[dict[str, Any]]:
    answer = fetch(path, accept=LINKSET)
    assert (answer.status, answer.headers["Content-Type"]) == (200, LINKSET)
    linkset: list[dict[str, Any]] = json.loads(answer.body)["linkset"]
    return linkset


def links_in(level: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {key: value for key, value in level.items() if key.startswith("https://")}


def target_of(answer: Answer, path: str) -> str:
    """Return where an answer leads, without the link type, which is passed on."""
    assert answer.status == 307, answer
    return urljoin(BASE + path, re.sub(r"[?&]linkType=[^&#]*", "", answer.page))


def test_the_link_to_the_linkset_is_exposed_even_when_redirecting(minted):
    expected = '<?linkType=linkset>; rel="linkset"; type="application/linkset+json"'
    for path in paths_of(minted):
        assert browse(path).headers["Link"] == expected
        assert scan(path, "OPTIONS").headers["Link"] == expected


@pytest.mark.parametrize("name", ["linkset", "all"])
def test_the_linkset_is_returned_and_not_redirected_to(minted, name):
    for path in paths_of(minted):
        answer = fetch(path, f"linkType={name}")
        assert (answer.status, answer.headers["Content-Type"]) == (200, LINKSET)
        assert CONTEXT in answer.headers["Link"]
        assert faults_in(json.loads(answer.body), SCHEMA) == []


def test_the_linkset_holds_every_level_up_to_the_primary_key(minted):
    unit, _, lot, product = (f"{BASE}{path}" for path in paths_of(minted))
    assert [level["anchor"] for level in linkset_of(paths_of(minted)[0])] == [unit, lot, product]
    of_unit, of_lot, of_product = linkset_of(paths_of(minted)[0])
    assert of_unit[iri_of("gs1:instructions")][0]["href"] == "https://a.example/en/007"
    assert of_lot[iri_of("gs1:recallStatus")][0]["href"] == "https://a.example/recalls/L1"
    assert len(of_product[iri_of("gs1:certificationInfo")]) == 4
    assert linkset_of(paths_of(minted)[2]) == [of_lot, of_product]
    assert linkset_of(paths_of(minted)[3]) == [of_product]


def test_the_subject_of_a_compressed_links_linkset_is_its_uncompressed_form(minted):
    compressed = packed((0x0C, 8), (int(minted.gtin), 47), *digits("007"))
    answer = fetch(f"/{compressed}", "linkType=linkset")
    unit = f"{BASE}/01/{minted.gtin}/21/007"
    assert json.loads(answer.body)["linkset"][0]["anchor"] == unit
    assert answer.headers["Link"].startswith(f'<{unit}>; rel="owl:sameAs", <?linkType=linkset>')
    redirected = browse(f"/{compressed}", "linkType=gs1:recallStatus")
    assert target_of(redirected, "/") == "https://a.example/recalls/L1"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (LINKSET, LINKSET),
        ("application/json", "application/json"),
        ("application/ld+json", "application/ld+json"),
    ],
)
def test_the_linkset_is_returned_in_the_format_that_is_accepted(minted, accept, media_type):
    answer = fetch(paths_of(minted)[0], accept=accept)
    assert (answer.status, answer.headers["Content-Type"]) == (200, media_type)
    assert answer.headers["Vary"] == "Accept, Accept-Language"
    document = json.loads(answer.body)
    context = document.pop("@context", None)
    assert (context is not None) == (media_type == "application/ld+json")
    assert faults_in(document, SCHEMA) == []


def test_people_get_the_linkset_as_a_page_with_the_data_in_it(minted):
    answer = browse(paths_of(minted)[0], "linkType=linkset")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert 'href="https://a.example/recalls/L1"' in answer.body
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', answer.body)
    assert found
    embedded = json.loads(found[1])
    assert embedded["linkset"] == linkset_of(paths_of(minted)[0])


def test_each_level_has_one_default_which_has_a_title_and_nothing_else(minted, nordhav):
    add_link(nordhav, "gs1:homepage", "https://a.example/home", is_default=True)
    for path in paths_of(minted):
        for level in linkset_of(path):
            (default,) = level[iri_of("gs1:defaultLink")]
            assert default.keys() == {"href", "title"}
            assert default["href"] == "https://a.example/home"
            # It is listed under what it is as well.
            others = [
                one["href"]
                for key, some in links_in(linkset_of(path)[-1]).items()
                for one in some
                if key != iri_of("gs1:defaultLink")
            ]
            assert default["href"] in others


def test_every_link_has_target_type_and_title(minted):
    for path in paths_of(minted):
        for level in linkset_of(path):
            for iri, links in links_in(level).items():
                assert link_type_of(iri) in LINK_TYPES
                assert all(one["href"] and one["title"] for one in links)


@pytest.mark.parametrize("defaults", [False, True])
def test_every_link_of_the_linkset_is_where_asking_for_it_leads(minted, nordhav, defaults):
    """As GS1's suite goes through a linkset: each type at its nearest level, link by link."""
    if defaults:
        add_link(nordhav, "gs1:homepage", "https://a.example/home", is_default=True)
        add_link(nordhav, "gs1:homepage", "https://a.example/de", is_default=True, language="de")
        add_link(nordhav, "gs1:pip", "https://a.example/pip", is_default=True, media_type=PDF)
    for path in paths_of(minted):
        seen: set[str] = set()
        for level in linkset_of(path):
            for iri, links in links_in(level).items():
                if iri not in seen:
                    check_links(path, iri, links)
            seen |= links_in(level).keys()
        assert len(seen) >= 5


def check_links(path: str, iri: str, links: list[dict[str, Any]]) -> None:
    query = f"linkType={link_type_of(iri)}"
    if iri in {iri_of("gs1:defaultLink"), iri_of("gs1:defaultLinkMulti")}:
        query = ""
    alike = Counter(attributes_of(one) for one in links)
    for one in links:
        media_type, language = attributes_of(one)
        asked = {"accept": media_type} if len(links) > 1 else {}
        asked |= {"accept_language": language} if language and len(links) > 1 else {}
        answer = scan(path, query=query, user_agent="curl/8.5.0", **asked)
        if alike[media_type, language] > 1:
            assert (answer.status, "Location" in answer.headers) == (300, False)
        else:
            assert target_of(answer, path) == one["href"], (path, query, asked)


def attributes_of(link: dict[str, Any]) -> tuple[str, str]:
    return link.get("type", ""), "".join(link.get("hreflang", []))


def test_the_default_is_where_a_code_leads_that_asks_for_nothing(minted, nordhav):
    for path in paths_of(minted):
        for query in ("", "linkType=gs1:defaultLink", "linkType="):
            assert target_of(browse(path, query), path) == default_of(path)
    add_link(nordhav, "gs1:homepage", "https://a.example/home", is_default=True)
    for path in paths_of(minted):
        assert default_of(path) == target_of(browse(path), path) == "https://a.example/home"


def default_of(path: str) -> str:
    return str(linkset_of(path)[0][iri_of("gs1:defaultLink")][0]["href"])


def test_a_better_match_than_the_default_is_taken(minted, nordhav):
    add_link(nordhav, "gs1:homepage", "https://a.example/de", is_default=True, language="de")
    path = paths_of(minted)[0]
    assert target_of(browse(path, accept_language="de-CH"), path) == "https://a.example/de"
    assert target_of(browse(path, accept_language="fr"), path) == default_of(path)


def test_a_link_type_that_is_not_available_is_not_found(minted):
    for path in paths_of(minted):
        for name in ("gs1:nosuchlt", "gs1:epil", "schema:url"):
            assert fetch(path, f"linkType={name}").status == 404


def test_the_whole_query_is_passed_on(minted):
    query = "17=271231&foo=bar&linkType=gs1:pip&a=b%20c"
    for path in paths_of(minted):
        location = browse(path, query).location
        assert location == f"https://shop.example/{minted.gtin}?from=code&{query}#top"
        assert browse(path, "foo=bar").page.endswith("?foo=bar")


def test_an_unknown_qualifier_leads_up_to_the_primary_key(minted):
    product = f"/01/{minted.gtin}"
    for path in (f"{product}/10/KL8G", f"{product}/22/V", f"{product}/235/T"):
        assert browse(path).status == 307
        assert linkset_of(path) == linkset_of(product)
        assert target_of(browse(path, "linkType=gs1:pip"), path).startswith("https://shop.example")


def test_a_slash_at_the_end_changes_nothing_about_links(minted):
    for path in paths_of(minted):
        assert linkset_of(f"{path}/") == linkset_of(path)
        for query in ("", "linkType=gs1:pip"):
            assert browse(f"{path}/", query).page == browse(path, query).page


def test_a_bad_code_stays_bad_whatever_it_is_asked_for(minted):
    for query in ("linkType=linkset", "linkType=gs1:pip"):
        for accept in (LINKSET, "text/html"):
            assert fetch(f"{paths_of(minted)[0]}/foo", query, accept).status == 400
            assert fetch("/01/09506000134353", query, accept).status == 400
            assert fetch("/01/09506000134352", query, accept).status == 404


def test_link_types_are_recognised_by_prefix_and_by_full_name(minted):
    path = paths_of(minted)[0]
    for name in ("gs1:recallStatus", iri_of("gs1:recallStatus"), "recallStatus"):
        assert target_of(browse(path, f"linkType={name}"), path) == "https://a.example/recalls/L1"


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda row: row[0][:60])
def test_every_statement_names_a_test_that_exists(statement):
    named = names_in(statement[-1])
    assert named
    for name in named:
        module, _, function = name.partition("::")
        source = Path(__file__).with_name(module).read_text(encoding="utf-8")
        assert f"def {function}(" in source, name
