"""Writers of one catalogue who meet: they take turns, and a printed code wins over a change."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from minting.catalogue.turns import take_turn
from minting.models import MintBatch, Product, ProductIdentifier
from tests.catalogue.calls import (
    PRODUCT_IMPORT,
    PRODUCTION_BATCH_IMPORT,
    PRODUCTION_BATCHES,
    PRODUCTS,
    code,
    counts,
    csv_text,
    data,
    faults,
    product_body,
    stored,
    stored_run,
    upload,
)
from tests.factories import BrandWorld, make_product, make_production_batch
from tests.minting.requests import request_for, submit
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], Any]


def at_once(*works: Work) -> list[Any]:
    """Run each piece of work in a thread of its own, all starting together."""
    barrier = threading.Barrier(len(works))

    def run(work: Work) -> Any:
        try:
            barrier.wait(10)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def statuses(responses: list[Any]) -> Counter[int]:
    return Counter(response.status_code for response in responses)


def wait_for_lock_waiters(count: int) -> None:
    """Return once so many sessions of this database wait for a lock."""
    with connection.cursor() as cursor:
        for _ in range(500):
            # The view shows one picture a transaction unless told to look again.
            cursor.execute("select pg_stat_clear_snapshot(), pg_sleep(0.01)")
            cursor.execute(
                "select count(*) from pg_stat_activity"
                " where datname = current_database() and wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0] >= count:
                return
        raise AssertionError("nobody waits")


def products_file(numbers: list[int], name: str) -> str:
    rows = [[f"S-{n}", f"{name} {n}", code(n), "generic"] for n in numbers]
    return csv_text(("sku", "name", "gtin", "category"), *rows)


def test_imports_of_the_same_rows_in_opposite_order_all_succeed(
    nordhav: BrandWorld, client_of: Callable[..., APIClient]
):
    make_product(nordhav, sku="Tee")
    upward, downward = list(range(1, 150)), list(range(149, 0, -1))
    runs = [[f"PO-{n}", "Tee", 10] for n in range(1, 150)]
    header = ("external_ref", "sku", "quantity")
    files = [
        (PRODUCT_IMPORT, products_file(upward, "Up")),
        (PRODUCT_IMPORT, products_file(downward, "Down")),
        (PRODUCTION_BATCH_IMPORT, csv_text(header, *runs)),
        (PRODUCTION_BATCH_IMPORT, csv_text(header, *reversed(runs))),
    ]
    clients = [client_of(nordhav) for _ in files]
    works = [
        lambda c=c, p=p, f=f: upload(c, f, path=p) for c, (p, f) in zip(clients, files, strict=True)
    ]
    reports = [data(response) for response in at_once(*works)]
    assert [report["errors"] for report in reports] == [0] * 4
    assert sorted(report["inserted"] for report in reports) == [0, 0, 149, 149]


def test_of_many_who_create_the_same_thing_one_succeeds(
    nordhav: BrandWorld, client_of: Callable[..., APIClient]
):
    make_product(nordhav, sku="Tee")
    wanted = {
        PRODUCTS: product_body(gtin=code(7_000)),
        PRODUCTION_BATCHES: {"external_ref": "PO-1", "sku": "Tee"},
    }
    clients = [client_of(nordhav) for _ in range(6)]
    for path, body in wanted.items():
        answers = at_once(*(lambda c=c, p=path, b=body: c.post(p, b) for c in clients))
        assert statuses(answers) == {201: 1, 400: 5}
        refused = next(answer for answer in answers if answer.status_code == 400)
        assert {code for _, code in faults(refused)} == {"TAKEN"}


@pytest.mark.parametrize("by_file", [False, True])
def test_a_row_of_somebody_who_took_no_turn_is_met_without_an_internal_error(
    nordhav: BrandWorld, client_of: Callable[..., APIClient], by_file: bool
):
    client, written = client_of(nordhav), threading.Event()

    def outsider() -> None:
        with brand_scope(nordhav.brand.id):
            Product.objects.create(brand=nordhav.brand, sku="s-1", name="", category="generic")
            written.set()
            wait_for_lock_waiters(1)

    def create() -> Any:
        written.wait(10)
        if by_file:
            return upload(client, products_file([1], "File"))
        return client.post(PRODUCTS, product_body(sku="S-1"))

    _, answer = at_once(outsider, create)
    if by_file:
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "CATALOGUE_CHANGED"
        assert counts(data(upload(client, products_file([1], "File")))) == {"updated": 1}
    else:
        assert answer.status_code == 400
        assert faults(answer) == {("sku", "TAKEN")}


def test_changes_of_one_passport_at_once_each_make_their_own_version_or_conflict(
    nordhav: BrandWorld, client_of: Callable[..., APIClient]
):
    url = f"{PRODUCTS}{make_product(nordhav, sku='A').id}/"
    clients = [client_of(nordhav) for _ in range(4)]

    def all_change(**expected: int) -> Counter[int]:
        def change(number: int) -> Any:
            dpp = {"manufacturer_name": f"{expected} {number}"}
            return clients[number].patch(url, {"dpp": dpp, **expected})

        return statuses(at_once(*(lambda n=n: change(n) for n in range(4))))

    assert all_change(dpp_version=1) == {200: 1, 409: 3}
    assert all_change() == {200: 4}
    assert stored(nordhav, "A").dpp_version == 6


@pytest.mark.parametrize("by_file", [False, True])
def test_a_gtin_that_is_being_printed_right_now_is_retired_as_printed(
    nordhav: BrandWorld, client_of: Callable[..., APIClient], by_file: bool
):
    product = make_product(nordhav, sku="S-7", gtin=code(8_000))
    client, submitted = client_of(nordhav), threading.Event()

    def mint() -> None:
        with brand_scope(nordhav.brand.id):
            submit(nordhav, request_for(product))
            submitted.set()
            wait_for_lock_waiters(1)

    def change() -> Any:
        submitted.wait(10)
        if by_file:
            return upload(client, products_file([7], "New"))
        return client.patch(f"{PRODUCTS}{product.id}/", {"gtin": code(7)})

    _, answer = at_once(mint, change)
    assert answer.status_code == 200
    with brand_scope(nordhav.brand.id):
        assert MintBatch.objects.get().gtin == code(8_000)
        assert ProductIdentifier.objects.get(value=code(8_000)).minted
    refused = client.post(PRODUCTS, product_body(gtin=code(8_000)))
    assert faults(refused) == {("gtin", "GTIN_RESERVED")}


def test_of_many_who_take_a_free_gtin_one_gets_it(
    nordhav: BrandWorld, client_of: Callable[..., APIClient]
):
    products = [make_product(nordhav) for _ in range(5)]
    clients = [client_of(nordhav) for _ in products]
    works = [
        lambda c=c, p=p: c.patch(f"{PRODUCTS}{p.id}/", {"gtin": code(9)})
        for c, p in zip(clients, products, strict=True)
    ]
    assert statuses(at_once(*works)) == {200: 1, 400: 4}
    with brand_scope(nordhav.brand.id):
        active = ProductIdentifier.objects.filter(type="gtin", status="active")
        assert active.filter(value=code(9)).count() == 1
        assert active.count() == len(products)


def test_the_quantity_and_a_mint_request_that_takes_it_are_settled_in_turn(
    nordhav: BrandWorld, client_of: Callable[..., APIClient]
):
    product = make_product(nordhav, sku="Tee")
    run = make_production_batch(nordhav, product, external_ref="PO-1", quantity=100)
    client, importer, submitted = client_of(nordhav), client_of(nordhav), threading.Event()

    def mint() -> None:
        with brand_scope(nordhav.brand.id):
            submit(nordhav, request_for(product, 80, production_batch_id=run.id))
            submitted.set()
            wait_for_lock_waiters(2)

    def change() -> Any:
        submitted.wait(10)
        return client.patch(f"{PRODUCTION_BATCHES}{run.id}/", {"quantity": 50})

    def load() -> Any:
        submitted.wait(10)
        file = csv_text(("external_ref", "sku", "quantity"), ["PO-1", "Tee", 50])
        return upload(importer, file, path=PRODUCTION_BATCH_IMPORT)

    _, changed, loaded = at_once(mint, change, load)
    assert changed.status_code == 409
    assert counts(data(loaded)) == {"errors": 1}
    assert stored_run(nordhav, "PO-1").quantity == 100


def test_a_brands_turn_keeps_no_other_brand_waiting(
    nordhav: BrandWorld, strangers: BrandWorld, client_of: Callable[..., APIClient]
):
    theirs = client_of(strangers)
    with brand_scope(nordhav.brand.id):
        take_turn(nordhav.brand.id)
        (answer,) = at_once(lambda: theirs.post(PRODUCTS, product_body(gtin=None)))
    assert answer.status_code == 201
