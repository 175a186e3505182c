"""Every list: pages that stay put while rows are added, cursors nobody can make up, few queries.

The lists come from the URLconf; all of them hold more than twenty rows of one moment.
"""

import json
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.platform.asks import path_of
from tests.platform.crowding import crowd
from tests.platform.description import query_parameters
from tests.platform.furnishing import Furnished, clear_everything, furnish
from tests.platform.routes import Route, brand_routes

pytestmark = pytest.mark.django_db

#: Their page stands inside of something else; tests/resolver/test_timelines.py reads it.
INSIDE = {"unit-timeline"}
LISTS = [
    route
    for route in brand_routes()
    if "cursor" in query_parameters(route) and route.name not in INSIDE
]
each_list = pytest.mark.parametrize("route", LISTS, ids=str)
MANY = 22
#: What tells a row of a list from its others.
NAMES = ("id", "uid", "token", "number")


@pytest.fixture(scope="module")
def crowded(django_db_setup: None, django_db_blocker) -> Iterator[Furnished]:
    """A brand with many of everything, committed."""
    with django_db_blocker.unblock():
        brand = furnish("quillon", units=MANY, packs=MANY)
        crowd(brand, MANY)
    yield brand
    with django_db_blocker.unblock():
        clear_everything()


def page(route: Route, brand: Furnished, **query: object) -> tuple[list[dict], dict]:
    """Return a page's rows and its meta."""
    response = ask(route, brand, **query)
    assert response.status_code == 200, response.content
    body = json.loads(response.content)
    return body["data"], body["meta"]


def ask(route: Route, brand: Furnished, **query: object):
    client = Client(headers={"X-Api-Key": brand.all_scopes.header})
    path, _, needed = path_of(route, brand).partition("?")
    given = "&".join(f"{name}={value}" for name, value in query.items())
    return client.get(f"{path}?{needed}&{given}")


def identities(rows: list[dict]) -> list[str]:
    return [str(next(row[name] for name in NAMES if name in row)) for row in rows]


def walk(route: Route, brand: Furnished, *, size: int, cursor: str | None = None) -> list[str]:
    """Return the rows of all pages from the cursor on."""
    found: list[str] = []
    while True:
        query = {"page_size": size} | ({"cursor": cursor} if cursor else {})
        rows, meta = page(route, brand, **query)
        found += identities(rows)
        assert len(rows) == size or not meta["has_more"]
        assert meta["has_more"] == (meta["next_cursor"] is not None)
        cursor = meta["next_cursor"]
        if cursor is None:
            return found


@each_list
def test_pages_together_are_the_list_each_row_once(route, crowded: Furnished):
    rows, meta = page(route, crowded, page_size=500)
    assert not meta["has_more"]
    whole = identities(rows)
    assert len(whole) == len(set(whole)) >= MANY
    assert walk(route, crowded, size=7) == whole
    assert walk(route, crowded, size=len(whole)) == whole


@each_list
def test_rows_added_meanwhile_neither_repeat_nor_hide_any(route, crowded: Furnished):
    before = walk(route, crowded, size=500)
    first, meta = page(route, crowded, page_size=7)
    crowd(crowded, 3)
    rest = walk(route, crowded, size=7, cursor=meta["next_cursor"])
    assert identities(first) + rest == before


@each_list
def test_the_newest_come_first_or_the_order_is_the_printed_one(route, crowded: Furnished):
    rows, _ = page(route, crowded, page_size=500)
    keys = ("ordinal", "number", "created_at", "valid_from", "last_at", "found_at")
    key = next(name for name in keys if name in rows[0])
    values = [row[key] for row in rows]
    printed = key == "ordinal" or route.name == "pack-list"
    assert values == sorted(values, reverse=not printed)


@each_list
def test_a_page_has_fifty_rows_at_most_if_nothing_is_said(route, crowded: Furnished):
    if route.name in {"mint-event-list", "product-list", "mint-job-list"}:
        crowd(crowded, 50)
        rows, meta = page(route, crowded)
        assert (len(rows), meta["has_more"]) == (50, True)


@each_list
def test_a_cursor_that_was_touched_is_refused(route, crowded: Furnished):
    _, meta = page(route, crowded, page_size=2)
    good = meta["next_cursor"]
    payload, _, signature = good.rpartition(".")
    elsewhere = next(other for other in LISTS if other.view is not route.view)
    _, others = page(elsewhere, crowded, page_size=2)
    for bad in (
        good[:-1],
        good[1:],
        payload,
        f"{payload}.",
        f".{signature}",
        f"{payload}.{signature[::-1]}",
        f"{payload[:4]}{'A' if payload[4] != 'A' else 'B'}{payload[5:]}.{signature}",
        others["next_cursor"],
        "W10",
        "null",
        "1",
        "x" * 500,
    ):
        response = ask(route, crowded, cursor=bad)
        assert response.status_code == 400, bad
        (fault,) = response.json()["error"]["fields"]
        assert (fault["field"], fault["code"]) == ("cursor", "INVALID")


@each_list
def test_a_list_costs_as_many_queries_for_twenty_rows_as_for_two(route, crowded: Furnished):
    page(route, crowded, page_size=1)
    costs = []
    for size in (2, 20):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            rows, _ = page(route, crowded, page_size=size)
        assert len(rows) == size
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 14


@each_list
def test_no_list_counts_its_rows(route, crowded: Furnished):
    with CaptureQueriesContext(connection) as queries:
        page(route, crowded, page_size=2)
    assert not [query["sql"] for query in queries if "count(" in query["sql"].lower()]


def test_the_figures_come_from_counters_and_never_from_units(crowded: Furnished):
    client = Client(headers={"X-Api-Key": crowded.all_scopes.header})
    with CaptureQueriesContext(connection) as queries:
        figures = client.get("/api/v1/mint-kpis/").json()["data"]
    assert figures["minted"] == MANY + MANY * 3
    assert not [query["sql"] for query in queries if "mintunit" in query["sql"].lower()]
