"""Production batches: what the ERP plans, what is left of it, and what minting settles."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from minting.models import MintJob, ProductionBatch
from minting.states import JobStatus
from tests.catalogue.calls import PRODUCTION_BATCHES, audited, data, faults, stored_run
from tests.factories import BrandWorld, make_product, make_production_batch, nobody
from tests.minting.requests import request_for, submit
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db

LARGEST = 2**53 - 1


def create(api: APIClient, **fields: object):
    return api.post(PRODUCTION_BATCHES, {"external_ref": "PO-1", **fields})


def change(api: APIClient, run: ProductionBatch, **fields: object):
    return api.patch(f"{PRODUCTION_BATCHES}{run.id}/", fields)


def mint(world: BrandWorld, run: ProductionBatch, quantity: int) -> MintJob:
    with brand_scope(world.brand.id):
        product = ProductionBatch.objects.get(id=run.id).product
    return submit(world, request_for(product, quantity, production_batch_id=run.id))


def test_a_production_batch_names_its_product_by_sku_or_by_id(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav, sku="Tee")
    by_sku = data(create(api, sku="TEE", quantity=10), 201)
    by_id = data(create(api, external_ref="PO-2", product_id=str(product.id)), 201)
    assert by_sku["product_id"] == by_id["product_id"] == str(product.id)
    assert by_sku["sku"] == "Tee"
    assert by_sku["status"] == "PLANNED"
    assert (by_sku["quantity"], by_sku["remaining_quantity"]) == (10, 10)
    assert (by_id["quantity"], by_id["remaining_quantity"]) == (None, None)
    assert data(api.get(f"{PRODUCTION_BATCHES}{by_sku['id']}/")) == by_sku


def test_what_jobs_hold_is_no_longer_left(api: APIClient, nordhav: BrandWorld):
    run = make_production_batch(nordhav, make_product(nordhav), quantity=100)
    mint(nordhav, run, 30)
    mint(nordhav, run, 20)
    assert data(api.get(f"{PRODUCTION_BATCHES}{run.id}/"))["remaining_quantity"] == 50
    assert data(api.get(PRODUCTION_BATCHES))[0]["remaining_quantity"] == 50


def test_the_product_must_exist_in_the_brand(
    api: APIClient, nordhav: BrandWorld, strangers: BrandWorld
):
    theirs = make_product(strangers, sku="Theirs")
    assert faults(create(api, sku="Theirs")) == {("sku", "NOT_FOUND")}
    assert faults(create(api, product_id=str(theirs.id))) == {("product_id", "NOT_FOUND")}
    assert faults(create(api)) == {("sku", "REQUIRED")}
    both = create(api, sku="Theirs", product_id=str(theirs.id))
    assert faults(both) == {("sku", "AMBIGUOUS")}


def test_a_reference_is_taken_whatever_its_case_but_only_inside_the_brand(
    api: APIClient, nordhav: BrandWorld, strangers: BrandWorld
):
    make_production_batch(strangers, make_product(strangers), external_ref="PO-1")
    make_product(nordhav, sku="Tee")
    data(create(api, sku="Tee"), 201)
    assert faults(create(api, sku="Tee", external_ref="po-1")) == {("external_ref", "TAKEN")}


@pytest.mark.parametrize("quantity", [0, -1, LARGEST + 1, 10**90, 1.5, "5", True, [1]])
def test_a_quantity_that_is_no_quantity_is_refused(
    api: APIClient, nordhav: BrandWorld, quantity: object
):
    make_product(nordhav, sku="Tee")
    response = create(api, sku="Tee", quantity=quantity)
    assert response.status_code == 400
    assert {field for field, _ in faults(response)} == {"quantity"}


def test_the_largest_quantity_is_kept_exactly(api: APIClient, nordhav: BrandWorld):
    make_product(nordhav, sku="Tee")
    assert data(create(api, sku="Tee", quantity=LARGEST), 201)["remaining_quantity"] == LARGEST


def test_changes_are_kept_and_audited(api: APIClient, nordhav: BrandWorld):
    run = make_production_batch(nordhav, make_product(nordhav), external_ref="PO-1", quantity=5)
    changed = data(change(api, run, status="CLOSED", quantity=7, external_ref="PO-9"))
    assert (changed["status"], changed["quantity"], changed["external_ref"]) == (
        "CLOSED",
        7,
        "PO-9",
    )
    (entry,) = audited(nordhav)
    assert entry.action == "production_batch.updated"
    assert entry.before == {"external_ref": "PO-1", "status": "READY", "quantity": 5}
    assert entry.after == {"external_ref": "PO-9", "status": "CLOSED", "quantity": 7}


def test_a_change_to_the_same_values_writes_nothing(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav)
    run = make_production_batch(nordhav, product, external_ref="PO-1", quantity=5)
    data(change(api, run, status="READY", quantity=5, external_ref="PO-1", sku=product.sku))
    assert audited(nordhav) == []


def test_the_quantity_may_not_fall_below_what_is_requested(api: APIClient, nordhav: BrandWorld):
    run = make_production_batch(nordhav, make_product(nordhav), external_ref="PO", quantity=100)
    mint(nordhav, run, 60)
    refused = change(api, run, quantity=59)
    assert refused.status_code == 409
    assert faults(refused) == {("quantity", "QUANTITY_COMMITTED")}
    assert refused.json()["error"]["fields"][0]["detail"] == {"committed": 60}
    assert stored_run(nordhav, "PO").quantity == 100
    assert data(change(api, run, quantity=60))["remaining_quantity"] == 0
    assert data(change(api, run, quantity=None))["remaining_quantity"] is None
    assert change(api, run, quantity=59).status_code == 409


def test_a_cancelled_job_gives_back_what_it_did_not_make(api: APIClient, nordhav: BrandWorld):
    run = make_production_batch(nordhav, make_product(nordhav), quantity=100)
    job = mint(nordhav, run, 60)
    with brand_scope(nordhav.brand.id):
        MintJob.objects.filter(id=job.id).update(
            status=JobStatus.CANCELLED, finished_at=job.created_at
        )
    assert data(change(api, run, quantity=1))["remaining_quantity"] == 1


def test_reference_and_product_are_settled_by_the_first_mint(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav)
    other = make_product(nordhav)
    run = make_production_batch(nordhav, product, external_ref="PO-1")
    assert data(change(api, run, sku=other.sku))["sku"] == other.sku
    assert data(change(api, run, sku=product.sku, external_ref="PO-2"))["external_ref"] == "PO-2"
    mint(nordhav, run, 1)
    for fields, field in (
        ({"external_ref": "PO-3"}, "external_ref"),
        ({"sku": other.sku}, "sku"),
        ({"product_id": str(other.id)}, "product_id"),
    ):
        refused = change(api, run, **fields)
        assert refused.status_code == 409
        assert faults(refused) == {(field, "PRODUCTION_BATCH_IN_USE")}
    assert stored_run(nordhav, "PO-2").product_id == product.id


def test_the_list_is_filtered(api: APIClient, nordhav: BrandWorld, strangers: BrandWorld):
    tee, cup = make_product(nordhav, sku="Tee"), make_product(nordhav, sku="Cup")
    make_production_batch(nordhav, tee, external_ref="PO-1")
    make_production_batch(nordhav, cup, external_ref="PO-2", status="PLANNED")
    make_production_batch(strangers, make_product(strangers), external_ref="PO-3")

    def refs(**query: object) -> list[str]:
        return [row["external_ref"] for row in data(api.get(PRODUCTION_BATCHES, query))]

    assert refs() == ["PO-2", "PO-1"]
    assert refs(external_ref="po-1") == ["PO-1"]
    assert refs(sku="cup") == ["PO-2"]
    assert refs(product=str(tee.id)) == ["PO-1"]
    assert refs(status="PLANNED") == ["PO-2"]
    assert refs(page_size=1) == ["PO-2"]
    for query in ({"status": "ready"}, {"product": "x"}, {"external_ref": "\x00"}, {"x": "1"}):
        response = api.get(PRODUCTION_BATCHES, query)
        assert response.status_code == 400
        assert {field for field, _ in faults(response)} == set(query)


def test_a_list_takes_as_many_queries_for_thirty_as_for_one(api: APIClient, nordhav: BrandWorld):
    make_production_batch(nordhav, make_product(nordhav))
    api.get(PRODUCTION_BATCHES)
    with CaptureQueriesContext(connection) as one:
        data(api.get(PRODUCTION_BATCHES))
    for _ in range(29):
        make_production_batch(nordhav, make_product(nordhav))
    with CaptureQueriesContext(connection) as thirty:
        assert len(data(api.get(PRODUCTION_BATCHES))) == 30
    assert len(thirty) == len(one)


def test_a_foreign_or_unknown_production_batch_is_not_found(
    api: APIClient, nordhav: BrandWorld, strangers: BrandWorld
):
    theirs = make_production_batch(strangers, make_product(strangers), external_ref="Theirs")
    for id_ in (theirs.id, nobody()):
        url = f"{PRODUCTION_BATCHES}{id_}/"
        assert api.get(url).status_code == 404
        assert api.patch(url, {"quantity": 1}).status_code == 404
    assert stored_run(strangers, "Theirs").quantity == 1000


def test_a_production_batch_is_never_deleted(api: APIClient, nordhav: BrandWorld):
    run = make_production_batch(nordhav, make_product(nordhav))
    assert api.delete(f"{PRODUCTION_BATCHES}{run.id}/").status_code == 405
