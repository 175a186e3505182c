"""However long a passport is, its page is small; what is left out is a link away."""

import pytest
from django.test import Client

from minting.passport_schema import CATEGORIES
from minting.states import UnitStatus
from resolver import items
from resolver.languages import OFFERED
from tests.factories import BrandWorld, make_world
from tests.passports import ready_passport
from tests.resolver.largest import largest_passport
from tests.resolver.logos import put_logo
from tests.resolver.units import WHEN, Minted, mint

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]

SUBSTANCES = [
    {"name": f"Substance {number}", "cas_number": "21324-40-3", "location": "cathode"}
    for number in range(1, 41)
]


def long_passport(world: BrandWorld) -> Minted:
    dpp = {**ready_passport("battery_ev"), "hazardous_substances": SUBSTANCES}
    return mint(world, category="battery_ev", dpp=dpp)


def sizes(public: Client, path: str) -> dict[str, int]:
    return {code: len(public.get(f"{path}?lang={code}").content) for code in OFFERED}


# As words are, of two bytes a letter, and such that each sign is escaped.
@pytest.mark.parametrize("words", ["words ", "كلمة ", "'"])
@pytest.mark.parametrize("category", CATEGORIES)
def test_the_page_of_the_largest_passport_is_small_in_every_language(
    nordhav, public, category, words
):
    largest = largest_passport(category, words)
    minted = mint(nordhav, category=category, dpp=largest, status=UnitStatus.ACTIVE)
    measured = sizes(public, f"/p/{minted.tokens[0]}")
    assert max(measured.values()) < 15_000, measured


def test_the_page_of_a_product_is_as_small(nordhav, public):
    minted = mint(nordhav, category="textile", dpp=largest_passport("textile", "words "))
    page = public.get(f"/p/01/{minted.gtin}")
    assert len(page.content) < 15_000
    assert "Show the whole passport" in page.text
    assert len(public.get(f"/p/01/{minted.gtin}?whole=yes").content) > 400_000


def test_the_page_stays_small_beside_long_names_addresses_and_many_changes(public, monkeypatch):
    world = make_world(
        "nordhav",
        name="N" * 200,
        accent_colour="#ffe100",
        support_url=f"https://care.example/{'a' * 470}",
        support_email=f"{'a' * 60}@nordhav.example",
    )
    put_logo(world)
    largest = largest_passport("battery_industrial", "words ")
    minted = mint(world, name="P" * 200, category="battery_industrial", dpp=largest, lot="L" * 20)
    change = items.PassportChanged(WHEN, "A reason that takes some words. " * 30)
    monkeypatch.setattr(items, "_changes", lambda *_: (change,) * items.MOST_CHANGES)
    measured = sizes(public, f"/p/{minted.tokens[0]}")
    assert max(measured.values()) < 15_000, measured


def test_a_long_list_shows_its_first_entries_and_how_many_more_there_are(nordhav, public):
    page = public.get(f"/p/{long_passport(nordhav).tokens[0]}").text
    assert "Substance 10<" in page
    assert "Substance 11<" not in page
    assert '<a href="?lang=en&amp;whole=yes#hazardous_substances">30 more</a>' in page
    assert '<a href="?lang=en&amp;whole=yes">Show the whole passport</a>' in page


def test_the_whole_passport_is_a_page_with_the_place_that_was_left_out(nordhav, public):
    path = f"/p/{long_passport(nordhav).tokens[0]}"
    page = public.get(f"{path}?lang=de&whole=yes").text
    assert '<div id="hazardous_substances">' in page
    assert all(f"{substance['name']}<" in page for substance in SUBSTANCES)
    assert "Den ganzen Pass" not in page
    assert 'href="?lang=fr&amp;whole=yes"' in page


def test_the_whole_passport_keeps_what_its_verdicts_rest_on(nordhav, public):
    page = public.get(f"/p/{long_passport(nordhav).tokens[0]}?17=250131").text
    assert 'href="?lang=en&amp;17=250131&amp;whole=yes"' in page


def test_a_passport_of_usual_length_is_shown_whole_at_once(nordhav, public):
    page = public.get(f"/p/{mint(nordhav).tokens[0]}").text
    assert "Show the whole passport" not in page
    assert "whole=yes" not in page


@pytest.mark.parametrize("words", ["words ", "كلمة "])
def test_verdict_identifiers_and_safety_notes_are_whole_on_a_short_page(nordhav, public, words):
    largest = largest_passport("electronics", words)
    minted = mint(nordhav, category="electronics", dpp=largest, status=UnitStatus.REVOKED, lot="L7")
    for language in OFFERED:
        page = public.get(f"/p/{minted.tokens[0]}?lang={language}").text
        assert largest["safety_information"] in page
        assert 'class="verdict ' in page
        for identifier in (minted.gtin, minted.tokens[0], "L7"):
            assert f"<bdi>{identifier}</bdi>" in page
