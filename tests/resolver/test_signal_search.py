"""What does not look right about scans, and what does although it looks unusual."""

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction

from minting.models import MintBatch
from minting.states import PhysicalStatus, UnitStatus
from resolver import tasks
from resolver.models import ScanProgress, ScanSignal
from resolver.scan_counts import count_scans
from resolver.signal_search import look, search_signals
from resolver.signals import BURST_UNITS, PATHS_A_DAY, Rule
from tests.factories import BrandWorld
from tests.planes import acting_as
from tests.resolver.scan_rows import day_ago, make_day, this_hour, units_of, write_scans
from tests.resolver.scanning import at_once
from tests.resolver.units import Minted, mint
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SKAGEN = {"latitude": 58, "longitude": 11, "country": "DK"}
NAPLES = {"latitude": 41, "longitude": 14, "country": "IT"}
OSLO = {"latitude": 60, "longitude": 11, "country": "NO"}
NOON = day_ago(1) + 12 * HOUR


def of(minted: Minted, at: int = 0, **columns: Any) -> dict[str, Any]:
    """Return a person's scan of a unit, yesterday at noon unless said."""
    unit = units_of(minted)[at]
    return {
        "brand_id": minted.batch.brand_id,
        "batch_id": minted.batch.id,
        "unit_id": unit.id,
        "status": unit.status,
        "scanned_at": NOON,
        **columns,
    }


def yesterday() -> list[ScanSignal]:
    """Look through yesterday and return what is found."""
    with transaction.atomic(), connection.cursor() as cursor:
        look(cursor, day_ago(1), day_ago(0), since=day_ago(1))
    return signals()


def signals() -> list[ScanSignal]:
    with all_brands():
        return list(ScanSignal.objects.order_by("rule", "subject"))


def rules() -> set[str]:
    return {signal.rule for signal in yesterday()}


def put_labels(minted: Minted, status: PhysicalStatus) -> None:
    with acting_as("web"), brand_scope(minted.batch.brand_id):
        MintBatch.objects.filter(pk=minted.batch.pk).update(physical_status=status)


# Codes that were never issued -------------------------------------------------------------------


def test_a_code_that_no_item_has_is_told_with_how_often_it_was_scanned(
    nordhav: BrandWorld, strangers: BrandWorld
):
    made_up = {"brand_id": nordhav.brand.id, "path": "/01/09506000134352/21/X", "scanned_at": NOON}
    write_scans(made_up, {**made_up, "scanned_at": NOON + MINUTE})
    write_scans({**made_up, "traffic": 3}, {**made_up, "brand_id": strangers.brand.id})
    found = {signal.brand_id: signal for signal in yesterday()}
    ours = found[nordhav.brand.id]
    assert (ours.rule, ours.subject, ours.scans) == (Rule.NEVER_ISSUED, made_up["path"], 2)
    assert (ours.first_at, ours.last_at) == (NOON, NOON + MINUTE)
    assert (ours.day, ours.batch_id, ours.unit_id) == (NOON.date(), None, None)
    assert found[strangers.brand.id].scans == 1


def test_of_endless_codes_those_scanned_most_are_told(nordhav: BrandWorld):
    paths = [
        {"brand_id": nordhav.brand.id, "path": f"/mu/{number:04}", "scanned_at": NOON}
        for number in range(PATHS_A_DAY + 5)
    ]
    write_scans(*paths)
    assert {signal.subject for signal in yesterday()} == {
        path["path"] for path in paths[:PATHS_A_DAY]
    }
    write_scans(*paths[-5:])
    told = {signal.subject for signal in yesterday()}
    assert len(told) == PATHS_A_DAY
    assert {path["path"] for path in paths[-5:]} <= told


# Revoked units ----------------------------------------------------------------------------------


def test_a_unit_that_was_revoked_when_it_was_scanned_is_told(nordhav: BrandWorld):
    revoked, sound = mint(nordhav, status=UnitStatus.REVOKED), mint(nordhav)
    write_scans(of(revoked), of(revoked), of(sound), of(revoked, traffic=3))
    (signal,) = yesterday()
    assert (signal.rule, signal.scans) == (Rule.REVOKED, 2)
    assert signal.unit_id == units_of(revoked)[0].id
    assert signal.batch_id == revoked.batch.id


# Labels that were not applied yet ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (PhysicalStatus.MINTED, False),
        (PhysicalStatus.EXPORTED, True),
        (PhysicalStatus.PRINTED, True),
        (PhysicalStatus.APPLIED, False),
    ],
)
def test_a_unit_whose_label_was_not_applied_is_told_where_labels_are_followed(
    nordhav: BrandWorld, status: PhysicalStatus, told: bool
):
    minted, followed = mint(nordhav), mint(nordhav)
    put_labels(followed, PhysicalStatus.APPLIED)
    if status is not PhysicalStatus.MINTED:
        put_labels(minted, status)
    write_scans(of(minted), of(minted, traffic=6))
    found = yesterday()
    assert [(one.rule, one.scans) for one in found] == [(Rule.BEFORE_SHIPPING, 1)] * told


