"""Requests that arrive at the same moment."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection

from minting.gateway import MintBlocked
from minting.idempotency import RequestInFlight
from minting.models import MintJob
from tests.factories import BrandWorld, make_product, make_production_batch
from tests.minting.requests import request_for, submit
from tests.planes import acting_as
from tieback.brands.models import Brand
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(count: int, work) -> list[object]:
    """Run ``work`` in ``count`` threads that start together; return results and errors."""
    barrier = threading.Barrier(count)

    def run(index: int) -> object:
        barrier.wait()
        try:
            return work(index)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_concurrent_requests_never_exceed_the_production_batch(nordhav: BrandWorld):
    product = make_product(nordhav)
    run = make_production_batch(nordhav, product, quantity=50)
    asked = request_for(product, 10, production_batch_id=run.id)
    results = at_once(12, lambda _: submit(nordhav, asked))
    kinds = Counter(type(result) for result in results)
    assert kinds == {MintJob: 5, MintBlocked: 7}


def test_concurrent_requests_never_exceed_a_quota(nordhav: BrandWorld):
    with acting_as("console"):
        Brand.objects.filter(id=nordhav.brand.id).update(max_concurrent_jobs=3)
    product = make_product(nordhav)
    results = at_once(10, lambda _: submit(nordhav, request_for(product)))
    assert Counter(type(result) for result in results) == {MintJob: 3, MintBlocked: 7}


def test_one_key_makes_one_job_however_many_ask_at_once(nordhav: BrandWorld):
    asked, key = request_for(make_product(nordhav)), str(uuid4())
    results = at_once(12, lambda _: submit(nordhav, asked, key))
    jobs = {result.pk for result in results if isinstance(result, MintJob)}
    assert len(jobs) == 1
    assert all(isinstance(result, MintJob | RequestInFlight) for result in results)
    with brand_scope(nordhav.brand.id):
        assert MintJob.objects.count() == 1


def test_a_key_that_is_in_flight_is_answered_409(nordhav: BrandWorld):
    asked, key = request_for(make_product(nordhav)), str(uuid4())
    inside, done = threading.Event(), threading.Event()

    def hold_open() -> None:
        with brand_scope(nordhav.brand.id):
            submit(nordhav, asked, key)
            inside.set()
            done.wait(10)
        connection.close()

    holder = threading.Thread(target=hold_open)
    holder.start()
    inside.wait(10)
    with pytest.raises(RequestInFlight):
        submit(nordhav, asked, key)
    done.set()
    holder.join()
