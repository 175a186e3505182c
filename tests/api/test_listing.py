"""What a list declares: every filter has a meaning, every ordering tells rows apart."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db.models import Q
from rest_framework import serializers
from rest_framework.test import APIClient

from tests.catalogue.calls import PRODUCTION_BATCHES, PRODUCTS, code, data, faults
from tests.factories import BrandWorld, make_product, make_production_batch
from tests.minting.requests import request_for, submit
from tieback.api.listing import CreatedQuery, FilterQuery, ListQuery, ordered_by
from tieback.brands.scoping import brand_scope

BATCHES, JOBS = "/api/v1/mint-batches/", "/api/v1/mint-jobs/"
UNITS, EVENTS = "/api/v1/mint-units/", "/api/v1/mint-events/"
CREDENTIALS = "/api/v1/api-credentials/"


def test_a_filter_without_a_meaning_is_refused_when_it_is_declared():
    with pytest.raises(TypeError, match="colour"):

        class Query(ListQuery):
            colour = serializers.CharField(required=False)


def test_a_meaning_without_a_filter_is_refused_when_it_is_declared():
    with pytest.raises(TypeError, match="colour"):

        class Query(ListQuery):
            filters = {"colour": "colour"}


class Colours(FilterQuery):
    """Filters that two lists share."""

    filters = {"colour": lambda value: Q(paint=value) | Q(dye=value)}

    colour = serializers.CharField(required=False)


class Things(Colours, CreatedQuery):
    """A list with filters of its own, shared and inherited ones."""

    orderings = ordered_by("created_at", "name")
    filters = {"size": "size__gte"}

    size = serializers.IntegerField(required=False)


def test_filters_of_all_parents_narrow_together():
    condition = Things.condition({"colour": "red", "size": 3, "page_size": 9})
    assert condition == (Q(paint="red") | Q(dye="red")) & Q(size__gte=3)
    assert Things.condition({}) == Q()


def test_each_ordering_has_both_directions_and_the_first_is_the_default():
    assert list(Things.orderings) == ["-created_at", "created_at", "-name", "name"]
    assert Things.orderings["-name"] == ("-name", "-id")
    assert Things().fields["ordering"].default == "-created_at"


def column(api: APIClient, path: str, name: str, **query: object) -> list[object]:
    return [row[name] for row in data(api.get(path, query))]


@pytest.mark.django_db
def test_products_come_in_each_order_and_pages_keep_it(api: APIClient, nordhav: BrandWorld):
    for number, name in ((3, "b"), (1, "c"), (4, "a"), (2, "a")):
        make_product(nordhav, sku=f"S-{number}", name=name)
    orders = {
        "created_at": ["S-3", "S-1", "S-4", "S-2"],
        "sku": ["S-1", "S-2", "S-3", "S-4"],
        "updated_at": ["S-3", "S-1", "S-4", "S-2"],
    }
    for ordering, expected in orders.items():
        for sign, order in (("", expected), ("-", expected[::-1])):
            seen: list[str] = []
            cursor: dict[str, str] = {}
            while len(seen) < len(order):
                query = {"ordering": f"{sign}{ordering}", "page_size": 1, **cursor}
                body = api.get(PRODUCTS, query).json()
                seen += [row["sku"] for row in body["data"]]
                cursor = {"cursor": body["meta"]["next_cursor"]}
            assert seen == order, (sign, ordering)
    assert column(api, PRODUCTS, "name", ordering="name") == ["a", "a", "b", "c"]
    refused = api.get(PRODUCTS, {"ordering": "dpp"})
    assert faults(refused) == {("ordering", "INVALID_CHOICE")}
    (fault,) = refused.json()["error"]["fields"]
    assert fault["message"].startswith('"dpp" is none of ')
    assert "-created_at" in fault["message"]


@pytest.mark.django_db
def test_a_cursor_holds_for_its_ordering_and_filters_only(api: APIClient, nordhav: BrandWorld):
    for _ in range(3):
        make_product(nordhav)
    asked = {"page_size": 1, "ordering": "sku", "category": "generic"}
    cursor = api.get(PRODUCTS, asked).json()["meta"]["next_cursor"]
    assert len(data(api.get(PRODUCTS, {**asked, "page_size": 2, "cursor": cursor}))) == 2
    for other in (
        {**asked, "ordering": "-sku"},
        {**asked, "ordering": "name"},
        {**asked, "category": "textile"},
        {**asked, "q": "x"},
        {"page_size": 1, "ordering": "sku"},
        {"page_size": 1},
    ):
        refused = api.get(PRODUCTS, {**other, "cursor": cursor})
        assert refused.status_code == 400, other
        assert faults(refused) == {("cursor", "OTHER_QUERY")}
        assert "another ordering" in refused.json()["error"]["fields"][0]["message"]
    elsewhere = api.get(f"{PRODUCTS}readiness-report/products/", {**asked, "cursor": cursor})
    assert faults(elsewhere) == {("cursor", "INVALID")}


@pytest.mark.django_db
def test_products_are_searched_by_name_sku_and_gtin(api: APIClient, nordhav: BrandWorld):
    make_product(nordhav, sku="Fjord-1", name="T-shirt", gtin=code(11))
    make_product(nordhav, sku="X", name="Fjord jacket", gtin=code(12))
    assert sorted(column(api, PRODUCTS, "sku", q="fJORD")) == ["Fjord-1", "X"]
    assert column(api, PRODUCTS, "sku", q=code(12)[3:]) == ["X"]
    moment = data(api.get(PRODUCTS, {"sku": "x"}))[0]["updated_at"]
    assert column(api, PRODUCTS, "sku", updated_after=moment) == ["X"]
    assert column(api, PRODUCTS, "sku", updated_before=moment) == ["Fjord-1"]


@pytest.mark.django_db
def test_production_batches_are_narrowed_and_ordered(api: APIClient, nordhav: BrandWorld):
    product, other = make_product(nordhav), make_product(nordhav)
    make_production_batch(nordhav, product, external_ref="B", quantity=10)
    make_production_batch(nordhav, product, external_ref="A", quantity=20, status="CLOSED")
    make_production_batch(nordhav, other, external_ref="C", quantity=None)
    refs = {
        (): {"A", "B", "C"},
        (("quantity_from", 11),): {"A"},
        (("quantity_to", 10),): {"B"},
        (("quantity_from", 10), ("quantity_to", 20)): {"A", "B"},
        (("status", "CLOSED"),): {"A"},
        (("product", other.id),): {"C"},
        (("external_ref", "b"),): {"B"},
        (("created_before", "2000-01-01T00:00:00Z"),): set(),
    }
    for query, expected in refs.items():
        found = column(api, PRODUCTION_BATCHES, "external_ref", **dict(query))
        assert set(found) == expected, query
    ordered = column(api, PRODUCTION_BATCHES, "external_ref", ordering="-external_ref")
    assert ordered == ["C", "B", "A"]


@pytest.mark.django_db
def test_batches_jobs_and_events_are_narrowed(api: APIClient, nordhav: BrandWorld):
    from minting.states import Priority

    first, second = make_product(nordhav), make_product(nordhav)
    one = submit(nordhav, request_for(first, priority=Priority.URGENT))
    two = submit(nordhav, request_for(second))
    for query, expected in (
        ({}, {one, two}),
        ({"priority": "urgent"}, {one}),
        ({"product": second.id}, {two}),
        ({"status": "queued"}, {one, two}),
        ({"status": "minted"}, set()),
        ({"lot": "L-1"}, set()),
        ({"physical_status": "minted"}, {one, two}),
    ):
        assert set(column(api, BATCHES, "mint_job_id", **query)) == {
            str(job.id) for job in expected
        }, query
    for query, expected in (
        ({"priority": "urgent", "status": "QUEUED"}, {one}),
        ({"product": second.id}, {two}),
        ({"batch": one.batch_id}, {one}),
        ({"status": "FAILED"}, set()),
        ({"production_batch": uuid4()}, set()),
        ({"created_after": "2100-01-01T00:00:00Z"}, set()),
    ):
        assert set(column(api, JOBS, "id", **query)) == {str(job.id) for job in expected}, query
    assert column(api, EVENTS, "mint_batch_id", product=first.id) == [str(one.batch_id)]
    newest_last = column(api, JOBS, "id", ordering="queued_at")
    assert newest_last == [str(one.id), str(two.id)]


@pytest.mark.django_db
def test_units_need_a_batch_a_lot_a_token_or_a_serial(api: APIClient):
    for query in ({}, {"status": "minted"}, {"product": uuid4()}):
        refused = api.get(UNITS, query)
        assert refused.status_code == 400
        assert faults(refused) == {("batch", "REQUIRED")}


@pytest.mark.django_db
def test_credentials_are_narrowed_to_those_that_still_hold(
    nordhav: BrandWorld, client_of: Callable[..., APIClient]
):
    manager = client_of(nordhav, ("credentials:manage",))
    made = data(manager.post(CREDENTIALS, {"name": "till", "scopes": ["credentials:manage"]}), 201)
    data(manager.post(f"{CREDENTIALS}{made['id']}/revoke/", {}))
    assert column(manager, CREDENTIALS, "name", state="revoked") == ["till"]
    assert "till" not in column(manager, CREDENTIALS, "name", state="active")


@pytest.mark.django_db
def test_units_are_found_by_ordinal_range(api: APIClient, nordhav: BrandWorld):
    job = submit(nordhav, request_for(make_product(nordhav)))
    with brand_scope(nordhav.brand.id):
        query = {"batch": job.batch_id, "ordinal_from": 2, "ordinal_to": 3}
        assert data(api.get(UNITS, query)) == []
    assert faults(api.get(UNITS, {**query, "ordinal_from": 0})) == {("ordinal_from", "MIN_VALUE")}
