"""The passport for machines: what is answered to whom, and that its JSON-LD says what it means."""

import json

import pytest
from pyld import jsonld

from minting.states import RevocationReason, UnitStatus
from resolver import database
from tests.passports import ready_passport
from tests.resolver.units import WHEN, mint

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
GS1, SCHEMA = "https://ref.gs1.org/voc/", "https://schema.org/"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/html"),
        ("*/*", "text/html"),
        (BROWSER, "text/html"),
        (f"{BROWSER},application/json", "text/html"),
        ("application/json", "application/json"),
        ("application/json, */*", "application/json"),
        ("application/ld+json", "application/ld+json"),
        ("application/json;q=0.5, application/ld+json", "application/ld+json"),
        ("text/html;q=0.4, application/json;q=0.9", "application/json"),
        ("text/html;q=0, application/json", "application/json"),
        ("image/png", "text/html"),
        ("nonsense", "text/html"),
    ],
)
def test_who_asks_for_a_representation_gets_it(nordhav, public, accept, media_type):
    path = f"/p/{mint(nordhav).tokens[0]}"
    response = public.get(path, headers={"accept": accept} if accept else {})
    assert response.status_code == 200
    assert response["Content-Type"].partition(";")[0] == media_type
    assert {"Accept", "Accept-Language"} <= set(response["Vary"].split(", "))
    assert response["Cache-Control"] == "private, no-store"
    assert response["Access-Control-Allow-Origin"] == "*"


def as_json(public, path):
    return public.get(path, headers={"accept": "application/json"})


def test_the_json_of_an_item_names_what_is_printed_and_what_is_known(nordhav, public):
    minted = mint(
        nordhav,
        name="Wool sweater",
        category="textile",
        status=UnitStatus.ACTIVE,
        serials=["S/1"],
        lot="L",
    )
    token = minted.tokens[0]
    passport = ready_passport("textile")
    body = as_json(public, f"/p/{token}").json()
    data = body.pop("data")
    assert body == {
        "digitalProductPassportId": f"https://nordhav.example/p/{token}",
        "uniqueProductIdentifier": f"https://nordhav.example/01/{minted.gtin}/10/L/21/S%2F1",
        "granularity": "item",
        "dppSchemaVersion": "urn:tieback:schema:textile:1",
        "dppStatus": "active",
        "lastUpdated": body["lastUpdated"],
        "access": "public",
        "brand": {"name": nordhav.brand.name},
        "product": {"name": "Wool sweater", "gtin": minted.gtin, "lot": "L"},
        "item": {"serial": "S/1", "activatedAt": WHEN.isoformat()},
        **{key: body[key] for key in ("economicOperatorId", "facilityId") if key in body},
    }
    assert data == {key: value for key, value in passport.items() if key in data}
    assert data["fibre_composition"] == passport["fibre_composition"]


def test_operator_and_factory_are_named_where_the_passport_does(nordhav, public):
    dpp = {
        "responsible_operator": {"name": "A", "role": "importer", "identifier": "EU-1"},
        "facility_identifier": "F-1",
    }
    minted = mint(nordhav, category="textile", dpp=dpp)
    body = as_json(public, f"/p/{minted.tokens[0]}").json()
    assert (body["economicOperatorId"], body["facilityId"]) == ("EU-1", "F-1")


def test_a_product_a_lot_and_a_batch_say_how_fine_their_passport_is(nordhav, public):
    minted = mint(nordhav, lot="LOT/7")
    host = "https://nordhav.example"
    for path, granularity, code in (
        (f"/p/01/{minted.gtin}", "model", f"{host}/01/{minted.gtin}"),
        (f"/p/01/{minted.gtin}/10/LOT%2F7", "batch", f"{host}/01/{minted.gtin}/10/LOT%2F7"),
        (f"/p/01/{minted.gtin}/10/none", "model", f"{host}/01/{minted.gtin}"),
        (f"/p/mb/{minted.batch.id}", "batch", f"{host}/mb/{minted.batch.id}"),
    ):
        body = as_json(public, path).json()
        assert (body["granularity"], body["uniqueProductIdentifier"]) == (granularity, code)
        assert "item" not in body
        assert minted.tokens[0] not in json.dumps(body)


def test_a_revoked_unit_is_gone_for_machines_and_says_when(nordhav, public):
    minted = mint(nordhav, status=UnitStatus.REVOKED)
    response = as_json(public, f"/p/{minted.tokens[0]}")
    assert response.status_code == 410
    assert response.json()["dppStatus"] == "revoked"
    assert response.json()["item"]["revokedAt"] == WHEN.isoformat()
    assert RevocationReason.OTHER not in response.text


def test_errors_are_told_to_machines_in_json(nordhav, public, monkeypatch):
    unknown = as_json(public, "/p/ABCDEFGHJKLMNPQRSTUV")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "NOT_FOUND")
    token = mint(nordhav).tokens[0]
    monkeypatch.setattr("resolver.public_answers.brand_of", _gone)
    later = as_json(public, f"/p/{token}")
    assert (later.status_code, later["Retry-After"]) == (503, "5")
    assert later.json()["error"]["code"] == "UNAVAILABLE"


def _gone(_: str) -> None:
    raise database.Unavailable


def test_json_ld_says_the_same_in_the_words_of_gs1_and_schema_org(nordhav, public):
    """Expanded with nothing to fetch: a context that is not in the document would fail."""
    minted = mint(nordhav, name="Wool sweater", category="battery_ev", status=UnitStatus.ACTIVE)
    token = minted.tokens[0]
    response = public.get(f"/p/{token}", headers={"accept": "application/ld+json"})
    document = response.json()
    (node,) = jsonld.expand(document, {"documentLoader": _no_loading})
    assert node["@id"] == f"https://nordhav.example/01/{minted.gtin}/21/{token}"
    assert node["@type"] == [f"{GS1}Product", f"{SCHEMA}IndividualProduct"]
    assert node[f"{GS1}gtin"] == [{"@value": minted.gtin}]
    assert node[f"{GS1}productName"] == [{"@value": "Wool sweater"}]
    assert node[f"{GS1}hasSerialNumber"] == [{"@value": token}]
    assert node[f"{SCHEMA}brand"][0][f"{SCHEMA}name"] == [{"@value": nordhav.brand.name}]
    dated = node["urn:tieback:passport#activatedAt"][0]
    assert dated["@type"].endswith("#dateTime")
    plain = as_json(public, f"/p/{token}").json()
    for name, value in plain["data"].items():
        term = node[f"urn:tieback:schema:battery_ev:1#{name}"]
        assert term == [{"@type": "@json", "@value": value}], name
    triples = jsonld.to_rdf(document, {"documentLoader": _no_loading})["@default"]
    assert len(triples) >= len(plain["data"]) + 10


def _no_loading(url: str, _: object) -> None:
    raise AssertionError(f"asked for {url}")
