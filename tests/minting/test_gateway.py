"""The gateway: every reason at once and nothing written, or one job and its batch."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from rest_framework.test import APIClient

from minting.models import MintBatch, MintEvent, MintJob
from minting.states import CommercialStatus, ProductionBatchStatus
from tests.factories import BrandWorld, make_product, make_production_batch, nobody
from tieback.brands.scoping import brand_scope

URL = "/api/v1/mint-requests/"
PREFLIGHT = f"{URL}preflight/"


pytestmark = pytest.mark.django_db


def body(product: object, quantity: int = 10, **fields: object) -> dict[str, object]:
    return {
        "product_id": str(getattr(product, "id", product)),
        "quantity": quantity,
        "identity_mode": "serial",
        "activation_mode": "first_scan",
        **fields,
    }


def post(api: APIClient, data: object, key: str | None = None, **headers: str):
    headers.setdefault("HTTP_IDEMPOTENCY_KEY", key or str(uuid4()))
    return api.post(URL, data, **headers)


def codes(response) -> list[str]:
    return [field["code"] for field in response.json()["error"]["fields"]]


def rows(world: BrandWorld) -> tuple[int, int, int]:
    with brand_scope(world.brand.id):
        return MintJob.objects.count(), MintBatch.objects.count(), MintEvent.objects.count()


def test_a_ready_product_is_accepted_with_202(api, nordhav):
    response = post(api, body(make_product(nordhav), 1_000_000))
    data = response.json()["data"]
    assert response.status_code == 202
    assert (data["status"], data["is_duplicate"]) == ("QUEUED", False)
    with brand_scope(nordhav.brand.id):
        job = MintJob.objects.get(id=data["mint_job_id"])
        assert str(job.batch_id) == data["mint_batch_id"]
        assert (job.requested_quantity, job.generated_quantity) == (1_000_000, 0)
        assert list(MintEvent.objects.values_list("type", flat=True)) == ["job.queued"]


def test_the_batch_keeps_a_copy_of_everything_that_is_printed(api, nordhav):
    product = make_product(nordhav)
    run = make_production_batch(nordhav, product)
    response = post(api, body(product, production_batch_id=str(run.id)))
    with brand_scope(nordhav.brand.id):
        batch = MintBatch.objects.get(id=response.json()["data"]["mint_batch_id"])
    assert (batch.gtin, batch.sku, batch.production_ref) == (
        product.gtin,
        product.sku,
        run.external_ref,
    )
    assert batch.resolver_base.endswith(f"://{nordhav.brand.resolver_host}")


def test_every_reason_is_listed_at_once_and_nothing_is_written(api, nordhav):
    product = make_product(nordhav, commercial_status=CommercialStatus.DRAFT, dpp={})
    run = make_production_batch(
        nordhav, make_product(nordhav), quantity=5, status=ProductionBatchStatus.PLANNED
    )
    asked = body(
        product,
        6,
        production_batch_id=str(run.id),
        chain_mode="cnft",
        lots=[{"lot_code": "A", "qty": 6}],
    )
    response = post(api, asked)
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "MINT_BLOCKED"
    assert codes(response) == [
        "LOTS_NOT_ALLOWED",
        "CHAIN_MODE_UNAVAILABLE",
        "COMMERCIAL_STATUS_NOT_ACTIVE",
        "MINT_READINESS_NOT_READY",
        "PRODUCTION_BATCH_PRODUCT_MISMATCH",
        "PRODUCTION_BATCH_NOT_READY",
        "PRODUCTION_BATCH_QUANTITY_EXCEEDED",
    ]
    assert rows(nordhav) == (0, 0, 0)


def test_not_ready_names_each_missing_passport_field(api, nordhav):
    response = post(api, body(make_product(nordhav, dpp={})))
    (reason,) = response.json()["error"]["fields"]
    missing = [item["field"] for item in reason["detail"]["missing"]]
    assert len(missing) == 7
    assert all(name.startswith("dpp.") for name in missing)


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001])
def test_a_quantity_out_of_range_is_refused(api, nordhav, quantity):
    assert codes(post(api, body(make_product(nordhav), quantity))) == ["QUANTITY_OUT_OF_RANGE"]


def test_an_unknown_product_and_production_batch_are_refused(api):
    response = post(api, body(nobody(), production_batch_id=str(nobody())))
    assert codes(response) == ["PRODUCT_NOT_FOUND", "PRODUCTION_BATCH_NOT_FOUND"]


def test_another_brands_product_does_not_exist_here(api, strangers):
    theirs = make_product(strangers)
    run = make_production_batch(strangers, theirs)
    response = post(api, body(theirs, production_batch_id=str(run.id)))
    assert codes(response) == ["PRODUCT_NOT_FOUND", "PRODUCTION_BATCH_NOT_FOUND"]


def test_a_gtin_outside_the_brands_prefixes_is_refused(api, nordhav):
    product = make_product(nordhav, gtin="04006381333931")
    assert codes(post(api, body(product))) == ["GTIN_PREFIX_NOT_OWNED"]


def test_a_gtin_with_a_wrong_check_digit_is_refused(api, nordhav):
    assert codes(post(api, body(make_product(nordhav, gtin="09506000000001")))) == ["GTIN_INVALID"]


def test_a_brand_without_a_resolver_host_mints_nothing(client_of: Callable[..., APIClient]):
    from tests.factories import make_world

    world = make_world("hostless", resolver_host="")
    response = post(client_of(world), body(make_product(world)))
    assert codes(response) == ["RESOLVER_HOST_NOT_SET"]


def test_quotas_of_jobs_and_units_are_held(client_of):
    from tests.factories import make_world

    world = make_world("small", max_concurrent_jobs=1, max_units_per_day=100)
    api, product = client_of(world), make_product(world)
    assert codes(post(api, body(product, 101))) == ["QUOTA_EXCEEDED"]
    assert post(api, body(product, 60)).status_code == 202
    assert codes(post(api, body(product, 41))) == ["QUOTA_EXCEEDED", "QUOTA_EXCEEDED"]


def test_what_live_jobs_asked_for_is_held_back_from_the_production_batch(api, nordhav):
    product = make_product(nordhav)
    run = make_production_batch(nordhav, product, quantity=100)
    asked = {"production_batch_id": str(run.id)}
    assert post(api, body(product, 60, **asked)).status_code == 202
    response = post(api, body(product, 41, **asked))
    assert codes(response) == ["PRODUCTION_BATCH_QUANTITY_EXCEEDED"]
    assert response.json()["error"]["fields"][0]["detail"] == {"remaining": 40}
    assert post(api, body(product, 40, **asked)).status_code == 202


def test_a_production_batch_without_a_quantity_has_no_limit(api, nordhav):
    product = make_product(nordhav)
    run = make_production_batch(nordhav, product, quantity=None)
    asked = body(product, 1_000_000, production_batch_id=str(run.id))
    assert [post(api, asked).status_code for _ in range(2)] == [202, 202]


def test_preflight_gives_the_same_reasons_and_writes_nothing(api, nordhav):
    product = make_product(nordhav, dpp={}, commercial_status=CommercialStatus.DRAFT)
    asked = body(product, 0)
    found = api.post(PREFLIGHT, asked).json()["data"]
    assert found["ready"] is False
    assert [reason["code"] for reason in found["blocking_reasons"]] == codes(post(api, asked))
    assert rows(nordhav) == (0, 0, 0)


def test_preflight_of_a_ready_product_is_ready(api, nordhav):
    found = api.post(PREFLIGHT, body(make_product(nordhav))).json()["data"]
    assert found == {"ready": True, "blocking_reasons": []}


def test_the_same_key_and_body_returns_the_first_job(api, nordhav):
    asked = body(make_product(nordhav))
    first = post(api, asked, key="order-1").json()["data"]
    again = post(api, dict(reversed(asked.items())), key="order-1")
    assert again.status_code == 200
    assert again.json()["data"] == {**first, "is_duplicate": True}
    assert rows(nordhav) == (1, 1, 1)


def test_the_same_key_with_another_body_is_refused(api, nordhav):
    product = make_product(nordhav)
    post(api, body(product, 10), key="order-1")
    response = post(api, body(product, 11), key="order-1")
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_key_answers_with_its_job_even_when_the_product_no_longer_mints(api, nordhav):
    product = make_product(nordhav)
    first = post(api, body(product), key="order-1").json()["data"]
    with brand_scope(nordhav.brand.id):
        product.commercial_status = CommercialStatus.DISCONTINUED
        product.save()
    assert (
        post(api, body(product), key="order-1").json()["data"]["mint_job_id"]
        == (first["mint_job_id"])
    )


def test_two_brands_may_use_the_same_key(api, client_of, nordhav, strangers):
    ours = post(api, body(make_product(nordhav)), key="order-1")
    theirs = post(client_of(strangers), body(make_product(strangers)), key="order-1")
    assert [ours.status_code, theirs.status_code] == [202, 202]


def test_a_blocked_request_does_not_use_up_its_key(api, nordhav):
    product = make_product(nordhav, commercial_status=CommercialStatus.DRAFT)
    assert post(api, body(product), key="order-1").status_code == 422
    with brand_scope(nordhav.brand.id):
        product.commercial_status = CommercialStatus.ACTIVE
        product.save()
    assert post(api, body(product), key="order-1").status_code == 202


@pytest.mark.parametrize("key", ["", "   ", "x" * 256, "tab\tinside", "\u00e9"])
def test_a_missing_or_odd_key_is_refused_by_name(api, nordhav, key):
    response = post(api, body(make_product(nordhav)), HTTP_IDEMPOTENCY_KEY=key)
    assert response.status_code == 400
    assert response.json()["error"]["fields"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("product_id", "not-a-uuid"),
        ("quantity", "10"),
        ("quantity", True),
        ("quantity", 1.5),
        ("quantity", 10**30),
        ("quantity", None),
        ("identity_mode", "SERIAL"),
        ("activation_mode", "never"),
        ("priority", 1),
        ("lots", "A"),
        ("chain_mode", 5),
        ("quantty", 10),
    ],
)
def test_a_malformed_field_is_named(api, nordhav, field, value):
    response = post(api, body(make_product(nordhav), **{field: value}))
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "VALIDATION_ERROR"
    assert field in [fault["field"] for fault in response.json()["error"]["fields"]]


def test_a_request_costs_few_statements_whatever_its_size(
    api, nordhav, django_assert_max_num_queries
):
    product = make_product(nordhav)
    run = make_production_batch(nordhav, product, quantity=None)
    with django_assert_max_num_queries(24):
        post(api, body(product, 1_000_000, production_batch_id=str(run.id)))


def test_the_error_answer_leaves_no_open_lock(api, nordhav):
    post(api, body(make_product(nordhav), 0))
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('tieback.brand_id', true)")
        assert cursor.fetchone()[0] in {None, ""}
