"""What is linked to a code: the levels it has, what belongs to which, and how it is written."""

from uuid import UUID

import pytest

from resolver.digital_link import DigitalLink, GroupLink, UnitLink
from resolver.link_types import iri_of
from resolver.link_values import HTML
from resolver.linkset import (
    Item,
    StoredLink,
    as_linkset,
    best_default,
    best_of_type,
    defaults,
    levels_of,
    types_of,
    with_links,
)
from resolver.negotiation import wishes_of
from tests.resolver.gs1_schemas import LINKSET, faults_in

BASE = "https://id.nordhav.example"
GTIN = "09506000134352"
BATCH, LOT = UUID(int=7), UUID(int=9)
UNIT = Item(UUID(int=1), BATCH, "Chair", GTIN, LOT, "L/1", "TOKEN", "S1")
CODE = DigitalLink(GTIN, lot="L/1", serial="S1")
ANYTHING = wishes_of({})


def link(link_type: str = "gs1:instructions", target: str = "https://a.example/x", **fields):
    values = StoredLink(link_type, target, "Title", "", HTML, is_default=False, is_of_product=False)
    return values._replace(**fields)


def levels(*stored: StoredLink, item: Item = UNIT, code=CODE):
    return with_links(levels_of(item, code, BASE), stored)


def found(link_type: str, some, **headers: str) -> list[str]:
    asked = wishes_of({f"HTTP_{name.upper()}": value for name, value in headers.items()})
    return [offer.href for offer in best_of_type(some, link_type, asked)]


def default_of(some, **headers: str) -> str:
    asked = wishes_of({f"HTTP_{name.upper()}": value for name, value in headers.items()})
    return best_default(some, asked).href


def test_a_unit_is_one_of_its_lot_and_of_its_product():
    assert [(one.anchor, one.page, one.description) for one in levels()] == [
        (f"{BASE}/01/{GTIN}/10/L%2F1/21/S1", f"{BASE}/p/TOKEN", "Chair, serial number S1"),
        (f"{BASE}/01/{GTIN}/10/L%2F1", f"{BASE}/p/01/{GTIN}/10/L%2F1", "Chair, lot L/1"),
        (f"{BASE}/01/{GTIN}", f"{BASE}/p/01/{GTIN}", "Chair"),
    ]


@pytest.mark.parametrize(
    ("item", "code", "anchors"),
    [
        (UNIT, UnitLink("TOKEN"), ["/mu/TOKEN", f"/01/{GTIN}/10/L%2F1", f"/01/{GTIN}"]),
        (
            UNIT._replace(gtin=None),
            UnitLink("TOKEN"),
            ["/mu/TOKEN", f"/ml/{LOT}", f"/mb/{BATCH}"],
        ),
        (
            UNIT._replace(lot=None, lot_id=None),
            DigitalLink(GTIN, variant="V", serial="S1/"),
            [f"/01/{GTIN}/22/V/21/S1", f"/01/{GTIN}"],
        ),
        (
            UNIT._replace(token=None, serial=None),
            DigitalLink(GTIN, lot="L/1"),
            [f"/01/{GTIN}/10/L%2F1", f"/01/{GTIN}"],
        ),
        (
            UNIT._replace(token=None, serial=None),
            GroupLink("ml", LOT),
            [f"/ml/{LOT}", f"/01/{GTIN}"],
        ),
        (
            UNIT._replace(token=None, serial=None, lot=None, lot_id=None),
            GroupLink("mb", BATCH),
            [f"/mb/{BATCH}", f"/01/{GTIN}"],
        ),
        (
            UNIT._replace(token=None, serial=None, lot=None, lot_id=None),
            DigitalLink(GTIN, lot="unknown"),
            [f"/01/{GTIN}"],
        ),
    ],
)
def test_every_code_has_its_own_address_and_those_above(item, code, anchors):
    assert [one.anchor for one in levels(item=item, code=code)] == [f"{BASE}{a}" for a in anchors]