def test_packs_are_built_for_everybody_so_that_alone_tells_nothing(nordhav: BrandWorld):
    minted = mint(nordhav)
    put_labels(minted, PhysicalStatus.EXPORTED)
    write_scans(of(minted))
    assert yesterday() == []


def test_what_was_told_before_the_labels_were_applied_stays(nordhav: BrandWorld):
    minted, followed = mint(nordhav), mint(nordhav)
    put_labels(followed, PhysicalStatus.APPLIED)
    put_labels(minted, PhysicalStatus.PRINTED)
    write_scans(of(minted))
    assert rules() == {Rule.BEFORE_SHIPPING}
    put_labels(minted, PhysicalStatus.APPLIED)
    assert rules() == {Rule.BEFORE_SHIPPING}


# Far places -------------------------------------------------------------------------------------


def test_a_unit_in_two_far_places_within_hours_is_told_with_the_way(nordhav: BrandWorld):
    minted = mint(nordhav)
    write_scans(of(minted, **SKAGEN), of(minted, **NAPLES, scanned_at=NOON + HOUR))
    (signal,) = yesterday()
    assert (signal.rule, signal.scans, signal.last_at) == (Rule.FAR_PLACES, 1, NOON + HOUR)
    # By an own reckoning: the spherical law of cosines gives 1,903 km.
    assert abs(signal.detail["km"] - 1_903) <= 2
    assert signal.detail["minutes"] == 60
    assert signal.detail["from"] == SKAGEN
    assert signal.detail["to"] == NAPLES


@pytest.mark.parametrize(
    "second",
    [
        {**NAPLES, "scanned_at": NOON + 3 * HOUR + MINUTE},
        {**OSLO, "scanned_at": NOON + HOUR},
        {**NAPLES, "scanned_at": NOON + HOUR, "traffic": 2},
        {"scanned_at": NOON + HOUR},
    ],
    ids=["a flight later", "near by", "a link preview", "nobody knows where"],
)
def test_a_unit_that_can_have_been_in_both_places_is_not_told(
    nordhav: BrandWorld, second: dict[str, Any]
):
    minted = mint(nordhav)
    write_scans(of(minted, **SKAGEN), of(minted, **second))
    assert yesterday() == []


def test_two_units_in_far_places_are_two_units(nordhav: BrandWorld):
    minted = mint(nordhav, 2)
    write_scans(of(minted, 0, **SKAGEN), of(minted, 1, **NAPLES))
    assert yesterday() == []


def test_a_way_over_midnight_belongs_to_the_day_of_its_end(nordhav: BrandWorld):
    minted = mint(nordhav)
    make_day(day_ago(2))
    write_scans(
        of(minted, **SKAGEN, scanned_at=day_ago(1) - HOUR),
        of(minted, **NAPLES, scanned_at=day_ago(1) + HOUR),
    )
    (signal,) = yesterday()
    assert signal.day == day_ago(1).date()


# Bursts -----------------------------------------------------------------------------------------


def burst(minted: Minted, units: int, **columns: Any) -> list[dict[str, Any]]:
    known = units_of(minted)
    return [
        {
            "brand_id": minted.batch.brand_id,
            "batch_id": minted.batch.id,
            "unit_id": unit.id,
            "scanned_at": NOON + MINUTE,
            "network": "203.0.113.0/24",
            **columns,
        }
        for unit in known[:units]
    ]


def test_a_network_that_scans_many_units_of_a_batch_is_told(nordhav: BrandWorld):
    minted = mint(nordhav, BURST_UNITS)
    write_scans(*burst(minted, BURST_UNITS, traffic=6), *burst(minted, 1))
    (signal,) = yesterday()
    assert (signal.rule, signal.scans) == (Rule.BURST, BURST_UNITS + 1)
    assert signal.detail == {"network": "203.0.113.0/24", "units": BURST_UNITS}


@pytest.mark.parametrize(
    ("units", "columns"),
    [(BURST_UNITS - 1, {}), (BURST_UNITS, {"traffic": 3}), (BURST_UNITS, {"network": ""})],
    ids=["too few", "a crawler that says so", "nobody knows from where"],
)
def test_what_happens_every_day_is_no_burst(
    nordhav: BrandWorld, units: int, columns: dict[str, Any]
):
    minted = mint(nordhav, BURST_UNITS)
    write_scans(*burst(minted, units, **columns), *burst(minted, 1) * 10)
    assert yesterday() == []


def test_one_unit_scanned_often_is_no_burst(nordhav: BrandWorld):
    minted = mint(nordhav)
    write_scans(*burst(minted, 1) * (2 * BURST_UNITS))
    assert yesterday() == []


# Looking ----------------------------------------------------------------------------------------


