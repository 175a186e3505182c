"""Making packs: exact, in order, complete, in bounded memory."""

import hashlib
import json
import threading

import pytest
from django.db import connection
from django.db.utils import DatabaseError

from exports import leases, storage
from exports.models import PackBuild, PackStatus, PayloadPack
from exports.worker import work_next_build
from minting.states import PhysicalStatus
from minting.worker import Outcome
from tests.exports.batches import (
    build_of,
    events_of,
    expected_packs,
    files_of,
    keys_under,
    minted_batch,
    packs_of,
    queued_build,
)
from tests.factories import make_world
from tests.planes import acting_as
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("worker"),
    pytest.mark.usefixtures("small_packs"),
]


def test_packs_hold_exactly_the_units_in_order(batch):
    assert work_next_build()[0] is Outcome.COMPLETED
    made = packs_of(batch)
    assert [(p.number, p.first_ordinal, p.last_ordinal, p.row_count) for p in made] == [
        (1, 1, 10, 10),
        (2, 11, 20, 10),
        (3, 21, 25, 5),
    ]
    files = files_of(batch)
    assert files.packs == expected_packs(batch)
    for pack, content in zip(made, files.packs, strict=True):
        assert (pack.byte_size, pack.sha256) == (
            len(content),
            hashlib.sha256(content).hexdigest(),
        )


def test_the_files_lie_where_the_contract_says(batch):
    work_next_build()
    prefix = f"{batch.brand_id}/{batch.id}/full-csv/"
    assert [pack.storage_key for pack in packs_of(batch)] == [
        f"{prefix}pack-0000{number}.csv" for number in (1, 2, 3)
    ]
    assert build_of(batch).manifest_key == f"{prefix}manifest.json"
    assert len(keys_under(prefix)) == 4


def test_the_manifest_tells_what_was_stored(batch):
    work_next_build()
    build, files = build_of(batch), files_of(batch)
    assert build.manifest_sha256 == hashlib.sha256(files.manifest).hexdigest()
    told = json.loads(files.manifest)
    assert (told["rows"], told["pack_size"], told["sku"]) == (25, 10, batch.sku)
    assert [(entry["file"], entry["rows"], entry["sha256"]) for entry in told["packs"]] == [
        (f"pack-0000{pack.number}.csv", pack.row_count, pack.sha256) for pack in packs_of(batch)
    ]


def test_a_finished_build_marks_its_batch_exported_and_tells_the_story(batch):
    work_next_build()
    build = build_of(batch)
    assert (build.status, build.packs_done, build.owner) == (PackStatus.COMPLETED, 3, "")
    assert events_of(batch) == ["packs.started", "packs.completed"]
    with brand_scope(batch.brand_id):
        batch.refresh_from_db()
    assert batch.physical_status == PhysicalStatus.EXPORTED


def test_a_batch_that_went_further_is_not_put_back_to_exported(brand):
    batch = minted_batch(brand, 5, physical_status=PhysicalStatus.PRINTED)
    queued_build(batch)
    work_next_build()
    with brand_scope(batch.brand_id):
        batch.refresh_from_db()
    assert batch.physical_status == PhysicalStatus.PRINTED


def test_asking_twice_makes_one_build(batch):
    first = build_of(batch)
    assert queued_build(batch).pk == first.pk
    assert work_next_build()[0] is Outcome.COMPLETED
    assert work_next_build()[0] is Outcome.NOTHING


@pytest.mark.parametrize("quantity", [1, 9, 10, 11])
def test_the_last_pack_holds_the_rest(brand, quantity):
    batch = minted_batch(brand, quantity)
    queued_build(batch)
    work_next_build()
    assert files_of(batch).packs == expected_packs(batch)


def test_builds_are_taken_oldest_first(brand):
    batches = [minted_batch(brand, 1) for _ in range(3)]
    builds = [queued_build(batch) for batch in batches]
    assert [leases.claim_next().build_id for _ in builds] == [build.pk for build in builds]
    assert leases.claim_next() is None


def test_a_finished_pack_is_never_made_again_and_the_database_holds_to_it(batch):
    work_next_build()
    with all_brands(), pytest.raises(DatabaseError, match="Cannot update"):
        PayloadPack.objects.filter(batch=batch, number=1).update(sha256="0" * 64)


def test_the_database_refuses_an_illegal_step(batch):
    work_next_build()
    with all_brands(), pytest.raises(DatabaseError, match="Invalid transition"):
        PackBuild.objects.filter(batch=batch).update(status=PackStatus.PENDING)


def test_units_that_do_not_add_up_make_no_file(brand, puts):
    batch = minted_batch(brand, 25)
    with acting_as("owner"), brand_scope(batch.brand_id), connection.cursor() as cursor:
        cursor.execute("alter table minting_mintunit disable trigger user")
        cursor.execute(
            "delete from minting_mintunit where batch_id = %s and ordinal = 7", [batch.id]
        )
        cursor.execute("alter table minting_mintunit enable trigger user")
    queued_build(batch)
    outcome, *_ = work_next_build()
    assert outcome is Outcome.RETRY
    assert build_of(batch).last_error == "pack 1 has 9 rows instead of 10"
    assert puts == []


def test_a_build_whose_packs_were_counted_otherwise_is_not_made(batch, puts):
    with all_brands():
        PackBuild.objects.filter(batch=batch).update(pack_count=2)
    work_next_build()
    assert build_of(batch).last_error == "25 units do not fill 2 packs"
    assert puts == []


def test_only_the_batchs_own_brand_is_read(brand):
    with acting_as("web"):
        other = make_world("strangers")
    mine, theirs = minted_batch(brand, 10), minted_batch(other, 10)
    for batch in (mine, theirs):
        queued_build(batch)
        work_next_build()
    for batch in (mine, theirs):
        (content,) = files_of(batch).packs
        assert content == expected_packs(batch)[0]
        assert str(batch.brand_id) in packs_of(batch)[0].storage_key


def test_at_most_three_packs_are_under_way(brand, monkeypatch):
    batch = minted_batch(brand, 90)
    queued_build(batch)
    real, lock, now, most = storage.put, threading.Lock(), [0], [0]

    def put(key, content, **options):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.05)
        real(key, content, **options)
        with lock:
            now[0] -= 1

    monkeypatch.setattr(storage, "put", put)
    work_next_build()
    assert most == [3]
    assert files_of(batch).packs == expected_packs(batch)
