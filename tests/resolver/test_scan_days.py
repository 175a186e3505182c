"""Days of scans: made ahead, dropped when nobody keeps them, emptied for who keeps them shorter."""

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.test.utils import CaptureQueriesContext

from resolver import database, scan_days, tasks
from resolver.models import ScanPolicy, ScanProgress, VisitorKey
from resolver.models.scans import LONGEST_RETENTION_DAYS, RETENTION_DAYS
from resolver.scan_days import DAYS_AHEAD, days_of_events, delete_outlived, keep_days
from tests.factories import BrandWorld, make_world
from tests.planes import acting_as
from tests.resolver.scan_rows import day_ago, events, make_day, write_scans
from tieback import celery
from tieback.brands.scoping import brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]

LAST_MOMENT = timedelta(days=1) - timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def from_the_beginning(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin as a process does that has emptied no day yet, without days that other tests made."""
    monkeypatch.setattr(scan_days, "_emptied", {})
    before = day_ago(RETENTION_DAYS).date()
    with acting_as("worker"), connection.cursor() as cursor:
        cursor.execute("select tieback_drop_scan_days(%s)", [before])


@pytest.fixture
def unchosen() -> BrandWorld:
    """A brand that has never said how long it keeps its scans."""
    with acting_as("web"):
        return make_world("unchosen")


def keeps(world: BrandWorld, days: int) -> None:
    with acting_as("web"), brand_scope(world.brand.id):
        ScanPolicy.objects.create(brand=world.brand, retention_days=days)


def counted() -> None:
    ScanProgress.objects.create(counted_until=day_ago(0), as_of=day_ago(0))


def of(world: BrandWorld, days: int, **columns: Any) -> dict[str, Any]:
    make_day(day_ago(days))
    return {"brand_id": world.brand.id, "path": f"/{days}", "scanned_at": day_ago(days), **columns}


def left(world: BrandWorld) -> list[str]:
    return [event.path for event in events() if event.brand_id == world.brand.id]


def test_days_are_made_ahead_and_asking_again_makes_none():
    tasks.keep_scan_days()
    ahead = [day for day in days_of_events() if day > day_ago(0).date()]
    assert len(ahead) == DAYS_AHEAD
    assert keep_days().made == 0


def test_an_hour_is_found_by_time_on_days_old_and_new():
    tasks.keep_scan_days()
    with acting_as("owner"), connection.cursor() as cursor:
        for day in (day_ago(0), day_ago(-DAYS_AHEAD)):
            cursor.execute("set enable_seqscan = off")
            hour = [day, day + timedelta(hours=1)]
            cursor.execute(
                "explain select from resolver_scanevent where scanned_at >= %s and scanned_at < %s",
                hour,
            )
            plan = "".join(row[0] for row in cursor.fetchall())
            cursor.execute("reset enable_seqscan")
            assert f"resolver_scanevent_{day:%Y%m%d}_scanned_at_idx" in plan


def test_a_day_that_is_missing_is_made_again_and_takes_scans(nordhav: BrandWorld):
    last = day_ago(-DAYS_AHEAD)
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute(f"drop table resolver_scanevent_{last:%Y%m%d}")
    assert keep_days().made == 1
    write_scans({"brand_id": nordhav.brand.id, "path": "/x", "scanned_at": last})
    assert left(nordhav) == ["/x"]
    with connection.cursor() as cursor:
        cursor.execute(
            "select relrowsecurity and relforcerowsecurity from pg_class where relname = %s",
            [f"resolver_scanevent_{last:%Y%m%d}"],
        )
        assert cursor.fetchone() == (True,)


def test_what_no_brand_keeps_is_dropped_and_nothing_younger(nordhav: BrandWorld):
    write_scans(*[of(nordhav, days) for days in (RETENTION_DAYS + 1, RETENTION_DAYS, 1)])
    counted()
    assert keep_days().dropped == 1
    assert left(nordhav) == [f"/{RETENTION_DAYS}", "/1"]
    assert day_ago(RETENTION_DAYS + 1).date() not in days_of_events()


def test_the_longest_retention_of_any_brand_decides_what_is_dropped(
    nordhav: BrandWorld, strangers: BrandWorld
):
    keeps(strangers, RETENTION_DAYS + 2)
    write_scans(*[of(nordhav, RETENTION_DAYS + 1), of(strangers, RETENTION_DAYS + 1)])
    write_scans(of(nordhav, RETENTION_DAYS + 3))
    counted()
    keep_days()
    assert left(strangers) == [f"/{RETENTION_DAYS + 1}"]


@pytest.mark.parametrize("at_once", [1, 2, 1000])
def test_a_brand_with_a_shorter_retention_keeps_nothing_older_and_everything_younger(
    nordhav: BrandWorld, strangers: BrandWorld, at_once: int
):
    keeps(nordhav, 2)
    for world in (nordhav, strangers):
        for days in (0, 1, 2, 3, 4):
            write_scans(of(world, days), of(world, days, scanned_at=day_ago(days) + LAST_MOMENT))
    counted()
    assert delete_outlived(day_ago(0).date(), RETENTION_DAYS, at_once=at_once) == 4
    assert left(nordhav) == ["/2", "/2", "/1", "/1", "/0", "/0"]
    assert len(left(strangers)) == 10
    assert keep_days().deleted == 0


def test_a_long_retention_is_that_brands_alone(
    nordhav: BrandWorld, strangers: BrandWorld, unchosen: BrandWorld
):
    keeps(nordhav, LONGEST_RETENTION_DAYS)
    keeps(strangers, RETENTION_DAYS + 5)
    kept = (RETENTION_DAYS, RETENTION_DAYS + 1, RETENTION_DAYS + 5, RETENTION_DAYS + 6)
    for world in (nordhav, strangers, unchosen):
        write_scans(*[of(world, days) for days in kept])
    counted()
    assert keep_days().deleted == 4
    assert left(unchosen) == [f"/{RETENTION_DAYS}"]
    assert left(strangers) == [f"/{days}" for days in kept[2::-1]]
    assert left(nordhav) == [f"/{days}" for days in kept[::-1]]


def test_what_a_brand_that_chose_nothing_leaves_goes_in_bounded_statements(
    nordhav: BrandWorld, unchosen: BrandWorld
):
    keeps(nordhav, LONGEST_RETENTION_DAYS)
    for world in (nordhav, unchosen):
        write_scans(*[of(world, RETENTION_DAYS + 1)] * 3)
    counted()
    assert delete_outlived(day_ago(0).date(), LONGEST_RETENTION_DAYS, at_once=1) == 3
    assert (len(left(nordhav)), left(unchosen)) == (3, [])


def test_a_brand_that_chooses_fewer_days_later_is_heeded_on_a_day_that_was_emptied(
    nordhav: BrandWorld, strangers: BrandWorld, unchosen: BrandWorld
):
    keeps(strangers, LONGEST_RETENTION_DAYS)
    keeps(nordhav, RETENTION_DAYS + 5)
    for world in (nordhav, strangers, unchosen):
        write_scans(of(world, RETENTION_DAYS + 2))
    counted()
    assert keep_days().deleted == 1
    with acting_as("web"), brand_scope(nordhav.brand.id):
        ScanPolicy.objects.update(retention_days=RETENTION_DAYS + 1)
    assert keep_days().deleted == 1
    assert (left(nordhav), len(left(strangers))) == ([], 1)


def test_a_day_that_is_emptied_is_not_gone_through_every_hour(
    nordhav: BrandWorld, strangers: BrandWorld
):
    keeps(nordhav, 1)
    keeps(strangers, LONGEST_RETENTION_DAYS)
    write_scans(of(nordhav, 4), of(nordhav, RETENTION_DAYS + 1), of(strangers, RETENTION_DAYS + 1))
    counted()
    statements = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            keep_days()
        deletes = [query for query in queries if "delete from resolver_scanevent" in query["sql"]]
        statements.append(len(deletes))
    assert statements[0] >= 2
    assert statements[1] == 0
    assert left(nordhav) == []


def test_what_is_not_counted_yet_stays_however_old(nordhav: BrandWorld):
    keeps(nordhav, 1)
    write_scans(of(nordhav, 5))
    assert keep_days().deleted == 0
    ScanProgress.objects.create(counted_until=day_ago(5), as_of=day_ago(5))
    assert keep_days().deleted == 0
    ScanProgress.objects.update(counted_until=day_ago(3))
    assert keep_days().deleted == 1


def test_keys_of_visitors_are_forgotten_after_yesterday():
    with acting_as("resolver"), connection.cursor() as cursor:
        for days in (0, 1, 2, 3):
            cursor.execute(
                "insert into resolver_visitorkey (day, key) values (%s, %s)",
                [day_ago(days).date(), bytes(32)],
            )
    keep_days()
    with connection.cursor() as cursor:
        cursor.execute("select day from resolver_visitorkey order by day")
        assert [day for (day,) in cursor] == [day_ago(1).date(), day_ago(0).date()]
    assert VisitorKey._meta.pk is not None


def test_a_lock_that_is_not_had_is_asked_for_in_the_next_round(
    nordhav: BrandWorld, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scan_days, "PAUSE_SECONDS", 0)
    write_scans(of(nordhav, RETENTION_DAYS + 1))
    counted()
    with database.connect() as other:
        other.autocommit = False
        # As a scan does that hangs.
        other.execute("select count(*) from resolver_scanevent")
        assert keep_days().dropped == 0
        other.rollback()
    assert left(nordhav) == [f"/{RETENTION_DAYS + 1}"]
    assert keep_days().dropped == 1
    assert left(nordhav) == []


@pytest.mark.parametrize("task", [tasks.count_scans, tasks.count_visitors, tasks.keep_scan_days])
def test_beat_rings_for_what_is_done_by_the_clock(task: Any):
    scheduled = [entry["task"] for entry in current_app.conf.beat_schedule.values()]
    assert scheduled.count(task.name) == 1


def test_a_worker_that_starts_has_the_days_made_at_once(monkeypatch: pytest.MonkeyPatch):
    rung: list[str] = []
    monkeypatch.setattr(celery.app, "send_task", lambda name, **_: rung.append(name))
    celery._keep_scan_days()
    assert rung == [tasks.keep_scan_days.name]