@pytest.mark.parametrize(
    ("target", "at"),
    [
        ("https://a.example/x", 2),
        ("https://a.example/{gtin}", 2),
        ("https://a.example/{gtin}/{lot}", 1),
        ("https://a.example/{serial}", 0),
        ("https://a.example/{lot}?{token}", 0),
    ],
)
def test_a_link_belongs_where_all_it_names_is_known(target, at):
    some = levels(link(target=target))
    holding = [n for n, one in enumerate(some) if "gs1:instructions" in types_of([one])]
    assert holding == [at]


def test_a_link_that_names_what_is_not_known_is_left_out():
    item = UNIT._replace(gtin=None, lot=None, lot_id=None)
    some = levels(
        link(target="https://a.example/{lot}"),
        link(target="https://a.example/{gtin}"),
        link(target="https://a.example/{token}"),
        item=item,
        code=UnitLink("TOKEN"),
    )
    assert found("gs1:instructions", some) == ["https://a.example/TOKEN"]


def test_the_page_here_is_the_passport_and_the_product_page_where_a_brand_has_none():
    assert found("gs1:dpp", levels()) == [f"{BASE}/p/TOKEN"]
    assert found("gs1:pip", levels()) == [f"{BASE}/p/TOKEN"]
    in_german = link("gs1:pip", "https://a.example/de", language="de")
    assert found("gs1:pip", levels(in_german)) == ["https://a.example/de"]
    as_pdf = link("gs1:pip", "https://a.example/pdf", media_type="application/pdf")
    assert found("gs1:pip", levels(as_pdf)) == [f"{BASE}/p/TOKEN"]
    assert found("gs1:pip", levels(as_pdf), accept="application/pdf") == ["https://a.example/pdf"]


def test_a_products_link_takes_the_place_of_one_for_all_products():
    general = link(target="https://a.example/all")
    own = link(target="https://a.example/one", is_of_product=True)
    other = link(target="https://a.example/all-de", language="de")
    some = levels(general, own, other)
    assert found("gs1:instructions", some) == ["https://a.example/one"]
    assert found("gs1:instructions", some, accept_language="de") == ["https://a.example/all-de"]


def test_a_products_link_that_a_code_does_not_have_takes_no_place():
    of_all, of_product = link(), link(target="https://b.example/{lot}", is_of_product=True)
    assert found("gs1:instructions", levels(of_all, of_product)) == ["https://b.example/L%2F1"]
    without = levels(of_all, of_product, item=UNIT._replace(lot_id=None, lot=None))
    assert found("gs1:instructions", without) == ["https://a.example/x"]


def test_of_links_that_suit_alike_the_nearer_level_has_it():
    some = levels(
        link(target="https://a.example/product"), link(target="https://a.example/{serial}")
    )
    assert found("gs1:instructions", some) == ["https://a.example/S1"]


def test_a_nearer_link_is_taken_unless_another_suits_what_was_asked_for():
    near = link(target="https://a.example/{serial}", language="de")
    some = levels(near, link(target="https://a.example/fr", language="fr"), link())
    assert found("gs1:instructions", some) == ["https://a.example/S1"]
    assert found("gs1:instructions", some, accept_language="fr") == ["https://a.example/fr"]


def test_links_that_differ_in_nothing_but_target_are_a_choice():
    some = levels(link(target="https://a.example/1"), link(target="https://a.example/2"))
    assert found("gs1:instructions", some) == ["https://a.example/1", "https://a.example/2"]
    assert found("gs1:recallStatus", some) == []


def test_the_default_is_the_page_here_until_the_brand_sets_one():
    assert default_of(levels()) == f"{BASE}/p/TOKEN"
    some = levels(link(is_default=True))
    assert default_of(some) == "https://a.example/x"
    assert found("gs1:defaultLink", some) == ["https://a.example/x"]
    # The page here is still the passport.
    assert found("gs1:dpp", some) == [f"{BASE}/p/TOKEN"]


