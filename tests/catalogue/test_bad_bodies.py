"""Bodies that make no sense: 400 in the envelope, naming the field, never a 500."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from tests.catalogue.calls import PRODUCTION_BATCHES, PRODUCTS, faults, product_body
from tests.factories import BrandWorld, make_product, make_production_batch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quiet")]

WRONG = [None, 5, -1, 1.5, True, [], {}, [1], {"a": 1}, "", "  ", "a\x00b", "\n", 10**80, "x" * 500]
NESTED: object = "deep"
for _ in range(60):
    NESTED = [NESTED]


def names(response) -> set[str]:
    return {field.split(".")[0].split("[")[0] for field, _ in faults(response)}


@pytest.mark.parametrize("value", [*WRONG, "a\tb", "\ud800", NESTED], ids=repr)
@pytest.mark.parametrize("field", ["sku", "name", "category", "commercial_status"])
def test_a_wrong_value_of_a_product_is_refused_by_name(api: APIClient, field: str, value: object):
    body = json.dumps(product_body(**{field: value}))
    response = api.post(PRODUCTS, body, content_type="application/json")
    assert response.status_code == 400, response.content
    assert names(response) == {field}


@pytest.mark.parametrize("value", [v for v in WRONG if v is not None], ids=repr)
def test_a_wrong_gtin_is_refused_by_name(api: APIClient, value: object):
    response = api.post(PRODUCTS, product_body(gtin=value))
    assert response.status_code == 400, response.content
    assert names(response) == {"gtin"}


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "text",
        [],
        [{}],
        {"manufacturer_name": "a\x00b"},
        {"manufacturer_name": "\ud800"},
        {"manufacturer_name": 5},
        {"manufacturer_name": NESTED},
        {"manufacturer_address": {"street": {"a": 1}}},
        {"materials": [{"material": "wool", "percentage": 10**90}]},
        {"materials": [{"material": "wool"}] * 41},
        {"\x00": 1},
        {"": 1},
        {"nonsense": 1},
        {"x" * 5000: 1},
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_wrong_passport_is_refused_by_name(api: APIClient, nordhav: BrandWorld, value: object):
    product = make_product(nordhav)
    body = json.dumps({"dpp": value})
    created = api.post(
        PRODUCTS, json.dumps(product_body(dpp=value)), content_type="application/json"
    )
    changed = api.patch(f"{PRODUCTS}{product.id}/", body, content_type="application/json")
    for response in (created, changed):
        assert response.status_code == 400, response.content
        assert names(response) == {"dpp"}


@pytest.mark.parametrize("value", [None, 0, -1, 1.5, "1", True, [1], 2**31, 10**90], ids=repr)
def test_a_wrong_expected_version_is_refused_by_name(
    api: APIClient, nordhav: BrandWorld, value: object
):
    response = api.patch(f"{PRODUCTS}{make_product(nordhav).id}/", {"dpp_version": value})
    assert response.status_code == 400
    assert names(response) == {"dpp_version"}


@pytest.mark.parametrize("value", [v for v in WRONG if v is not None], ids=repr)
@pytest.mark.parametrize("field", ["external_ref", "sku", "product_id", "status"])
def test_a_wrong_value_of_a_production_batch_is_refused_by_name(
    api: APIClient, nordhav: BrandWorld, field: str, value: object
):
    product = make_product(nordhav, sku="Tee")
    run = make_production_batch(nordhav, product)
    named = {} if field in {"sku", "product_id"} else {"sku": "Tee"}
    created = api.post(PRODUCTION_BATCHES, {"external_ref": "PO", **named, field: value})
    changed = api.patch(f"{PRODUCTION_BATCHES}{run.id}/", {field: value})
    for response in (created, changed):
        assert response.status_code == 400, response.content
        assert field in names(response)


def test_an_unknown_field_is_refused_by_name(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav)
    run = make_production_batch(nordhav, product)
    for response in (
        api.post(PRODUCTS, product_body(colour="red")),
        api.patch(f"{PRODUCTS}{product.id}/", {"colour": "red"}),
        api.post(PRODUCTION_BATCHES, {"external_ref": "P", "sku": product.sku, "colour": "red"}),
        api.patch(f"{PRODUCTION_BATCHES}{run.id}/", {"colour": "red"}),
    ):
        assert response.status_code == 400
        assert faults(response) == {("colour", "UNKNOWN_FIELD")}


@pytest.mark.parametrize("body", ["", "[]", "5", '"text"', "{", '{"dpp": NaN}', "\xff", "null"])
def test_a_body_that_is_no_object_is_refused(api: APIClient, nordhav: BrandWorld, body: str):
    product = make_product(nordhav)
    for path, method in ((PRODUCTS, api.post), (f"{PRODUCTS}{product.id}/", api.patch)):
        response = method(path, body.encode("latin-1"), content_type="application/json")
        if body == "" and method == api.patch:
            assert response.status_code == 200  # nothing to change
        else:
            assert response.status_code == 400
            assert faults(response)


def test_a_body_of_another_type_is_refused(api: APIClient):
    assert api.post(PRODUCTS, "sku=1", content_type="text/plain").status_code == 415


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
_FIELDS = ("manufacturer_name", "manufacturer_address", "materials", "carbon_footprint_kg", "extra")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(dpp=st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=5))
def test_whatever_passport_is_sent_is_taken_or_refused_and_comes_back_as_taken(
    api: APIClient, nordhav: BrandWorld, dpp: dict[str, object]
):
    product = make_product(nordhav)
    url = f"{PRODUCTS}{product.id}/"
    body = json.dumps({"dpp": dpp})
    response = api.patch(url, body, content_type="application/json")
    assert response.status_code in {200, 400}, response.content
    if response.status_code == 200:
        taken = response.json()["data"]
        again = api.patch(url, body, content_type="application/json").json()["data"]
        assert again["dpp_version"] == taken["dpp_version"]
