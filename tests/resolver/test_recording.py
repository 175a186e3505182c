"""What a scan leaves behind, and what not; and that none of it keeps anybody from an answer."""

from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from minting.states import UnitStatus
from resolver import networks, recording
from resolver.agent_texts import reduced
from resolver.models import ScanAgent, ScanPolicy
from resolver.scan_days import keep_days
from resolver.traffic import TrafficClass
from tests.factories import BrandWorld
from tests.planes import acting_as
from tests.resolver.scan_rows import events, this_hour, units_of
from tests.resolver.scanning import IPHONE, counted, scan
from tests.resolver.units import Minted, mint
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections", "untold"),
]

ADDRESS = "198.51.100.213"
MODEL = "SM-S918B"
PHONE = (
    f"Mozilla/5.0 (Linux; Android 14; {MODEL} Build/UP1A.231005.007; wv) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Version/4.0 Chrome/133.0.6943.137 Mobile Safari/537.36"
)


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has told the dictionary of no agent yet."""
    monkeypatch.setattr(recording, "_told", set())


@pytest.fixture
def places(tmp_path: Path, settings: Any) -> Iterator[Callable[..., None]]:
    """Let the test say where networks are, in a database of its own."""

    def write(**where: dict[str, Any]) -> None:
        writer = MMDBWriter(4, "Test")
        for network, found in where.items():
            writer.insert_network(IPSet([network.replace("_", ".") + "/24"]), found)
        writer.to_db_file(str(tmp_path / "places.mmdb"))
        settings.TIEBACK_GEOIP_DATABASE = str(tmp_path / "places.mmdb")

    forget_places()
    yield write
    forget_places()


def forget_places() -> None:
    networks._database.cache_clear()
    networks.place_of.cache_clear()


def scanned(minted: Minted, **headers: str) -> Any:
    """Scan a unit from the address; return the one event there is of it."""
    assert scan(minted.path(), host=minted.host, **headers).status == 307
    (event,) = events()
    return event


def everything() -> str:
    """Return the text of every row of every table, whatever its policies."""
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute(
            "select c.oid::regclass::text from pg_class c where c.relkind = 'r'"
            " and c.relnamespace = 'public'::regnamespace"
        )
        tables = [table for (table,) in cursor.fetchall()]
        rows = []
        for table in tables:
            # Forced policies hide rows from the owner too, who alone may lift them.
            cursor.execute("begin")
            cursor.execute(f"alter table {table} no force row level security")
            cursor.execute(f"select t::text from {table} t")  # noqa: S608 - our own tables
            rows += [text for (text,) in cursor.fetchall()]
            cursor.execute("rollback")
    return "\n".join(rows)


def test_an_event_says_what_was_scanned_and_how_it_stood(nordhav: BrandWorld):
    minted = mint(nordhav, status=UnitStatus.ACTIVE)
    (unit,) = units_of(minted)
    event = scanned(minted)
    assert (event.brand_id, event.batch_id) == (nordhav.brand.id, minted.batch.id)
    assert (event.unit_id, event.status, event.is_first) == (unit.id, UnitStatus.ACTIVE, False)
    assert (event.traffic, event.path) == (TrafficClass.PERSON, "")
    assert event.visitor is not None
    assert event.agent_id == reduced(IPHONE).id


def test_the_first_scan_is_the_first_and_the_next_is_not(nordhav: BrandWorld):
    minted = mint(nordhav)
    first = scanned(minted)
    assert (first.is_first, first.status) == (True, UnitStatus.MINTED)
    scan(minted.path(), host=minted.host)
    assert [event.is_first for event in events()] == [True, False]


def test_a_program_leaves_no_visitor(nordhav: BrandWorld):
    event = scanned(mint(nordhav), user_agent="curl/8.9")
    assert (event.traffic, event.visitor) == (TrafficClass.MACHINE, None)


def test_codes_of_products_lots_and_batches_leave_no_unit(nordhav: BrandWorld):
    minted = mint(nordhav, lot="L1")
    for path in (f"/01/{minted.gtin}", f"/01/{minted.gtin}/10/L1", f"/mb/{minted.batch.id}"):
        assert scan(path, host=minted.host).status == 307
    assert [(event.batch_id, event.unit_id) for event in events()] == [(minted.batch.id, None)] * 3


def test_a_code_that_no_item_has_leaves_its_path(nordhav: BrandWorld):
    minted = mint(nordhav)
    path = f"/01/{minted.gtin}/21/NEVER-ISSUED"
    assert scan(path, host=minted.host).status == 404
    (event,) = events()
    assert (event.brand_id, event.batch_id, event.unit_id) == (nordhav.brand.id, None, None)
    assert event.path == path


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [("/01/123", None, 400), ("/01/09506000134352", "nobody.example", 404), ("/robots", None, 299)],
)
def test_what_is_no_code_of_the_brand_leaves_nothing(
    nordhav: BrandWorld, path: str, host: str | None, status: int
):
    assert scan(path, host=host or "nordhav.example").status == status
    assert events() == []


def test_neither_address_nor_model_nor_agent_text_is_stored_anywhere(nordhav: BrandWorld):
    minted, secret = mint(nordhav), "Build/UP1A"
    with acting_as("resolver"):
        for path in (minted.path(), f"/01/{minted.gtin}", "/mu/2222222222222222222X"):
            scan(path, host=minted.host, user_agent=PHONE, x_forwarded_for=ADDRESS)
            environ_address(path, minted.host)
    text = everything()
    assert "198.51.100.0/24" in text
    assert str(minted.batch.id) in text
    for told in (ADDRESS, MODEL, secret, PHONE, "133.0.6943", IPHONE, "15E148"):
        assert told not in text, told


def environ_address(path: str, host: str) -> None:
    """Scan from the address itself, without a proxy between."""
    from tests.resolver.scanning import public_application

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "HTTP_HOST": host,
        "HTTP_USER_AGENT": PHONE,
        "REMOTE_ADDR": ADDRESS,
    }
    list(public_application()(environ, lambda *_: None))


def test_an_agent_stands_in_the_dictionary_once(nordhav: BrandWorld):
    minted = mint(nordhav)
    for _ in range(3):
        scan(minted.path(), host=minted.host, user_agent=PHONE)
    recording._told.clear()
    scan(minted.path(), host=minted.host, user_agent=PHONE.replace("133.0.6943.137", "133.0.1"))
    with acting_as("worker"):
        (agent,) = ScanAgent.objects.all()
    assert (agent.id, agent.text) == (reduced(PHONE).id, reduced(PHONE).text)
    assert {event.agent_id for event in events()} == {agent.id}


# Where nothing can be written --------------------------------------------------------------------


@pytest.fixture
def no_day() -> Iterator[None]:
    """Take today's day away, and bring it back."""
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute(f"drop table resolver_scanevent_{this_hour():%Y%m%d}")
    yield
    with acting_as("worker"):
        keep_days()