def test_a_default_that_needs_a_serial_number_holds_for_units_only():
    unit_default = link(target="https://a.example/{serial}", is_default=True)
    for level, href in zip(
        (0, 1, 2),
        ("https://a.example/S1", f"{BASE}/p/01/{GTIN}/10/L%2F1", f"{BASE}/p/01/{GTIN}"),
        strict=True,
    ):
        assert defaults(levels(unit_default)[level:])[0].href == href


def test_a_products_default_comes_before_that_of_all_products():
    general = link("gs1:homepage", "https://a.example/home", is_default=True)
    own = link(target="https://a.example/one", is_default=True, is_of_product=True)
    assert default_of(levels(general, own)) == "https://a.example/one"


def test_defaults_by_language_and_format_are_taken_only_when_asked_for():
    some = levels(
        link(target="https://a.example/de", language="de", is_default=True),
        link(target="https://a.example/pdf", media_type="application/pdf", is_default=True),
    )
    page = f"{BASE}/p/TOKEN"
    assert default_of(some) == page
    assert default_of(some, accept_language="fr, *") == page
    assert default_of(some, accept="*/*") == page
    assert default_of(some, accept_language="de-AT") == "https://a.example/de"
    assert default_of(some, accept="application/pdf, text/html;q=0.1") == "https://a.example/pdf"
    assert found("gs1:defaultLink", some, accept_language="de") == [page]
    assert found("gs1:defaultLinkMulti", some, accept_language="de") == ["https://a.example/de"]


def test_the_linkset_is_sound_by_gs1s_schema_whatever_is_linked():
    some = levels(
        link(is_default=True, language="zh-Hant"),
        link("gs1:faqs", "https://a.example/{lot}", language="es-419", title='"<&é'),
        link("gs1:faqs", "https://a.example/{serial}", language="fil"),
        link("gs1:dpp", "https://a.example/vc", media_type="application/vc+jwt"),
        link("gs1:pip", "https://a.example/pip", language="pt-BR"),
    )
    linkset = as_linkset(some)
    assert faults_in(linkset, LINKSET) == []
    unit, lot, product = linkset["linkset"]
    assert lot[iri_of("gs1:faqs")][0]["hreflang"] == ["es"]
    assert "hreflang" not in unit[iri_of("gs1:faqs")][0]
    assert product[iri_of("gs1:pip")][0]["hreflang"] == ["pt-BR"]
    assert product[iri_of("gs1:dpp")][1]["type"] == "application/vc+jwt"


def test_each_level_says_its_one_default_by_target_and_title_alone():
    for context in as_linkset(levels())["linkset"]:
        (only,) = context[iri_of("gs1:defaultLink")]
        assert only.keys() == {"href", "title"}
        assert only["href"] in {one["href"] for one in context[iri_of("gs1:dpp")]}
        assert iri_of("gs1:defaultLinkMulti") not in context


def test_defaults_by_language_are_listed_with_the_rule_among_them():
    some = levels(link(target="https://a.example/de", language="de", is_default=True))
    listed = as_linkset(some)["linkset"][0][iri_of("gs1:defaultLinkMulti")]
    assert [one["href"] for one in listed] == [f"{BASE}/p/TOKEN", "https://a.example/de"]
    assert [one.get("hreflang") for one in listed] == [None, ["de"]]


def test_a_schema_that_takes_everything_would_be_noticed():
    linkset = as_linkset(levels())
    del linkset["linkset"][0]["itemDescription"]
    assert faults_in(linkset, LINKSET)
    assert faults_in({"linkset": [{"anchor": "x", "itemDescription": ""}]}, LINKSET)
    assert faults_in({}, LINKSET)


def test_a_level_without_links_still_has_the_pages_here():
    bare = levels()
    assert [types_of([one]) for one in bare] == [["gs1:dpp", "gs1:pip"]] * 3
