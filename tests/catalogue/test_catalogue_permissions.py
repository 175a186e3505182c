"""Who may read and who may write the catalogue: every path, every role, every scope."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from tests.catalogue.calls import (
    PRODUCT_IMPORT,
    PRODUCTION_BATCH_IMPORT,
    PRODUCTION_BATCHES,
    PRODUCTS,
    product_body,
    upload,
)
from tests.factories import BrandWorld, make_product, make_production_batch
from tieback.brands.roles import Role, Scope

pytestmark = pytest.mark.django_db

WRITERS = {Role.OWNER, Role.ADMIN, Role.EDITOR}


def reads(client: APIClient, product_id: object, run_id: object) -> set[int]:
    paths = (
        PRODUCTS,
        f"{PRODUCTS}{product_id}/",
        f"{PRODUCTS}{product_id}/readiness/",
        PRODUCTION_BATCHES,
        f"{PRODUCTION_BATCHES}{run_id}/",
    )
    return {client.get(path).status_code for path in paths}


def writes(client: APIClient, product_id: object, run_id: object) -> list[int]:
    answers = (
        client.post(PRODUCTS, product_body(), format="json"),
        client.patch(f"{PRODUCTS}{product_id}/", {"name": "New"}, format="json"),
        client.post(PRODUCTION_BATCHES, {"external_ref": "N", "sku": "Old"}, format="json"),
        client.patch(f"{PRODUCTION_BATCHES}{run_id}/", {"quantity": 5}, format="json"),
        upload(client, "sku,name,category\n"),
        upload(client, "external_ref,sku\n", path=PRODUCTION_BATCH_IMPORT),
    )
    return [answer.status_code for answer in answers]


@pytest.mark.parametrize("role", list(Role))
def test_every_member_reads_and_the_catalogues_keepers_write(nordhav: BrandWorld, role: Role):
    product = make_product(nordhav, sku="Old")
    run = make_production_batch(nordhav, product)
    client = APIClient()
    client.force_login(nordhav.people[role])
    assert reads(client, product.id, run.id) == {200}
    expected = [201, 200, 201, 200, 200, 200] if role in WRITERS else [403] * 6
    assert writes(client, product.id, run.id) == expected


def test_a_credential_does_what_its_scopes_say(
    nordhav: BrandWorld, client_of: Callable[..., APIClient]
):
    product = make_product(nordhav, sku="Old")
    run = make_production_batch(nordhav, product)
    reader = client_of(nordhav, (Scope.PRODUCTS_READ.value,))
    assert reads(reader, product.id, run.id) == {200}
    assert writes(reader, product.id, run.id) == [403] * 6
    printer = client_of(nordhav, (Scope.PACKS_READ.value, Scope.MINTS_WRITE.value))
    assert reads(printer, product.id, run.id) == {403}


def test_who_is_nobody_sees_nothing(nordhav: BrandWorld):
    product = make_product(nordhav)
    run = make_production_batch(nordhav, product)
    assert reads(APIClient(), product.id, run.id) == {401}
    assert set(writes(APIClient(), product.id, run.id)) == {401}


def test_a_member_of_one_brand_cannot_act_in_another(nordhav: BrandWorld, strangers: BrandWorld):
    client = APIClient()
    client.force_login(nordhav.people[Role.OWNER])
    workspace = {"HTTP_X_WORKSPACE_ID": str(strangers.brand.id)}
    assert client.get(PRODUCTS, **workspace).status_code == 404
    answer = client.post(
        PRODUCT_IMPORT, "sku,name,category\n", content_type="text/csv", **workspace
    )
    assert answer.status_code == 404