def test_a_scan_on_a_day_that_is_not_there_is_answered_and_counted_as_lost(
    nordhav: BrandWorld, no_day: None
):
    minted = mint(nordhav, status=UnitStatus.ACTIVE)
    lost = counted("unrecorded")
    assert scan(minted.path(), host=minted.host).status == 307
    assert scan("/mu/2222222222222222222X", host=minted.host).status == 404
    assert (counted("unrecorded") - lost, events()) == (2, [])
    with acting_as("worker"):
        assert keep_days().made == 1
    assert scanned(minted).unit_id
    assert counted("unrecorded") - lost == 2


def test_a_first_scan_that_cannot_be_written_down_activates_all_the_same(
    nordhav: BrandWorld, no_day: None
):
    minted = mint(nordhav)
    lost = counted("unrecorded")
    assert scan(minted.path(), host=minted.host).finding.is_first_scan
    assert (counted("unrecorded") - lost, events()) == (1, [])
    assert [unit.status for unit in units_of(minted)] == [UnitStatus.ACTIVE]


def test_a_database_that_only_reads_answers_scans(nordhav: BrandWorld, connections):
    minted = mint(nordhav, status=UnitStatus.ACTIVE)
    scan(minted.path(), "HEAD", host=minted.host)
    connections[0].execute("set default_transaction_read_only = on")
    lost = counted("unrecorded")
    assert scan(minted.path(), host=minted.host).status == 307
    assert counted("unrecorded") - lost == 1
    connections[0].execute("set default_transaction_read_only = off")
    assert len(events()) == 1, "the one before"


