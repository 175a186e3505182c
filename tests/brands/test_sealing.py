"""Sealing: every entry once, in whatever order transactions end, however many there are."""

# ruff: noqa: S608 - the statements are made of names in this file

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import current_app
from django.db import IntegrityError, ProgrammingError, connection, transaction

from tests.brands.trail import found, ids, seal, seals, tampering, verify, write, write_for_nobody
from tests.factories import BrandWorld
from tests.planes import acting_as, become
from tieback.brands.audit import ActsFor, record
from tieback.brands.scoping import brand_scope
from tieback.startup import open_session

pytestmark = pytest.mark.django_db(transaction=True)

_ENTER = "select set_config('tieback.brand_id', %s, true)"
_WRITE = """
    insert into brands_auditentry (brand_id, actor, action, target_type, target_id, reason,
                                   before, after, request_id)
    select %s, 'user:1', 'test.done', 'thing', n::text, '', '{}', '{}', ''
      from generate_series(1, %s) n
    returning id
"""


@pytest.fixture(autouse=True)
def nothing_waits(db: None) -> None:
    """Begin with an empty queue: what other tests wrote is gone, what they queued is not."""
    with tampering() as cursor:
        cursor.execute("truncate brands_unsealedentry, brands_auditseal, brands_auditentry")


def test_entries_are_sealed_by_brand_and_linked(nordhav: BrandWorld, strangers: BrandWorld):
    one, two = nordhav.brand.id, strangers.brand.id
    write(one, 3)
    write(two, 2)
    nobodys = write_for_nobody()
    assert seal() == 6
    write(one, 2)
    assert seal() == 2
    first, second = seals(one)
    assert (first[0], second[0]) == (1, 2)
    assert first[1] + second[1] == ids(one)
    assert [entries for _, entries, _ in seals(two)] == [ids(two)]
    assert [entries for _, entries, _ in seals(None)] == [[nobodys]]
    assert found() == []


def test_nothing_to_seal_makes_no_seal(nordhav: BrandWorld):
    write(nordhav.brand.id)
    assert [seal(), seal(), seal()] == [1, 0, 0]
    assert len(seals(nordhav.brand.id)) == 1


def test_many_entries_are_sealed_in_portions(nordhav: BrandWorld):
    write(nordhav.brand.id, 7)
    assert seal(at_once=3) == 7
    assert [len(entries) for _, entries, _ in seals(nordhav.brand.id)] == [3, 3, 1]
    assert found() == []


def test_an_entry_that_commits_after_a_later_one_is_sealed_late_and_not_passed_over(nordhav):
    brand = nordhav.brand.id
    with acting_as("web"), open_session() as slow:
        slow.execute("begin")
        slow.execute(_ENTER, [str(brand)])
        (early,) = slow.execute(_WRITE, [brand, 1]).fetchone()
        with open_session() as quick:
            quick.execute("begin")
            quick.execute(_ENTER, [str(brand)])
            (late,) = quick.execute(_WRITE, [brand, 1]).fetchone()
            quick.execute("commit")
        assert early < late
        assert seal() == 1
        assert seals(brand)[0][1] == [late]
        slow.execute("commit")
    assert seal() == 1
    assert [entries for _, entries, _ in seals(brand)] == [[late], [early]]
    assert found() == []


def test_an_entry_that_is_rolled_back_is_neither_sealed_nor_missed(nordhav: BrandWorld):
    brand = nordhav.brand.id
    with acting_as("web"), brand_scope(brand):
        record(ActsFor(brand, "user:1"), "test.undone", "thing", 1)
        transaction.set_rollback(True)
    write(brand)
    assert seal() == 1
    assert found() == []


