"""Changing products: what makes a passport version, and what may no longer change."""

import pytest
from rest_framework.test import APIClient

from minting.models import Product
from tests.catalogue.calls import PRODUCTS, audited, code, data, faults, stored, versions
from tests.factories import BrandWorld, make_product, nobody
from tests.minting.requests import request_for, submit
from tests.passports import ready_passport

pytestmark = pytest.mark.django_db


def change(api: APIClient, product: Product, **fields: object):
    return api.patch(f"{PRODUCTS}{product.id}/", fields)


def test_only_the_fields_sent_change(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, sku="A", name="Old")
    changed = data(change(api, product, name="New"))
    assert changed["name"] == "New"
    assert changed["gtin"] == product.gtin
    assert changed["dpp"] == product.dpp
    assert changed["dpp_version"] == 1
    assert stored(nordhav, "A").name == "New"


def test_dpp_replaces_all_passport_data_and_makes_a_version(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, sku="A")
    dpp = {"manufacturer_name": "Nordhav ApS"}
    changed = data(change(api, product, dpp=dpp))
    assert changed["dpp"] == dpp
    assert changed["dpp_version"] == 2
    assert changed["ready"] is False
    assert versions(nordhav, "A") == [(1, "generic", product.dpp), (2, "generic", dpp)]


def test_another_category_makes_a_version_and_is_checked_against_its_schema(
    api: APIClient, nordhav: BrandWorld
):
    product = make_product(nordhav, sku="A")
    refused = change(api, product, category="textile")
    assert ("dpp.country_of_origin", "UNKNOWN_FIELD") in faults(refused)
    passport = ready_passport("textile")
    changed = data(change(api, product, category="textile", dpp=passport))
    assert changed["dpp_version"] == 2
    assert versions(nordhav, "A")[1] == (2, "textile", passport)


def test_sending_what_is_there_already_writes_nothing(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, sku="A")
    same = {"name": product.name, "gtin": product.gtin, "dpp": product.dpp, "category": "generic"}
    changed = data(change(api, product, **same))
    assert changed["dpp_version"] == 1
    assert stored(nordhav, "A").updated_at == product.updated_at
    assert audited(nordhav) == []
    assert data(change(api, product))["dpp_version"] == 1


def test_the_expected_version_protects_from_overwriting(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, sku="A")
    mine = data(change(api, product, dpp={}, dpp_version=1))
    assert mine["dpp_version"] == 2
    late = change(api, product, dpp={"manufacturer_name": "Late"}, dpp_version=1)
    assert late.status_code == 409
    assert late.json()["error"]["code"] == "DPP_VERSION_MISMATCH"
    assert faults(late) == {("dpp_version", "MISMATCH")}
    assert stored(nordhav, "A").dpp == {}


def test_a_change_tells_the_audit_trail_what_was_and_what_is(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, sku="A", name="Old")
    dpp = {**product.dpp, "end_of_life": "Bring it back."}
    data(change(api, product, name="New", dpp=dpp))
    (entry,) = audited(nordhav)
    assert entry.action == "product.updated"
    assert entry.before == {
        "name": "Old",
        "dpp": {"end_of_life": product.dpp["end_of_life"]},
        "dpp_version": 1,
    }
    assert entry.after == {
        "name": "New",
        "dpp": {"end_of_life": "Bring it back."},
        "dpp_version": 2,
    }


@pytest.mark.parametrize("printed", [False, True])
def test_a_gtin_may_change_or_go_even_where_codes_carry_it(
    api: APIClient, nordhav: BrandWorld, printed: bool
):
    product = make_product(nordhav, sku="A")
    if printed:
        submit(nordhav, request_for(product))
    assert data(change(api, product, gtin=code(0)))["gtin"] == code(0)
    assert data(change(api, product, gtin=None))["gtin"] is None


def test_codes_without_a_gtin_do_not_keep_a_product_from_getting_one(
    api: APIClient, nordhav: BrandWorld
):
    product = make_product(nordhav, sku="A", gtin=None)
    submit(nordhav, request_for(product))
    assert data(change(api, product, gtin=code(0)))["gtin"] == code(0)


def test_sku_and_gtin_of_another_product_are_refused(api: APIClient, nordhav: BrandWorld):
    other = make_product(nordhav, sku="Other")
    product = make_product(nordhav, sku="A")
    refused = change(api, product, sku="OTHER", gtin=other.gtin)
    assert refused.status_code == 400
    assert faults(refused) == {("sku", "TAKEN"), ("gtin", "TAKEN")}


def test_the_case_of_a_sku_may_change(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, sku="tee")
    assert data(change(api, product, sku="TEE"))["sku"] == "TEE"


def test_a_product_is_discontinued_and_never_deleted(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, sku="A")
    assert api.delete(f"{PRODUCTS}{product.id}/").status_code == 405
    assert api.put(f"{PRODUCTS}{product.id}/", {}).status_code == 405
    changed = data(change(api, product, commercial_status="discontinued"))
    assert changed["commercial_status"] == "discontinued"


def test_a_foreign_or_unknown_product_is_not_found(
    api: APIClient, nordhav: BrandWorld, strangers: BrandWorld
):
    theirs = make_product(strangers, sku="Theirs", name="Theirs")
    for product_id in (theirs.id, nobody()):
        url = f"{PRODUCTS}{product_id}/"
        assert api.get(url).status_code == 404
        assert api.get(f"{url}readiness/").status_code == 404
        assert api.patch(url, {"name": "Mine"}).status_code == 404
    assert stored(strangers, "Theirs").name == "Theirs"