def test_recording_can_be_turned_off_and_first_scans_activate_all_the_same(
    nordhav: BrandWorld, settings
):
    settings.TIEBACK_SCANS_RECORDED = False
    minted = mint(nordhav)
    assert scan(minted.path(), host=minted.host).finding.is_first_scan
    assert events() == []
    assert [unit.status for unit in units_of(minted)] == [UnitStatus.ACTIVE]


# Counts only -------------------------------------------------------------------------------------


def test_of_categories_that_are_only_counted_an_event_says_no_more_than_its_count(
    nordhav: BrandWorld, places: Callable[..., None]
):
    places(**{"203_0_113_0": {"country": {"iso_code": "DK"}, "location": {"latitude": 56.2}}})
    with acting_as("web"), brand_scope(nordhav.brand.id):
        ScanPolicy.objects.create(brand=nordhav.brand, aggregate_only=["generic"])
    minted = mint(nordhav)
    for _ in range(2):
        assert scan(minted.path(), host=minted.host).status == 307
    for event, is_first in zip(events(), (True, False), strict=True):
        assert (event.batch_id, event.traffic, event.is_first) == (
            minted.batch.id,
            TrafficClass.PERSON,
            is_first,
        )
        assert event.country == "DK"
        for name in ("unit_id", "visitor", "agent_id", "status", "latitude", "longitude"):
            assert getattr(event, name) is None, name
        assert (event.network, event.path) == ("", "")
        moment = event.scanned_at.astimezone(UTC)
        assert (moment.minute, moment.second, moment.microsecond) == (0, 0, 0)
    assert [unit.status for unit in units_of(minted)] == [UnitStatus.ACTIVE]


def test_another_category_of_the_same_brand_is_kept_whole(nordhav: BrandWorld):
    with acting_as("web"), brand_scope(nordhav.brand.id):
        ScanPolicy.objects.create(brand=nordhav.brand, aggregate_only=["textile"])
    assert scanned(mint(nordhav)).unit_id is not None


# Places ------------------------------------------------------------------------------------------


def test_country_and_place_are_those_of_the_network_in_whole_degrees(
    nordhav: BrandWorld, places: Callable[..., None]
):
    found = {
        "country": {"iso_code": "DK"},
        "location": {"latitude": 57.7209, "longitude": 10.5839},
    }
    places(**{"203_0_113_0": found})
    event = scanned(mint(nordhav))
    assert (event.country, event.latitude, event.longitude) == ("DK", 58, 11)


def test_a_network_that_is_not_in_the_database_is_nowhere(
    nordhav: BrandWorld, places: Callable[..., None]
):
    places(**{"192_0_2_0": {"country": {"iso_code": "DK"}}})
    event = scanned(mint(nordhav))
    assert (event.country, event.latitude, event.longitude) == ("", None, None)
    assert event.network == "203.0.113.0/24"


@pytest.mark.usefixtures("places")
def test_a_database_of_places_that_is_not_there_keeps_no_scan_from_an_answer(
    nordhav: BrandWorld, settings: Any, tmp_path: Path
):
    settings.TIEBACK_GEOIP_DATABASE = str(tmp_path / "lost.mmdb")
    event = scanned(mint(nordhav))
    assert (event.network, event.country, event.latitude) == ("203.0.113.0/24", "", None)


def test_rows_are_seen_by_the_brand_alone(nordhav: BrandWorld, strangers: BrandWorld):
    scanned(mint(nordhav))
    with acting_as("web"), connection.cursor() as cursor:
        for world, seen in ((nordhav, 1), (strangers, 0)):
            with brand_scope(world.brand.id):
                cursor.execute("select count(*) from resolver_scanevent")
                assert cursor.fetchone() == (seen,)
        with all_brands():
            cursor.execute("select count(*) from resolver_scanevent")
            assert cursor.fetchone() == (0,)
