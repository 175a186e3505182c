"""The passport page: what anyone may read of a unit, and nothing that could follow them."""

import re

import pytest
from django.conf import settings as live_settings
from django.db import connection
from django.test import Client

from minting.models import PassportVersion
from minting.passport_schema import CATEGORIES
from minting.revocations import Act, Why, revoke_units
from minting.states import ActivationMode, RevocationReason, UnitStatus
from resolver import database, misses, pages
from resolver.finding import PARAMETER, Finding, TagVerdict, signed
from resolver.languages import OFFERED
from tests.factories import BrandWorld, make_world
from tests.planes import acting_as
from tests.resolver.logos import put_logo
from tests.resolver.units import mint, row_versions
from tieback.brands.scoping import brand_scope

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]


def test_the_page_names_the_unit_its_brand_and_its_facts(nordhav: BrandWorld, public: Client):
    minted = mint(nordhav, name="Wool sweater")
    response = public.get(f"/p/{minted.tokens[0]}")
    page = response.text
    assert response.status_code == 200
    assert '<h1 dir="auto">Wool sweater</h1>' in page
    assert nordhav.brand.name in page
    assert f"<bdi>{minted.gtin}</bdi>" in page
    assert f"<bdi>{minted.tokens[0]}</bdi>" in page
    assert "<dt>Manufacturer</dt>" in page


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (UnitStatus.MINTED, "Not active yet."),
        (UnitStatus.ACTIVE, "Scanned before."),
        (UnitStatus.REVOKED, "Revoked."),
    ],
)
def test_the_verdict_is_said_in_words_beside_its_icon(nordhav, public, status, words):
    minted = mint(nordhav, status=status)
    response = public.get(f"/p/{minted.tokens[0]}")
    assert response.status_code == 200
    assert f"<strong>{words}</strong>" in response.text
    assert 'aria-hidden="true"' in response.text
    assert ("4 March 2026, 05:06 UTC" in response.text) is (status != UnitStatus.MINTED)


WORDS = {
    TagVerdict.GENUINE: "The tag is genuine.",
    TagVerdict.REPLAYED: "This link was used before.",
    TagVerdict.FORGED: "This message is not from the tag of Nordhav.",
    TagVerdict.UNKNOWN_TAG: "This tag is on no item of Nordhav.",
    TagVerdict.OTHER_UNIT: "This tag belongs to another item.",
    TagVerdict.UNREADABLE: "The tag could not be read.",
    TagVerdict.UNCHECKED: "The tag was not checked.",
}


@pytest.mark.parametrize("verdict", TagVerdict)
def test_what_a_tag_has_shown_is_said_in_words_beside_an_icon(nordhav, public, verdict):
    (token,) = mint(nordhav).tokens
    found = signed(token, Finding(tag=verdict))
    page = public.get(f"/p/{token}", {PARAMETER: found}).text
    assert [words for words in WORDS.values() if words in page] == [WORDS[verdict]]
    assert page.count('<svg viewBox="0 0 24 24" aria-hidden="true">') == 2


def test_a_test_scan_is_said_to_be_one(nordhav, public):
    (token,) = mint(nordhav).tokens
    found = signed(token, Finding(is_test=True))
    assert "Test scan." in public.get(f"/p/{token}", {PARAMETER: found}).text
    assert "Test scan." not in public.get(f"/p/{token}").text


def test_pages_that_are_guessed_are_held_back_and_known_ones_are_not(
    nordhav, public, settings, monkeypatch
):
    settings.TIEBACK_MISSES_PER_MINUTE = 3
    monkeypatch.setattr(misses, "_limit", misses.MissLimit(clock=lambda: 0.0))
    (token,) = mint(nordhav).tokens
    answers = [public.get(f"/p/{'2' * 19}{digit}") for digit in "23456"]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429, 429]
    assert answers[-1].headers["Retry-After"] == "20"
    assert public.get(f"/p/{token}").status_code == 200


