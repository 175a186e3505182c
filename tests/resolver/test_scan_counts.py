"""Counting scans: the same figures however often, by however many, and whatever dies in between."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from resolver import database, scan_counts, tasks
from resolver.models import ScanDay, ScanProgress
from resolver.scan_counts import count_days, count_hours, count_open_days, count_scans, day_of
from tests.emptying import empty_tables
from tests.factories import BrandWorld
from tests.planes import acting_as
from tests.resolver.scan_rows import day_ago, days, events, hours, make_day, this_hour, write_scans
from tests.resolver.scanning import at_once
from tests.resolver.units import Minted, mint
from tieback.brands.scoping import all_brands

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def of(minted: Minted, **columns: Any) -> dict[str, Any]:
    """Return an event of a batch."""
    return {"brand_id": minted.batch.brand_id, "batch_id": minted.batch.id, **columns}


def by_hand() -> tuple[Counter[Any], Counter[Any], dict[Any, int]]:
    """Count all events in plain Python: scans and first scans by hour, visitors by day."""
    scans: Counter[Any] = Counter()
    firsts: Counter[Any] = Counter()
    seen: dict[Any, set[int]] = {}
    for event in events():
        if event.batch_id is None:
            continue
        hour = event.scanned_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        group = (event.brand_id, event.batch_id, hour, event.traffic, event.country)
        scans[group] += 1
        firsts[group] += event.is_first
        if event.traffic == 1 and event.visitor is not None:
            with acting_as("worker"):
                product = PRODUCTS[event.batch_id]
            for key in ((event.brand_id, None), (event.brand_id, product)):
                seen.setdefault((*key, hour.date()), set()).add(event.visitor)
    return scans, firsts, {key: len(numbers) for key, numbers in seen.items()}


PRODUCTS: dict[Any, Any] = {}


def counted() -> tuple[Counter[Any], Counter[Any], dict[Any, int]]:
    """Return the stored figures in the same shape."""
    rows = hours()
    return (
        Counter({row[:5]: row[5] for row in rows}),
        Counter({row[:5]: row[6] for row in rows}),
        days(),
    )


def progress() -> ScanProgress:
    with acting_as("worker"):
        return ScanProgress.objects.get()


def test_scans_are_counted_by_batch_hour_class_and_country(
    nordhav: BrandWorld, strangers: BrandWorld
):
    ours, theirs = mint(nordhav), mint(strangers)
    # An hour that is over, so that none of its minutes lies ahead.
    now = this_hour() - HOUR
    write_scans(
        of(ours, scanned_at=now, country="DK"),
        of(ours, scanned_at=now + MINUTE, country="DK", is_first=True),
        of(ours, scanned_at=now, country="SE"),
        of(ours, scanned_at=now - HOUR, traffic=3),
        of(theirs, scanned_at=now),
        {"brand_id": nordhav.brand.id, "path": "/01/nobodys", "scanned_at": now},
    )
    assert count_scans()
    mine, others = ours.batch, theirs.batch
    assert hours() == sorted(
        [
            (mine.brand_id, mine.id, now, 1, "DK", 2, 1),
            (mine.brand_id, mine.id, now, 1, "SE", 1, 0),
            (mine.brand_id, mine.id, now - HOUR, 3, "", 1, 0),
            (others.brand_id, others.id, now, 1, "", 1, 0),
        ]
    )


def test_counting_again_changes_nothing_and_what_comes_later_is_counted(nordhav: BrandWorld):
    minted = mint(nordhav)
    write_scans(*[of(minted, scanned_at=this_hour(), visitor=1)] * 3)
    tasks.count_scans()
    first = hours()
    tasks.count_scans()
    assert hours() == first
    write_scans(of(minted, scanned_at=this_hour(), visitor=2))
    tasks.count_scans()
    assert sum(row[5] for row in hours()) == 4


def test_a_count_that_dies_leaves_everything_to_the_next(nordhav: BrandWorld):
    minted = mint(nordhav)
    write_scans(*[of(minted, scanned_at=this_hour())] * 3)
    with transaction.atomic():
        assert count_scans()
        transaction.set_rollback(True)
    assert hours() == []
    assert not ScanProgress.objects.exists()
    count_scans()
    assert sum(row[5] for row in hours()) == 3


@pytest.mark.parametrize("dies_at", [1, 2])
def test_a_count_that_dies_while_it_catches_up_keeps_what_it_had_finished(
    nordhav: BrandWorld, dies_at: int, monkeypatch: pytest.MonkeyPatch
):
    minted = mint(nordhav)
    for days_before in (3, 2, 1, 0):
        make_day(day_ago(days_before))
        write_scans(of(minted, scanned_at=day_ago(days_before), visitor=days_before))
    steps = iter(range(10))
    advance = scan_counts._count_step

    def dying(*before: Any) -> Any:
        if next(steps) == dies_at:
            raise KeyboardInterrupt
        return advance(*before)

    with monkeypatch.context() as patched:
        patched.setattr(scan_counts, "_count_step", dying)
        with pytest.raises(KeyboardInterrupt):
            count_scans()
    kept = progress().counted_until
    assert kept == day_of(kept)
    count_scans()
    count_open_days()
    assert sum(row[5] for row in hours()) == 4
    assert sum(days().values()) == 8


def test_counters_at_the_same_moment_count_each_scan_once(nordhav: BrandWorld):
    minted = mint(nordhav)
    write_scans(*[of(minted, scanned_at=this_hour(), visitor=n) for n in range(20)])
    outcomes = at_once(5, lambda _: count_scans() and count_open_days())
    assert all(isinstance(outcome, bool) for outcome in outcomes)
    assert any(outcomes) or count_scans()
    count_open_days()
    assert [row[5] for row in hours()] == [20]
    assert set(days().values()) == {20}


def test_an_hour_is_final_a_minute_after_its_end_and_no_sooner():
    end = datetime(2026, 11, 21, 15, tzinfo=UTC)
    for past, final in ((59, end - HOUR), (61, end), (3_599, end)):
        span = scan_counts.Span(end - HOUR, end + timedelta(seconds=past))
        assert span.end == span.now
        assert span.final_until == final


def test_an_hour_is_not_final_while_a_scan_of_it_waits_to_be_committed(
    nordhav: BrandWorld, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scan_counts, "PATIENCE_SECONDS", 0.2)
    minted, before = mint(nordhav), this_hour() - HOUR
    write_scans(of(minted, scanned_at=before))
    with writing_session() as late:
        with late.transaction():
            write_by(late, minted, before)
            assert count_scans()
            assert (progress().counted_until <= before, hours()[0][5]) == (True, 1)
        assert count_scans()
    assert (progress().counted_until > day_ago(1), hours()[0][5]) == (True, 2)


def test_a_count_waits_a_moment_for_scans_that_are_being_written(nordhav: BrandWorld):
    minted = mint(nordhav)
    write_scans(of(minted, scanned_at=day_ago(1)))
    with writing_session() as writer, ThreadPoolExecutor(1) as threads:
        with writer.transaction():
            write_by(writer, minted, day_ago(1))
            counting = threads.submit(counted_elsewhere)
            while not (counting.done() or is_counting(writer)):
                sleep(0.01)
        assert counting.result()
    assert (progress().counted_until > day_ago(1), hours()[0][5]) == (True, 2)


def writing_session() -> psycopg.Connection[Any]:
    with acting_as("resolver"):
        return database.connect()


def write_by(session: psycopg.Connection[Any], minted: Minted, moment: datetime) -> None:
    session.execute(
        "insert into resolver_scanevent (brand_id, batch_id, scanned_at, traffic)"
        " values (%s, %s, %s, 1)",
        [minted.batch.brand_id, minted.batch.id, moment],
    )


def counted_elsewhere() -> bool:
    try:
        return count_scans()
    finally:
        connection.close()


def is_counting(session: psycopg.Connection[Any]) -> bool:
    found = session.execute(
        "select from pg_locks where locktype = 'advisory' and granted and database ="
        " (select oid from pg_database where datname = current_database())"
    )
    return bool(found.rowcount)


def test_what_a_final_hour_lost_is_not_counted_again(nordhav: BrandWorld):
    """Events are deleted; what was counted of them stays."""
    minted = mint(nordhav)
    write_scans(of(minted, scanned_at=day_ago(1)))
    count_scans()
    counted_before = hours()
    assert progress().counted_until > day_ago(1) + HOUR
    with connection.cursor() as cursor:
        cursor.execute("delete from resolver_scanevent")
    count_scans()
    assert hours() == counted_before


def test_an_hour_under_way_is_counted_anew_when_events_are_taken_out(nordhav: BrandWorld):
    minted = mint(nordhav)
    write_scans(of(minted, scanned_at=this_hour(), traffic=3), of(minted, scanned_at=this_hour()))
    count_scans()
    with connection.cursor() as cursor:
        cursor.execute("delete from resolver_scanevent where traffic = 3")
    count_hours(this_hour(), this_hour() + HOUR)
    assert [row[3] for row in hours()] == [1]


@pytest.mark.parametrize("count", [count_hours, count_days])
def test_no_figure_is_compared_with_every_other_of_its_span(count: Callable[..., None]):
    plans: list[str] = []

    def explained(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        execute(f"explain {sql}", params, many, context)
        plans.extend(row[0] for row in context["cursor"].fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        count(day_ago(0), day_ago(-1))
    plan = "\n".join(plans)
    assert "hashed SubPlan" in plan
    assert "Anti Join" not in plan


def test_a_visitor_of_two_products_is_one_of_the_brand(nordhav: BrandWorld):
    one, other = mint(nordhav), mint(nordhav)
    today = this_hour()
    write_scans(
        of(one, scanned_at=today, visitor=7),
        of(other, scanned_at=today, visitor=7),
        of(other, scanned_at=today, visitor=8),
        of(other, scanned_at=today, visitor=9, traffic=3),
        of(other, scanned_at=today),
    )
    count_open_days()
    brand, day = nordhav.brand.id, today.date()
    assert days() == {
        (brand, None, day): 2,
        (brand, one.batch.product_id, day): 1,
        (brand, other.batch.product_id, day): 2,
    }


def test_a_day_has_the_sum_of_peoples_scans_also_of_those_that_are_only_counted(
    nordhav: BrandWorld,
):
    one, other = mint(nordhav), mint(nordhav)
    write_scans(
        *[of(one, scanned_at=this_hour(), visitor=7)] * 2,
        of(other, scanned_at=this_hour()),
        of(other, scanned_at=this_hour(), traffic=3),
    )
    count_scans()
    count_open_days()
    with all_brands():
        rows = dict(ScanDay.objects.values_list("product_id", "scans"))
    assert rows == {None: 3, one.batch.product_id: 2, other.batch.product_id: 1}


def test_a_days_visitors_are_counted_when_its_last_hour_is_final(nordhav: BrandWorld):
    minted = mint(nordhav)
    make_day(day_ago(2))
    write_scans(of(minted, scanned_at=day_ago(2), visitor=7))
    count_scans()
    assert set(days().values()) == {1}


scans_made_up = st.lists(
    st.fixed_dictionaries(
        {
            "hours_ago": st.integers(0, 60),
            "minute": st.integers(0, 59),
            "batch": st.integers(0, 3),
            "traffic": st.sampled_from([1, 1, 1, 3, 6]),
            "country": st.sampled_from(["", "DK", "SE"]),
            "visitor": st.one_of(st.none(), st.integers(-3, 3)),
            "is_first": st.booleans(),
        }
    ),
    max_size=40,
)


@seed(20261121)
@settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(scans_made_up, scans_made_up)
def test_figures_are_those_of_a_count_by_hand(
    batches: list[Minted], first: list[dict[str, Any]], later: list[dict[str, Any]]
):
    empty_tables(
        *("resolver_scanevent", "resolver_scanhour", "resolver_scanday", "resolver_scanprogress")
    )
    for made_up in (first, later):
        write_scans(*[_event(batches, one) for one in made_up])
        count_scans()
        # What comes late comes into hours that are final, which no scan can; so begin anew.
        if made_up is first and later:
            empty_tables("resolver_scanprogress")
    count_open_days()
    scans, firsts, visitors = by_hand()
    assert counted() == (scans, firsts, visitors)


@pytest.fixture
def batches(nordhav: BrandWorld, strangers: BrandWorld) -> list[Minted]:
    """Batches of two brands, two of them of one product, and the days that scans are made up of."""
    for days_before in (3, 2):
        make_day(day_ago(days_before))
    made = [mint(nordhav), mint(nordhav), mint(strangers)]
    made.append(mint(nordhav, of=made[0].batch.product))
    PRODUCTS.update({one.batch.id: one.batch.product_id for one in made})
    return made


def _event(batches: list[Minted], one: dict[str, Any]) -> dict[str, Any]:
    moment = this_hour() - one["hours_ago"] * HOUR
    if one["hours_ago"]:
        moment += one["minute"] * MINUTE
    columns = {name: one[name] for name in ("traffic", "country", "visitor", "is_first")}
    return of(batches[one["batch"]], scanned_at=moment, **columns)
