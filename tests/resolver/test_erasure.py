"""Erasing a brand's scans: all of its events and signals, nothing counted, nobody else's."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from minting.states import UnitStatus
from resolver.erasure import Erased, erase_scans
from resolver.models import ScanSignal
from resolver.signal_search import _WAIT, look
from resolver.tasks import count_scans
from tests.catalogue.test_catalogue_races import wait_for_lock_waiters
from tests.factories import BrandWorld
from tests.resolver.scan_rows import day_ago, events, hours, units_of, write_scans
from tests.resolver.units import mint
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]


@pytest.fixture(autouse=True)
def worker_plane(settings) -> None:
    settings.TIEBACK_PLANE = "worker"


def scanned(world: BrandWorld) -> None:
    minted = mint(world, status=UnitStatus.REVOKED)
    (unit,) = units_of(minted)
    known = {"brand_id": unit.brand_id, "batch_id": unit.batch_id, "unit_id": unit.id, "status": 2}
    write_scans(*[known | {"scanned_at": day_ago(days)} for days in (0, 1)])


def test_events_and_signals_go_and_figures_and_other_brands_stay(
    nordhav: BrandWorld, strangers: BrandWorld
):
    scanned(nordhav)
    scanned(strangers)
    count_scans()
    before = hours()
    out = StringIO()
    call_command("erase_scans", brand=nordhav.brand.id, reason="asked for", stdout=out)
    assert out.getvalue().strip() == "2 events and 2 signals deleted"
    assert {event.brand_id for event in events()} == {strangers.brand.id}
    with all_brands():
        assert {one.brand_id for one in ScanSignal.objects.all()} == {strangers.brand.id}
    assert hours() == before
    with brand_scope(nordhav.brand.id):
        begun, done = AuditEntry.objects.filter(action__startswith="scans.").order_by("id")
    assert (begun.action, begun.reason) == ("scans.erasure_begun", "asked for")
    assert (done.action, done.before) == ("scans.erased", {"events": 2, "signals": 2})


def test_scans_that_were_not_counted_yet_are_counted_before_they_go(nordhav: BrandWorld):
    scanned(nordhav)
    assert hours() == []
    erase_scans(nordhav.brand.id, reason="asked for")
    assert [row[2] for row in hours()][:1] == [day_ago(1)]
    count_scans()
    assert [row[2] for row in hours()][:1] == [day_ago(1)]
    assert events() == []


def test_a_look_that_read_the_events_before_they_went_brings_no_signal_back(nordhav: BrandWorld):
    scanned(nordhav)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_WAIT)
            look(cursor, day_ago(1), day_ago(0), since=day_ago(1))
            erasing = threads.submit(erased, nordhav)
            wait_for_lock_waiters(1)
        assert erasing.result() == Erased(events=2, signals=1)
    with all_brands():
        assert not ScanSignal.objects.exists()


def erased(world: BrandWorld) -> Erased:
    try:
        return erase_scans(world.brand.id, reason="asked for")
    finally:
        connection.close()


def test_a_brand_that_is_not_there_is_refused():
    with pytest.raises(CommandError, match="There is no brand"):
        call_command("erase_scans", brand=uuid4(), reason="asked for")


def test_the_command_needs_the_worker(settings):
    settings.TIEBACK_PLANE = "console"
    with pytest.raises(CommandError, match="TIEBACK_PLANE=worker"):
        call_command("erase_scans", brand=uuid4(), reason="asked for")