def test_the_page_of_the_first_scan_says_so_and_keeps_it_in_another_language(nordhav, public):
    minted = mint(nordhav, status=UnitStatus.ACTIVE)
    token = minted.tokens[0]
    found = signed(token, Finding(is_first_scan=True))
    page = public.get(f"/p/{token}?scan={found}").text
    assert "<strong>Genuine and first scanned now.</strong>" in page
    assert f'href="?lang=de&amp;scan={found}"' in page
    assert "Echt und gerade" in public.get(f"/p/{token}?lang=de&scan={found}").text
    other = mint(nordhav, status=UnitStatus.ACTIVE).tokens[0]
    assert "Scanned before." in public.get(f"/p/{other}?scan={found}").text


def test_a_unit_that_was_active_when_it_was_made_is_not_called_scanned(nordhav, public):
    minted = mint(nordhav, status=UnitStatus.ACTIVE, activation_mode=ActivationMode.ACTIVE_AT_MINT)
    assert "<strong>Valid.</strong>" in public.get(f"/p/{minted.tokens[0]}").text


def test_a_revoked_unit_says_why_and_what_to_do(nordhav, public):
    minted = mint(nordhav, status=UnitStatus.ACTIVE)
    with acting_as("web"), brand_scope(nordhav.brand.id):
        revoke_units(
            brand_id=nordhav.brand.id,
            tokens=[minted.tokens[0]],
            why=Why(RevocationReason.RECALLED, "fire risk"),
            act=Act("system:test"),
        )
    page = public.get(f"/p/{minted.tokens[0]}").text
    assert "<strong>Recalled.</strong>" in page
    assert "Stop using it" in page
    assert "fire risk" not in page


def test_the_expiry_date_in_the_code_is_told_once_it_has_passed(nordhav, public):
    token = mint(nordhav).tokens[0]
    page = public.get(f"/p/{token}?17=250131").text
    assert "<strong>Expired.</strong>" in page
    assert "31 January 2025" in page
    assert 'href="?lang=de&amp;17=250131"' in page
    assert "Expired" not in public.get(f"/p/{token}?17=491231").text


def test_a_stored_serial_and_the_lot_are_shown(nordhav, public):
    minted = mint(nordhav, serials=["S<1"], lot="L-7")
    page = public.get(f"/p/{minted.tokens[0]}").text
    assert "<bdi>S&lt;1</bdi>" in page
    assert "<bdi>L-7</bdi>" in page


def test_a_unit_without_gtin_has_its_page(nordhav, public):
    minted = mint(nordhav, gtin=None)
    assert "GTIN" not in public.get(f"/p/{minted.tokens[0]}").text


def test_nothing_from_the_catalogue_is_read_as_markup(nordhav, public):
    evil = "<script>alert('x')</script>"
    minted = mint(nordhav, name=evil, dpp={"manufacturer_name": evil})
    page = public.get(f"/p/{minted.tokens[0]}").text
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 3


def test_the_page_is_in_the_language_of_its_reader(nordhav, public):
    path = f"/p/{mint(nordhav).tokens[0]}"
    french = public.get(path, headers={"accept-language": "pt, fr-CA;q=0.9, de;q=0.8"})
    assert '<html lang="fr" dir="ltr">' in french.text
    assert french["Content-Language"] == "fr"
    assert "Accept-Language" in french["Vary"]
    assert "<dt>Fabricant</dt>" in french.text
    arabic = public.get(f"{path}?lang=ar", headers={"accept-language": "fr"})
    assert '<html lang="ar" dir="rtl">' in arabic.text


def test_the_brands_language_counts_where_the_reader_names_none_that_is_offered(public):
    world = make_world("nordhav", default_locale="sv")
    path = f"/p/{mint(world).tokens[0]}"
    assert public.get(path)["Content-Language"] == "sv"
    assert public.get(path, headers={"accept-language": "fi"})["Content-Language"] == "sv"
    assert public.get("/p/no")["Content-Language"] == "sv"


