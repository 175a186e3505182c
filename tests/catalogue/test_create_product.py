"""Creating products: what is taken, what is kept, and every fault named at once."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from tests.catalogue.calls import (
    PRODUCTS,
    audited,
    code,
    data,
    faults,
    product_body,
    stored,
    versions,
)
from tests.factories import BrandWorld, make_product, make_world
from tests.passports import ready_passport

pytestmark = pytest.mark.django_db


def create(api: APIClient, **fields: object):
    return api.post(PRODUCTS, product_body(**fields))


def test_a_product_is_created_with_its_first_passport_version(api: APIClient, nordhav: BrandWorld):
    passport = ready_passport("generic")
    created = data(create(api, dpp=passport, commercial_status="active"), 201)
    assert created["dpp"] == passport
    assert created["dpp_version"] == 1
    assert created["ready"] is True
    assert versions(nordhav, "TEE-1") == [(1, "generic", passport)]
    assert data(api.get(f"{PRODUCTS}{created['id']}/")) == created


def test_a_product_is_a_draft_without_gtin_or_passport_unless_told(api: APIClient):
    body = product_body()
    del body["gtin"]
    created = data(api.post(PRODUCTS, body), 201)
    assert created["commercial_status"] == "draft"
    assert created["gtin"] is None
    assert created["dpp"] == {}
    assert created["ready"] is False


@pytest.mark.parametrize("digits", [8, 12, 13, 14])
def test_gtins_of_every_length_are_kept_as_14_digits(
    digits: int, client_of: Callable[..., APIClient], db: None
):
    api = client_of(make_world("anyone", gs1_prefixes=[]))
    short = {8: "96385074", 12: "614141000036", 13: "9506000134352", 14: "19506000134359"}[digits]
    assert data(create(api, gtin=short), 201)["gtin"] == short.zfill(14)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("09506000134353", "GTIN_INVALID"),
        ("95060001", "GTIN_INVALID"),
        ("123", "GTIN_INVALID"),
        ("9.50E+12", "GTIN_INVALID"),
        ("0950600013435X", "GTIN_INVALID"),
        ("04006381333931", "GTIN_PREFIX_NOT_OWNED"),
        ("", "BLANK"),
        ("9" * 40, "GTIN_INVALID"),
    ],
)
def test_a_gtin_the_brand_cannot_use_is_refused(api: APIClient, given: str, code: str):
    response = create(api, gtin=given)
    assert response.status_code == 400
    expected = "MAX_LENGTH" if len(given) > 30 else code
    assert faults(response) == {("gtin", expected)}


def test_every_fault_is_named_at_once(api: APIClient, nordhav: BrandWorld):
    make_product(nordhav, sku="tee-1")
    response = create(api, gtin="123", dpp={"colour": "red", "manufacturer_name": 5})
    assert response.status_code == 400
    assert faults(response) == {
        ("gtin", "GTIN_INVALID"),
        ("sku", "TAKEN"),
        ("dpp.colour", "UNKNOWN_FIELD"),
        ("dpp.manufacturer_name", "INVALID_TYPE"),
    }


def test_a_sku_is_taken_whatever_its_case_but_only_inside_the_brand(
    api: APIClient, nordhav: BrandWorld, strangers: BrandWorld
):
    make_product(strangers, sku="TEE-1")
    data(create(api), 201)
    assert faults(create(api, sku="tee-1", gtin=code(2))) == {("sku", "TAKEN")}


def test_a_gtin_is_taken_once_in_a_brand(api: APIClient):
    data(create(api), 201)
    assert faults(create(api, sku="TEE-2")) == {("gtin", "TAKEN")}


def test_blank_passport_values_are_left_out(api: APIClient):
    created = data(create(api, dpp={"manufacturer_name": "  ", "materials": []}), 201)
    assert created["dpp"] == {}


def test_an_unknown_passport_field_is_refused_even_when_it_is_blank(api: APIClient):
    assert faults(create(api, dpp={"nonsense": None})) == {("dpp.nonsense", "UNKNOWN_FIELD")}


def test_creating_a_product_leaves_an_audit_entry(api: APIClient, nordhav: BrandWorld):
    response = api.post(PRODUCTS, product_body(), HTTP_X_REQUEST_ID="req-7")
    (entry,) = audited(nordhav, ["product.created"])
    assert entry.target_id == data(response, 201)["id"]
    assert entry.actor.startswith("credential:mk_live_")
    assert entry.request_id == "req-7"
    assert entry.after == {
        "sku": "TEE-1",
        "name": "T-shirt",
        "gtin": code(1),
        "mpn": None,
        "category": "generic",
        "commercial_status": "draft",
        "dpp_version": 1,
    }


def test_a_refused_product_leaves_nothing_behind(api: APIClient, nordhav: BrandWorld):
    assert create(api, gtin="123").status_code == 400
    assert audited(nordhav) == []
    assert versions(nordhav, "TEE-1") == []


def test_text_is_kept_without_blanks_around_it(api: APIClient, nordhav: BrandWorld):
    data(create(api, name="  Fjord \u00c6ble  "), 201)
    assert stored(nordhav, "TEE-1").name == "Fjord \u00c6ble"
