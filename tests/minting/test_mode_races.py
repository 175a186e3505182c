"""Requests and uploads that want the same serials at the same moment."""

import io
import threading
from collections import Counter
from contextlib import suppress

import pytest
from django.db import connection, transaction

from minting import gateway, identities
from minting.gateway import MintBlocked
from minting.models import MintJob, SerialList
from minting.serial_lists import (
    SerialListRefused,
    SerialListUsed,
    delete_serial_list,
    upload_serial_list,
)
from minting.serial_rules import SerialRule
from tests.factories import BrandWorld, make_product
from tests.minting.requests import request_for, submit
from tests.minting.test_gateway_races import at_once
from tieback.api.principal import Principal
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db(transaction=True)


def upload(world: BrandWorld, product, content: bytes) -> SerialList:
    with brand_scope(world.brand.id):
        who = Principal(world.brand.id, "user:1")
        return upload_serial_list(who, product.id, io.BytesIO(content), is_csv=True)


def test_of_requests_for_one_sequence_exactly_one_wins(nordhav):
    asked = request_for(make_product(nordhav), 10, serial_rule=SerialRule("A", 4, 1))
    results = at_once(8, lambda _: submit(nordhav, asked))
    assert Counter(map(type, results)) == {MintJob: 1, MintBlocked: 7}


def test_of_everything_that_wants_one_serial_exactly_one_wins(nordhav):
    product = make_product(nordhav)
    ways = (
        lambda: submit(nordhav, request_for(product, 10, serial_rule=SerialRule("A", 2, 1))),
        lambda: submit(nordhav, request_for(product, 2, serials=("A05", "x"))),
        lambda: upload(nordhav, product, b"y\nA05\n"),
    )
    results = at_once(9, lambda index: ways[index % 3]())
    won = [result for result in results if isinstance(result, MintJob | SerialList)]
    assert len(won) == 1, results
    assert all(
        isinstance(r, MintJob | SerialList | MintBlocked | SerialListRefused) for r in results
    )


@pytest.mark.parametrize(("locked", "winners"), [(False, 2), (True, 1)])
def test_it_is_the_lock_on_the_product_that_decides(nordhav, monkeypatch, locked, winners):
    """Both are made to meet between finding the serials free and taking them."""
    meeting, find = threading.Barrier(2), identities.used_of_rule
    read = gateway._product

    def find_and_meet(*asked):
        found = find(*asked)
        with suppress(threading.BrokenBarrierError):
            meeting.wait(1)
        return found

    monkeypatch.setattr(identities, "used_of_rule", find_and_meet)
    monkeypatch.setattr(gateway, "_product", lambda asked, *, lock: read(asked, lock=locked))
    asked = request_for(make_product(nordhav), 10, serial_rule=SerialRule("A", 4, 1))
    results = at_once(2, lambda _: submit(nordhav, asked))
    assert Counter(map(type, results))[MintJob] == winners


def test_a_list_serves_one_batch_however_many_ask_at_once(nordhav):
    product = make_product(nordhav)
    kept = upload(nordhav, product, b"a\nb\n")
    asked = request_for(product, 2, serial_list_id=kept.id)
    results = at_once(8, lambda _: submit(nordhav, asked))
    assert Counter(map(type, results)) == {MintJob: 1, MintBlocked: 7}


@pytest.mark.parametrize("round_", range(3))
def test_a_list_is_either_used_or_deleted(nordhav, round_):
    product = make_product(nordhav)
    kept = upload(nordhav, product, b"a\n")

    def delete() -> object:
        with brand_scope(nordhav.brand.id):
            return delete_serial_list(Principal(nordhav.brand.id, "user:1"), kept.id)

    ways = (delete, lambda: submit(nordhav, request_for(product, 1, serial_list_id=kept.id)))
    results = at_once(2, lambda index: ways[(index + round_) % 2]())
    assert {type(result) for result in results} in (
        {SerialList, MintBlocked},
        {MintJob, SerialListUsed},
    )


def test_the_staging_table_leaves_with_its_transaction(nordhav):
    """A pooler hands the session to somebody else at every commit."""
    product = make_product(nordhav)
    upload(nordhav, product, b"a\n")
    with pytest.raises(SerialListRefused):
        upload(nordhav, product, b"a\n")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select to_regclass('pg_temp.serial_staging'), current_setting('work_mem')")
        assert cursor.fetchone()[0] is None