def test_looking_again_tells_the_same_once(nordhav: BrandWorld):
    revoked = mint(nordhav, status=UnitStatus.REVOKED)
    write_scans(of(revoked, scanned_at=this_hour()))
    tasks.count_scans()
    tasks.count_scans()
    (first,) = signals()
    write_scans(of(revoked, scanned_at=this_hour()))
    tasks.count_scans()
    (second,) = signals()
    assert (first.id, first.scans, second.scans) == (second.id, 1, 2)


def test_a_look_that_dies_tells_nothing_and_the_next_tells_all(nordhav: BrandWorld):
    revoked = mint(nordhav, status=UnitStatus.REVOKED)
    write_scans(of(revoked, scanned_at=this_hour()))
    with transaction.atomic():
        tasks.count_scans()
        assert len(signals()) == 1
        transaction.set_rollback(True)
    assert signals() == []
    tasks.count_scans()
    assert len(signals()) == 1


def test_days_that_nobody_looked_through_are_caught_up_with(nordhav: BrandWorld):
    revoked = mint(nordhav, status=UnitStatus.REVOKED)
    for days in (3, 2, 1, 0):
        make_day(day_ago(days))
        write_scans(of(revoked, scanned_at=day_ago(days)))
    begun = ScanProgress.objects.create(
        counted_until=day_ago(0), as_of=day_ago(0), searched_until=day_ago(3)
    )
    assert search_signals()
    expected: list[date] = [day_ago(days).date() for days in (3, 2, 1, 0)]
    assert sorted(signal.day for signal in signals()) == expected
    begun.refresh_from_db()
    assert begun.searched_until == begun.counted_until


def test_a_day_is_looked_through_until_its_last_hour_is_final(nordhav: BrandWorld):
    """What is committed late is found, too."""
    revoked = mint(nordhav, status=UnitStatus.REVOKED)
    progress = ScanProgress.objects.create(
        counted_until=day_ago(0) - HOUR, as_of=day_ago(0), searched_until=day_ago(1)
    )
    assert search_signals()
    write_scans(of(revoked, scanned_at=day_ago(0) - HOUR))
    assert search_signals()
    assert [signal.day for signal in signals()] == [day_ago(1).date()]
    progress.counted_until = day_ago(0)
    progress.save()
    write_scans(of(revoked, scanned_at=day_ago(0)))
    assert search_signals()
    assert {signal.day for signal in signals()} == {day_ago(1).date(), day_ago(0).date()}


@pytest.mark.parametrize("chance", range(3))
def test_looks_hour_by_hour_find_what_one_look_at_the_whole_day_finds(
    nordhav: BrandWorld, chance: int
):
    drawn = Random(chance)
    minted, begins = mint(nordhav, 4), day_ago(1)
    for hour in range(12):
        scans = drawn.choices(range(4), k=3)
        write_scans(
            *(
                of(
                    minted,
                    unit,
                    **drawn.choice([SKAGEN, NAPLES, OSLO, {}]),
                    status=drawn.choice([1, 2]),
                    traffic=drawn.choice([1, 1, 1, 3]),
                    scanned_at=begins + hour * HOUR + drawn.randrange(60) * MINUTE,
                )
                for unit in scans
            )
        )
        with transaction.atomic(), connection.cursor() as cursor:
            look(cursor, begins, begins + (hour + 1) * HOUR, since=begins + hour * HOUR)
    by_the_hour = [told(signal) for signal in signals()]
    with all_brands():
        ScanSignal.objects.all().delete()
    assert by_the_hour == [told(signal) for signal in yesterday()]
    assert {signal.rule for signal in signals()} == {Rule.REVOKED, Rule.FAR_PLACES}


def told(signal: ScanSignal) -> tuple[Any, ...]:
    """Return what a signal says."""
    return (
        *(signal.rule, signal.day, signal.subject, signal.scans),
        *(signal.first_at, signal.last_at, signal.detail),
    )


def test_looks_at_the_same_moment_tell_each_signal_once(nordhav: BrandWorld):
    revoked = mint(nordhav, status=UnitStatus.REVOKED)
    write_scans(of(revoked, scanned_at=this_hour()))
    assert not search_signals(), "nothing is counted yet"
    count_scans()
    outcomes = at_once(4, lambda _: search_signals())
    assert all(isinstance(outcome, bool) for outcome in outcomes)
    search_signals()
    assert len(signals()) == 1


def test_a_burst_is_told_by_the_hour_and_once_more_where_it_goes_on(nordhav: BrandWorld):
    minted = mint(nordhav, BURST_UNITS)
    for hours in (0, 1):
        write_scans(*burst(minted, BURST_UNITS, scanned_at=NOON + hours * HOUR))
    first, second = yesterday()
    assert (first.subject[-3:], second.subject[-3:]) == (" 12", " 13")
    assert [signal.id for signal in yesterday()] == [first.id, second.id]
