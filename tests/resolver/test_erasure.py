"""Erasing a brand's scans: all of its events and signals, nothing counted, nobody else's."""

from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from minting.states import UnitStatus
from resolver.models import ScanSignal
from resolver.tasks import count_scans
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


def test_a_brand_that_is_not_there_is_refused():
    with pytest.raises(CommandError, match="There is no brand"):
        call_command("erase_scans", brand=uuid4(), reason="asked for")


def test_the_command_needs_the_worker(settings):
    settings.TIEBACK_PLANE = "console"
    with pytest.raises(CommandError, match="TIEBACK_PLANE=worker"):
        call_command("erase_scans", brand=uuid4(), reason="asked for")