def test_the_page_wears_its_brands_colour_and_says_whom_to_ask(public):
    world = make_world(
        "nordhav",
        accent_colour="#ffe100",
        support_url="https://care.example/?a=1&b=2",
        support_email="care@nordhav.example",
    )
    page = public.get(f"/p/{mint(world).tokens[0]}").text
    assert "header{background:#ffe100;color:#000000}" in page
    assert "<h2>Contact Nordhav</h2>" in page
    assert 'href="https://care.example/?a=1&amp;b=2"' in page
    assert 'href="mailto:care@nordhav.example"' in page
    unknown = public.get("/p/ABCDEFGHJKLMNPQRSTUV").text
    assert 'href="mailto:care@nordhav.example"' in unknown


def test_the_logo_is_served_for_ever_to_its_own_brands_hosts(nordhav, strangers, public):
    logo = put_logo(nordhav)
    page = public.get(f"/p/{mint(nordhav).tokens[0]}").text
    assert f'src="/p/logo/{logo.sha256}.png"' in page
    served = public.get(f"/p/logo/{logo.sha256}.png")
    assert served.content == bytes(logo.image)
    assert served["Content-Type"] == "image/png"
    assert "immutable" in served["Cache-Control"]
    theirs = {"host": strangers.brand.resolver_host}
    for path, headers in (
        (f"/p/logo/{logo.sha256}.png", theirs),
        (f"/p/logo/{'0' * 64}.png", {}),
        ("/p/logo/x.png", {}),
    ):
        answer = public.get(path, headers=headers)
        assert answer.status_code == 404
        assert "immutable" not in answer["Cache-Control"]


def test_without_a_database_a_logo_is_not_taken_for_missing(nordhav, public, monkeypatch):
    logo = put_logo(nordhav)
    connection.close()
    with monkeypatch.context() as broken:
        broken.setitem(live_settings.DATABASES["default"], "PORT", "1")
        assert public.get(f"/p/logo/{logo.sha256}.png").status_code == 503


def test_fixed_pages_come_with_a_policy_for_their_own_style(public):
    response = public.get("/p/ABCDEFGHJKLMNPQRSTUV")
    assert response["Content-Security-Policy"] == pages.POLICY
    assert "nonce" not in pages.POLICY


def test_the_page_sets_no_cookie_runs_no_script_and_is_not_kept(nordhav, public):
    minted = mint(nordhav)
    response = public.get(f"/p/{minted.tokens[0]}")
    assert not response.cookies
    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.headers.get("Vary", "")
    assert response["Cache-Control"] == "private, no-store"
    assert "<script" not in response.text


def test_the_style_is_allowed_by_its_nonce(nordhav, public):
    minted = mint(nordhav)
    response = public.get(f"/p/{minted.tokens[0]}")
    found = re.search(r'<style nonce="([^"]+)">', response.text)
    assert found
    assert f"'nonce-{found[1]}'" in response["Content-Security-Policy"]


def test_the_page_says_its_language_and_fits_a_phone(nordhav, public):
    page = public.get(f"/p/{mint(nordhav).tokens[0]}").text
    assert '<html lang="en" dir="ltr">' in page
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in page
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert levels == [1] + [2] * (len(levels) - 1)
    assert page.index("This item") < page.index("Materials and") < page.index("Origin and")


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_page_is_small_for_every_category(nordhav, public, category):
    path = f"/p/{mint(nordhav, category=category, status=UnitStatus.ACTIVE).tokens[0]}"
    sizes = {code: len(public.get(f"{path}?lang={code}").content) for code in OFFERED}
    assert max(sizes.values()) < 15_000, sizes


def test_an_unknown_token_has_a_page_that_says_so(nordhav, public):
    response = public.get("/p/ABCDEFGHJKLMNPQRSTUV")
    assert (response.status_code, "Unknown code" in response.text) == (404, True)
    for token in ("abc", "A" * 300, "%00", "..%2Fadmin"):
        assert public.get(f"/p/{token}").status_code == 404


