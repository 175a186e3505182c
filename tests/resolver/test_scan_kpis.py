"""The figures of scans over HTTP: of the brand, the span and the product asked for; few queries."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from resolver.models import ScanDay, ScanHour, ScanProgress
from resolver.scan_counts import count_open_days, count_scans
from resolver.traffic import TrafficClass
from tests.factories import BrandWorld, make_product
from tests.planes import acting_as
from tests.resolver.scan_rows import day_ago, make_day, this_hour, write_scans
from tests.resolver.units import Minted, mint
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db(transaction=True)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
URL = "/api/v1/scan-kpis/"


def count(minted: Minted, hour: datetime, scans: int, **columns: Any) -> None:
    values = {"traffic": 1, "first_scans": 0, **columns}
    with acting_as("worker"), brand_scope(minted.batch.brand_id):
        ScanHour.objects.create(
            brand_id=minted.batch.brand_id, batch=minted.batch, hour=hour, scans=scans, **values
        )


def visit(minted: Minted, day: date, visitors: int, *, of_brand: int) -> None:
    batch = minted.batch
    with acting_as("worker"), brand_scope(batch.brand_id):
        for product, number in ((batch.product_id, visitors), (None, of_brand)):
            ScanDay.objects.create(
                brand_id=batch.brand_id, product_id=product, day=day, visitors=number
            )


def kpis(api: APIClient, **query: object) -> dict[str, Any]:
    response = api.get(URL, query)
    assert response.status_code == 200, response.content
    return response.json()["data"]


def faults(api: APIClient, **query: object) -> dict[str, str]:
    response = api.get(URL, query)
    assert response.status_code == 400, response.content
    return {fault["field"]: fault["code"] for fault in response.json()["error"]["fields"]}


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def test_before_the_first_count_everything_is_nothing(api: APIClient, nordhav: BrandWorld):
    figures = kpis(api)
    assert (figures["scans"], figures["first_scans"], figures["as_of"]) == (0, 0, None)
    assert set(figures["scans_by_class"].values()) == {0}
    assert figures["scans_by_class"].keys() == {known.name.lower() for known in TrafficClass}
    assert (figures["by_country"], figures["top_products"]) == ([], [])
    start, end = (datetime.fromisoformat(figures[name]) for name in ("from", "to"))
    # In the last hour of a day thirty days are whole days.
    days = (end - timedelta(microseconds=1)).date() - start.date() + timedelta(days=1)
    assert end - start == timedelta(days=30)
    assert [step["scans"] for step in figures["series"]] == [0] * days.days
    assert {day["visitors"] for day in figures["visitors"]} == {0}


def test_the_figures_are_those_of_the_last_thirty_days(api: APIClient, nordhav: BrandWorld):
    minted = mint(nordhav)
    count(minted, this_hour(), 5, country="DK", first_scans=2)
    count(minted, day_ago(3), 2, country="SE")
    count(minted, day_ago(3), 1)
    count(minted, day_ago(3), 9, traffic=3)
    count(minted, day_ago(40), 100)
    visit(minted, day_ago(3).date(), 2, of_brand=3)
    with acting_as("worker"):
        ScanProgress.objects.create(counted_until=this_hour(), as_of=this_hour())
    figures = kpis(api)
    assert (figures["scans"], figures["first_scans"]) == (8, 2)
    assert figures["scans_by_class"]["crawler"] == 9
    assert figures["by_country"] == [
        {"country": "DK", "scans": 5},
        {"country": "SE", "scans": 2},
        {"country": None, "scans": 1},
    ]
    steps = {step["at"]: (step["scans"], step["first_scans"]) for step in figures["series"]}
    assert steps[iso(day_ago(0))] == (5, 2)
    assert steps[iso(day_ago(3))] == (3, 0)
    assert sum(scans for scans, _ in steps.values()) == 8
    assert {"day": str(day_ago(3).date()), "visitors": 3} in figures["visitors"]
    assert figures["as_of"] == iso(this_hour())
    (product,) = figures["top_products"]
    assert (product["product_id"], product["scans"]) == (str(minted.batch.product_id), 8)
    assert product["sku"] == minted.batch.sku


def test_a_span_has_its_beginning_and_not_its_end(api: APIClient, nordhav: BrandWorld):
    minted = mint(nordhav)
    for hours in range(4):
        count(minted, day_ago(2) + hours * HOUR, 10**hours)
    day = day_ago(2)
    spans = [
        ({"from": iso(day + HOUR), "to": iso(day + 3 * HOUR)}, 110),
        ({"from": day.date(), "to": (day + DAY).date()}, 1111),
        ({"from": iso(day), "to": iso(day + HOUR + timedelta(minutes=1))}, 11),
    ]
    for span, scans in spans:
        assert kpis(api, **span)["scans"] == scans, span
    hourly = kpis(api, **spans[0][0], interval="hour")["series"]
    assert [(step["at"], step["scans"]) for step in hourly] == [
        (iso(day + HOUR), 10),
        (iso(day + 2 * HOUR), 100),
    ]


def test_figures_of_a_product_and_of_a_batch(api: APIClient, nordhav: BrandWorld):
    with acting_as("web"):
        product = make_product(nordhav)
    one, other, third = mint(nordhav, of=product), mint(nordhav, of=product), mint(nordhav)
    for minted, scans in ((one, 1), (other, 10), (third, 100)):
        count(minted, day_ago(1), scans)
    visit(one, day_ago(1).date(), 7, of_brand=9)
    of_product = kpis(api, product=product.id)
    assert of_product["scans"] == 11
    assert {day["visitors"] for day in of_product["visitors"]} == {0, 7}
    of_batch = kpis(api, batch=other.batch.id)
    assert (of_batch["scans"], of_batch["visitors"]) == (10, None)
    ranking = [entry["scans"] for entry in kpis(api)["top_products"]]
    assert ranking == [100, 11]


def test_ten_products_are_named_at_most(api: APIClient, nordhav: BrandWorld):
    for scans in range(1, 13):
        count(mint(nordhav), day_ago(1), scans)
    ranking = [entry["scans"] for entry in kpis(api)["top_products"]]
    assert ranking == list(range(12, 2, -1))


def test_another_brands_scans_are_not_among_them(
    api: APIClient, nordhav: BrandWorld, strangers: BrandWorld
):
    theirs = mint(strangers)
    count(theirs, day_ago(1), 5)
    visit(theirs, day_ago(1).date(), 5, of_brand=5)
    for query in ({}, {"product": theirs.batch.product_id}, {"batch": theirs.batch.id}):
        figures = kpis(api, **query)
        assert (figures["scans"], figures["by_country"], figures["top_products"]) == (0, [], [])
        assert all(day["visitors"] == 0 for day in figures["visitors"] or [])


def test_what_cannot_be_asked_is_refused_by_name(api: APIClient, nordhav: BrandWorld):
    day = day_ago(2)
    assert faults(api, **{"from": "yesterday"}) == {"from": "INVALID"}
    assert faults(api, to="2026-13-01") == {"to": "INVALID"}
    assert faults(api, **{"from": "2026-02-03", "to": "2026-02-03"}) == {"from": "INVALID"}
    assert faults(api, **{"from": iso(day), "to": iso(day - HOUR)}) == {"from": "INVALID"}
    assert faults(api, **{"from": day_ago(402).date()}) == {"from": "OUT_OF_RANGE"}
    assert faults(api, **{"from": day_ago(40).date()}, interval="hour") == {
        "interval": "OUT_OF_RANGE"
    }
    assert faults(api, interval="week") == {"interval": "INVALID_CHOICE"}
    assert faults(api, product="x", batch="y") == {"product": "INVALID", "batch": "INVALID"}
    assert faults(api, form="2026-01-01") == {"form": "UNKNOWN_FIELD"}
    assert faults(api, to="9999-12-31T23:59:59-01:00") == {"to": "OVERFLOW"}


@pytest.mark.parametrize(
    "to", ["0001-01-01", "0001-01-01T00:00:00Z", "0001-01-30T23:00:00Z", "9999-12-31T23:30:00Z"]
)
def test_a_span_that_leaves_the_calendar_is_refused_by_name(api: APIClient, to: str):
    assert faults(api, to=to) == {"to": "OVERFLOW"}


@pytest.mark.parametrize("interval", ["hour", "day"])
@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("0001-01-01", "0001-01-02", 1),
        ("9999-12-30", "9999-12-31", 1),
        ("9999-12-30", "9999-12-31T23:00:00Z", 2),
    ],
)
def test_the_first_and_the_last_days_of_the_calendar_are_told(
    api: APIClient, start: str, end: str, days: int, interval: str
):
    figures = kpis(api, **{"from": start, "to": end, "interval": interval})
    assert len(figures["visitors"]) == days
    assert figures["scans"] == 0


def test_the_longest_span_is_answered_with_as_many_queries_as_the_shortest(
    api: APIClient, nordhav: BrandWorld
):
    minted = mint(nordhav)
    # The first request of a credential also says when it was used.
    kpis(api)
    costs = []
    for days in (1, 399):
        for scans in range(1, 4):
            count(minted, day_ago(days) + scans * HOUR, scans)
        with CaptureQueriesContext(connection) as queries:
            assert kpis(api, **{"from": day_ago(days).date()})["scans"]
        costs.append(len(queries))
    assert costs[0] == costs[1]


@pytest.mark.parametrize("interval", ["day", "hour"])
def test_first_scans_are_as_many_in_the_series_as_in_all_whatever_was_judged_later(
    api: APIClient, nordhav: BrandWorld, interval: str
):
    minted = mint(nordhav)
    count(minted, day_ago(1), 3, first_scans=1)
    count(minted, day_ago(1), 5, first_scans=2, traffic=TrafficClass.CRAWLER)
    count(minted, day_ago(2), 7, traffic=TrafficClass.CRAWLER)
    figures = kpis(api, interval=interval, **{"from": day_ago(2).date()})
    assert (figures["scans"], figures["first_scans"]) == (3, 3)
    for name in ("scans", "first_scans"):
        assert sum(step[name] for step in figures["series"]) == figures[name]


def test_names_of_products_are_read_of_those_that_are_told_and_not_summed_over(
    api: APIClient, nordhav: BrandWorld
):
    count(mint(nordhav, name="Mug"), day_ago(1), 2)
    with CaptureQueriesContext(connection) as queries:
        (told,) = kpis(api)["top_products"]
    assert (told["name"], told["scans"]) == ("Mug", 2)
    summed = [query["sql"] for query in queries if "GROUP BY" in query["sql"]]
    assert summed
    assert not [sql for sql in summed if '"name"' in sql]


def test_the_figures_of_minting_name_peoples_scans_of_all_time(api: APIClient, nordhav: BrandWorld):
    def scanned() -> int:
        return api.get("/api/v1/mint-kpis/").json()["data"]["scanned"]

    assert scanned() == 0
    minted = mint(nordhav)
    for days in (2, 0):
        make_day(day_ago(days))
        write_scans(
            *(
                {"brand_id": nordhav.brand.id, "batch_id": minted.batch.id, "traffic": traffic}
                | {"scanned_at": day_ago(days)}
                for traffic in (1, 1, 3)
            )
        )
    with acting_as("worker"):
        count_scans()
    assert scanned() == 4
    with acting_as("worker"):
        count_open_days()
    assert scanned() == 4
