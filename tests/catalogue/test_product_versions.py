"""A passport's versions: each with who and when, and what differs between any two."""

import pytest
from rest_framework.test import APIClient

from tests.catalogue.calls import (
    PRODUCTS,
    csv_text,
    data,
    faults,
    product_body,
    stored,
    upload,
)
from tests.factories import BrandWorld, make_product, nobody

pytestmark = pytest.mark.django_db


def versions_of(api: APIClient, product_id: object, **query: object) -> list[dict]:
    return data(api.get(f"{PRODUCTS}{product_id}/versions/", query))


def compare(api: APIClient, product_id: object, **query: object):
    return api.get(f"{PRODUCTS}{product_id}/versions/diff/", query)


@pytest.fixture
def changed(api: APIClient) -> str:
    """A product with three versions of its passport."""
    dpp = {"manufacturer_name": "Nordhav ApS", "country_of_origin": "DK"}
    id_ = str(data(api.post(PRODUCTS, product_body(dpp=dpp)), 201)["id"])
    url = f"{PRODUCTS}{id_}/"
    data(api.patch(url, {"dpp": {**dpp, "manufacturer_name": "Nordhav A/S"}}))
    data(api.patch(url, {"dpp": {"manufacturer_name": "Nordhav A/S", "end_of_life": "Return."}}))
    data(api.patch(url, {"name": "Renamed"}))
    return id_


def test_every_change_of_the_passport_is_a_version_with_who_and_when(api: APIClient, changed: str):
    rows = versions_of(api, changed)
    assert [row["number"] for row in rows] == [3, 2, 1]
    assert {row["category"] for row in rows} == {"generic"}
    assert all(row["actor"].startswith("credential:mk_live_") for row in rows)
    assert [row["created_at"] for row in rows] == sorted(
        (row["created_at"] for row in rows), reverse=True
    )
    assert all("dpp" not in row for row in rows)


def test_a_file_tells_who_sent_it_too(api: APIClient, nordhav: BrandWorld):
    header = ("sku", "name", "category", "dpp.manufacturer_name")
    for name in ("Nordhav ApS", "Nordhav A/S"):
        upload(api, csv_text(header, ["S-1", "Tee", "generic", name]))
    rows = versions_of(api, stored(nordhav, "S-1").id)
    assert [row["number"] for row in rows] == [2, 1]
    assert all(row["actor"].startswith("credential:mk_live_") for row in rows)


def test_versions_are_paged_in_either_order(api: APIClient, changed: str):
    first = api.get(f"{PRODUCTS}{changed}/versions/", {"page_size": 2, "ordering": "number"}).json()
    assert [row["number"] for row in first["data"]] == [1, 2]
    rest = versions_of(
        api, changed, page_size=2, ordering="number", cursor=first["meta"]["next_cursor"]
    )
    assert [row["number"] for row in rest] == [3]


def test_a_cursor_of_another_products_versions_is_refused(
    api: APIClient, nordhav: BrandWorld, changed: str
):
    first = api.get(f"{PRODUCTS}{changed}/versions/", {"page_size": 1}).json()
    other = make_product(nordhav)
    query = {"page_size": 1, "cursor": first["meta"]["next_cursor"]}
    refused = api.get(f"{PRODUCTS}{other.id}/versions/", query)
    assert refused.status_code == 400
    assert faults(refused) == {("cursor", "OTHER_QUERY")}


def test_one_version_shows_the_passport_as_it_stood(api: APIClient, changed: str):
    first = data(api.get(f"{PRODUCTS}{changed}/versions/1/"))
    assert first["dpp"] == {"manufacturer_name": "Nordhav ApS", "country_of_origin": "DK"}
    for number in (0, 4, 2**31, 10**30):
        assert api.get(f"{PRODUCTS}{changed}/versions/{number}/").status_code == 404


def test_two_versions_are_compared_field_by_field(api: APIClient, changed: str):
    report = data(compare(api, changed, **{"from": 1, "to": 3}))
    assert (report["from_version"]["number"], report["to_version"]["number"]) == (1, 3)
    assert (report["added"], report["removed"], report["changed"]) == (1, 1, 1)
    assert report["category_changed"] is False
    assert [(d["path"], d["change"], d["before"], d["after"]) for d in report["differences"]] == [
        ("/country_of_origin", "removed", "DK", None),
        ("/end_of_life", "added", None, "Return."),
        ("/manufacturer_name", "changed", "Nordhav ApS", "Nordhav A/S"),
    ]
    assert [d["label"] for d in report["differences"]] == [
        "Country of origin",
        "End of life",
        "Manufacturer",
    ]


def test_a_comparison_may_go_backwards_or_find_nothing(api: APIClient, changed: str):
    back = data(compare(api, changed, **{"from": 3, "to": 1}))
    assert (back["added"], back["removed"], back["changed"]) == (1, 1, 1)
    assert data(compare(api, changed, **{"from": 2, "to": 2}))["differences"] == []


def test_versions_that_are_not_there_are_named(api: APIClient, changed: str):
    refused = compare(api, changed, **{"from": 7, "to": 3})
    assert refused.status_code == 400
    assert faults(refused) == {("from", "NOT_FOUND")}
    assert faults(compare(api, changed)) == {("from", "REQUIRED"), ("to", "REQUIRED")}
    assert faults(compare(api, changed, **{"from": 0, "to": "x"})) == {
        ("from", "MIN_VALUE"),
        ("to", "INVALID"),
    }


def test_another_brands_product_has_no_past_here(api: APIClient, strangers: BrandWorld):
    for id_ in (make_product(strangers).id, nobody()):
        for part in ("versions/", "versions/1/", "versions/diff/?from=1&to=1", "identifiers/"):
            assert api.get(f"{PRODUCTS}{id_}/{part}").status_code == 404