def test_looking_at_the_page_changes_nothing(nordhav, public):
    minted = mint(nordhav, activation_mode=ActivationMode.FIRST_SCAN)
    before = row_versions(minted)
    public.get(f"/p/{minted.tokens[0]}")
    assert row_versions(minted) == before


def test_the_page_can_only_be_read(nordhav, public):
    path = f"/p/{mint(nordhav).tokens[0]}"
    assert public.head(path).status_code == 200
    assert public.post(path).status_code == 405


def test_without_a_database_the_page_says_so_and_when_to_come_back(nordhav, public, monkeypatch):
    token = mint(nordhav).tokens[0]
    connection.close()
    with monkeypatch.context() as broken:
        broken.setitem(live_settings.DATABASES["default"], "PORT", "1")
        response = public.get(f"/p/{token}")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    monkeypatch.setattr(database._Rest, "until", 0.0)
    assert public.get(f"/p/{token}").status_code == 200


def test_a_page_is_shown_on_its_own_brands_hosts_only(nordhav, strangers, public):
    token = mint(nordhav).tokens[0]
    theirs = {"host": strangers.brand.resolver_host}
    assert public.get(f"/p/{token}", headers=theirs).status_code == 404
    assert public.get(f"/p/{token}", headers={"host": "nobody.example"}).status_code == 404
    assert public.get(f"/p/{token}").status_code == 200


def test_the_page_of_a_product_says_that_it_is_about_no_item(nordhav, public):
    minted = mint(nordhav, name="Wool sweater", lot="LOT/7")
    for path, what, shown in (
        (f"/p/01/{minted.gtin}", "product", minted.gtin),
        (f"/p/01/{minted.gtin}/10/LOT%2F7", "lot", "LOT/7"),
        (f"/p/ml/{minted.lot_id}", "lot", "LOT/7"),
        (f"/p/mb/{minted.batch.id}", "batch", minted.gtin),
        (f"/p/01/{minted.gtin}/10/never-printed", "product", minted.gtin),
    ):
        response = public.get(path)
        assert response.status_code == 200
        assert '<h1 dir="auto">Wool sweater</h1>' in response.text
        assert f"This code names a {what}" in response.text
        assert f"<bdi>{shown}</bdi>" in response.text
        assert "<dt>Manufacturer</dt>" in response.text
        assert minted.tokens[0] not in response.text
        assert "never-printed" not in response.text


def test_the_page_of_a_product_shows_what_its_newest_batch_was_minted_with(nordhav, public):
    first = mint(nordhav, name="Wool sweater")
    product = first.batch.product
    with acting_as("web"), brand_scope(nordhav.brand.id):
        later = PassportVersion.objects.create(
            brand=nordhav.brand,
            product=product,
            number=2,
            category=product.category,
            schema_version=1,
            dpp={**product.dpp, "manufacturer_name": "Later Ltd"},
        )
    assert "Later Ltd" not in public.get(f"/p/01/{first.gtin}").text
    second = mint(nordhav, of=product, version=later)
    assert "Later Ltd" in public.get(f"/p/01/{first.gtin}").text
    assert "Later Ltd" not in public.get(f"/p/mb/{first.batch.id}").text
    assert second.gtin == first.gtin


def test_pages_of_nothing_public_are_unknown(nordhav, strangers, public):
    theirs, planned = mint(strangers), mint(nordhav, 0)
    for path in (
        f"/p/01/{theirs.gtin}",
        f"/p/mb/{theirs.batch.id}",
        f"/p/mb/{planned.batch.id}",
        "/p/01/123",
        "/p/mb/x",
        "/p/x/y",
        f"/p/01/{planned.gtin}/21/S",
    ):
        assert public.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/nothing-here", "/p/", "/"])
def test_an_unknown_address_is_nowhere_and_kept_by_no_proxy(public, nordhav, path):
    answer = public.get(path)
    assert (answer.status_code, answer["Cache-Control"]) == (404, "no-store")
    assert "There is nothing at this address." in answer.text
    assert "slash" not in answer.text