def test_sealing_that_is_interrupted_has_sealed_nothing(nordhav: BrandWorld):
    write(nordhav.brand.id, 2)
    with acting_as("worker"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select * from tieback_seal_audit(10)")
        assert len(cursor.fetchall()) == 1
        transaction.set_rollback(True)
    assert seals(nordhav.brand.id) == []
    assert seal() == 2


def test_writers_and_sealers_at_once_lose_nothing_and_seal_nothing_twice(nordhav, strangers):
    brands = [nordhav.brand.id, strangers.brand.id]
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - shown where it fails
    chance = random.Random(seed)
    plans = [[(chance.choice(brands), chance.random()) for _ in range(25)] for _ in range(6)]
    become("web")

    def write_some(plan) -> int:
        kept = 0
        with open_session() as session:
            for brand, luck in plan:
                session.execute("begin")
                session.execute(_ENTER, [str(brand)])
                session.execute(_WRITE, [brand, 1])
                time.sleep(luck / 100)
                session.execute("rollback" if luck < 0.2 else "commit")
                kept += luck >= 0.2
        return kept

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write_some, plan) for plan in plans]
        become("worker")
        sealed = 0
        while not all(writer.done() for writer in writers):
            sealed += sum(
                pool.map(lambda _: _seal_here(), range(2)) if chance.random() < 0.5 else [seal()]
            )
    sealed += seal()
    assert sealed == sum(writer.result() for writer in writers)
    covered = [entry for brand in brands for _, entries, _ in seals(brand) for entry in entries]
    assert sorted(covered) == sorted(ids(brands[0]) + ids(brands[1]))
    assert found() == []


def _seal_here() -> int:
    """Seal on a thread's own connection."""
    with open_session() as session:
        rows = session.execute("select sealed_count from tieback_seal_audit(5)").fetchall()
    return sum(count for (count,) in rows)


def test_seals_and_entries_are_never_changed(nordhav: BrandWorld):
    write(nordhav.brand.id)
    seal()
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute(_ENTER.replace("true", "false"), [str(nordhav.brand.id)])
        for table in ("brands_auditentry", "brands_auditseal"):
            for change in (f"update {table} set id = id", f"delete from {table}"):
                with pytest.raises(ProgrammingError, match="Cannot update or delete"):
                    cursor.execute(change)


def test_a_chain_has_no_two_seals_of_one_number(nordhav: BrandWorld):
    write_for_nobody()
    seal()
    with tampering() as cursor, pytest.raises(IntegrityError, match="brands_auditseal_sequence"):
        cursor.execute(
            "insert into brands_auditseal (brand_id, sequence, first_entry, last_entry, count,"
            " entry_ids, entry_hashes, previous_hash, hash, sealed_at)"
            " select brand_id, sequence, first_entry, last_entry, count, entry_ids, entry_hashes,"
            " previous_hash, hash, sealed_at from brands_auditseal"
        )


def test_beat_asks_for_it_and_the_upkeep_queue_gets_it():
    scheduled = current_app.conf.beat_schedule["seal-audit"]
    current_app.loader.import_default_modules()
    assert scheduled["task"] in current_app.tasks
    route = current_app.amqp.router.route({}, scheduled["task"])
    assert route["queue"].name == "upkeep"


def test_the_task_seals_what_waits(nordhav: BrandWorld):
    from tieback.brands.tasks import seal_audit as task

    write(nordhav.brand.id, 2)
    with acting_as("worker"):
        task()
    assert [entries for _, entries, _ in seals(nordhav.brand.id)] == [ids(nordhav.brand.id)]


def test_a_hundred_thousand_entries_are_sealed_and_verified_whatever_the_statistics_say(
    nordhav: BrandWorld,
):
    brand = nordhav.brand.id
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute("analyze brands_auditentry, brands_unsealedentry")
    with acting_as("web"), open_session() as session:
        session.execute("begin")
        session.execute(_ENTER, [str(brand)])
        session.execute(_WRITE, [brand, 100_000])
        session.execute("commit")
    assert seal() == 100_000
    code, report = verify()
    assert (code, report["chains"][0]["entries"], report["waiting"]) == (0, 100_000, 0)
