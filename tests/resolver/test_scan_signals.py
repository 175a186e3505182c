"""Signals over HTTP: which rule fired about what, in words."""

import pytest
from rest_framework.test import APIClient

from minting.states import UnitStatus
from resolver import tasks
from resolver.signals import BURST_UNITS
from tests.factories import BrandWorld
from tests.planes import acting_as
from tests.resolver.scan_rows import this_hour, units_of, write_scans
from tests.resolver.units import Minted, mint

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v1/scan-signals/"


@pytest.fixture
def revoked(nordhav: BrandWorld) -> Minted:
    """A revoked batch, all of it scanned from one network; and a code that nobody issued."""
    minted = mint(nordhav, BURST_UNITS, status=UnitStatus.REVOKED)
    write_scans(
        *[
            {
                "brand_id": unit.brand_id,
                "batch_id": unit.batch_id,
                "unit_id": unit.id,
                "status": unit.status,
                "network": "203.0.113.0/24",
                "scanned_at": this_hour(),
            }
            for unit in units_of(minted)
        ],
        {"brand_id": nordhav.brand.id, "path": "/mu/NOBODYS", "scanned_at": this_hour()},
    )
    with acting_as("worker"):
        tasks.count_scans()
    return minted


def test_each_signal_says_what_it_is_about(api: APIClient, revoked: Minted):
    told = api.get(URL, {"page_size": 500}).json()["data"]
    by_rule = {signal["rule"]: signal for signal in told}
    assert by_rule["never_issued"]["subject"] == "/mu/NOBODYS"
    assert by_rule["never_issued"]["token"] is by_rule["never_issued"]["mint_batch_id"] is None
    burst = by_rule["burst"]
    assert (burst["subject"], burst["token"]) == ("203.0.113.0/24", None)
    assert burst["mint_batch_id"] == str(revoked.batch.id)
    assert burst["says"] == "One network scans many units of a batch within an hour"
    units = {signal["subject"] for signal in told if signal["rule"] == "revoked"}
    assert units == set(revoked.tokens)
    assert by_rule["revoked"]["token"] == by_rule["revoked"]["subject"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"rule": "burst"}, 1),
        ({"rule": "far_places"}, 0),
        ({"day_from": "{today}", "day_to": "{today}"}, BURST_UNITS + 2),
        ({"day_to": "2020-01-01"}, 0),
        ({"product": "{product}", "rule": "revoked"}, BURST_UNITS),
        ({"batch": "{batch}"}, BURST_UNITS + 1),
    ],
)
def test_signals_are_narrowed(api: APIClient, revoked: Minted, query, expected: int):
    known = {
        "today": this_hour().date(),
        "product": revoked.batch.product_id,
        "batch": revoked.batch.id,
    }
    filled = {name: value.format(**known) for name, value in query.items()}
    assert len(api.get(URL, {"page_size": 500, **filled}).json()["data"]) == expected


def test_the_most_scanned_come_first_where_asked(api: APIClient, revoked: Minted):
    first, *_ = api.get(URL, {"ordering": "-scans"}).json()["data"]
    assert (first["rule"], first["scans"]) == ("burst", BURST_UNITS)


@pytest.mark.parametrize(
    ("query", "field"),
    [({"rule": "x"}, "rule"), ({"day_from": "x"}, "day_from"), ({"batch": "x"}, "batch")],
)
def test_what_cannot_be_asked_is_refused_by_name(api: APIClient, nordhav, query, field: str):
    answer = api.get(URL, query)
    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()["error"]["fields"]] == [field]
