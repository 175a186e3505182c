"""What a product was called stays known, and a GTIN that codes carry is never another product's."""

import pytest
from django.db import IntegrityError, ProgrammingError, transaction
from rest_framework.test import APIClient

from minting.models import Product, ProductIdentifier
from tests.catalogue.calls import (
    PRODUCTS,
    code,
    csv_text,
    data,
    faults,
    product_body,
    stored,
    upload,
)
from tests.factories import BrandWorld, make_product
from tests.minting.requests import request_for, submit
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db


def identifiers(api: APIClient, product_id: object, **query: object) -> set[tuple[str, str, str]]:
    rows = data(api.get(f"{PRODUCTS}{product_id}/identifiers/", query))
    assert all((row["retired_at"] is None) == (row["status"] == "active") for row in rows)
    return {(row["type"], row["value"], row["status"]) for row in rows}


def change(api: APIClient, product: Product, **fields: object):
    return api.patch(f"{PRODUCTS}{product.id}/", fields)


def printed(nordhav: BrandWorld, **fields: object) -> Product:
    product = make_product(nordhav, **fields)
    submit(nordhav, request_for(product))
    return product


def test_a_new_product_has_the_identifiers_it_carries(api: APIClient):
    body = product_body(sku="TEE", gtin=code(1), mpn="MP-1")
    product = data(api.post(PRODUCTS, body), 201)
    assert product["mpn"] == "MP-1"
    assert identifiers(api, product["id"]) == {
        ("sku", "TEE", "active"),
        ("gtin", code(1), "active"),
        ("mpn", "MP-1", "active"),
    }


def test_what_a_change_takes_away_is_retired_and_kept(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, sku="A", gtin=code(1), mpn="M")
    data(change(api, product, sku="B", gtin=code(2), mpn=None))
    assert identifiers(api, product.id) == {
        ("sku", "A", "retired"),
        ("sku", "B", "active"),
        ("gtin", code(1), "retired"),
        ("gtin", code(2), "active"),
        ("mpn", "M", "retired"),
    }
    assert identifiers(api, product.id, type="gtin", status="retired") == {
        ("gtin", code(1), "retired")
    }


def test_a_file_keeps_the_history_as_well(api: APIClient, nordhav: BrandWorld):
    header = ("sku", "name", "category", "gtin", "mpn")
    for gtin, mpn in ((code(1), "M-1"), (code(2), "M-1"), (code(2), "M-2")):
        report = data(upload(api, csv_text(header, ["S-1", "Tee", "generic", gtin, mpn])))
        assert report["errors"] == 0
    assert identifiers(api, stored(nordhav, "S-1").id) == {
        ("sku", "S-1", "active"),
        ("gtin", code(1), "retired"),
        ("gtin", code(2), "active"),
        ("mpn", "M-1", "retired"),
        ("mpn", "M-2", "active"),
    }


def test_other_changes_leave_the_history_alone(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, sku="A", gtin=code(1))
    before = identifiers(api, product.id)
    data(change(api, product, name="New", dpp={}))
    assert identifiers(api, product.id) == before


def test_an_identifier_that_comes_back_is_active_again(api: APIClient, nordhav: BrandWorld):
    product = printed(nordhav, gtin=code(1))
    data(change(api, product, gtin=code(2)))
    data(change(api, product, gtin=code(1)))
    assert identifiers(api, product.id, type="gtin") == {
        ("gtin", code(1), "active"),
        ("gtin", code(2), "retired"),
    }


def test_a_retired_gtin_that_no_code_carries_is_free(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, gtin=code(1))
    data(change(api, product, gtin=code(2)))
    taken = data(api.post(PRODUCTS, product_body(gtin=code(1))), 201)
    assert ("gtin", code(1), "active") in identifiers(api, taken["id"])
    assert ("gtin", code(1), "retired") in identifiers(api, product.id)


def test_a_gtin_that_codes_carry_stays_its_products_for_ever(api: APIClient, nordhav: BrandWorld):
    product, other = printed(nordhav, sku="Mine", gtin=code(1)), make_product(nordhav)
    data(change(api, product, gtin=None))
    for refused in (
        api.post(PRODUCTS, product_body(gtin=code(1))),
        change(api, other, gtin=code(1)),
    ):
        assert refused.status_code == 400
        assert faults(refused) == {("gtin", "GTIN_RESERVED")}
        (fault,) = refused.json()["error"]["fields"]
        assert "the product Mine" in fault["message"]
        assert fault["detail"] == {"sku": "Mine"}
    (row,) = data(api.get(f"{PRODUCTS}{product.id}/identifiers/", {"type": "gtin"}))
    assert (row["value"], row["reserved"]) == (code(1), True)
    assert data(change(api, product, gtin=code(1)))["gtin"] == code(1)


def test_the_database_refuses_it_whoever_writes(api: APIClient, nordhav: BrandWorld):
    product = printed(nordhav, gtin=code(1))
    data(change(api, product, gtin=code(2)))
    with (
        brand_scope(nordhav.brand.id),
        pytest.raises(IntegrityError, match="minting_identifier_held"),
        transaction.atomic(),
    ):
        Product.objects.create(brand=nordhav.brand, sku="X", category="generic", gtin=code(1))


def test_another_brand_may_use_the_same_identifiers(
    api: APIClient, nordhav: BrandWorld, strangers: BrandWorld
):
    printed(strangers, sku="TEE", gtin=code(1))
    data(api.post(PRODUCTS, product_body(sku="TEE", gtin=code(1))), 201)


def test_products_may_share_a_part_number(api: APIClient, nordhav: BrandWorld):
    for number in (1, 2):
        data(api.post(PRODUCTS, product_body(sku=f"S-{number}", gtin=None, mpn="M")), 201)
    assert len(data(api.get(PRODUCTS, {"mpn": "m"}))) == 2


def test_no_identifier_is_ever_deleted(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav)
    with (
        brand_scope(nordhav.brand.id),
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
    ):
        ProductIdentifier.objects.filter(product=product).delete()
