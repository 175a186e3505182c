"""A unit's timeline over HTTP: its life, and its scans by the page; nothing of other brands."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from minting.states import UnitStatus
from resolver import recording
from resolver.agent_texts import reduced
from tests.factories import BrandWorld
from tests.planes import acting_as
from tests.resolver.scan_rows import this_hour, units_of, write_scans
from tests.resolver.scanning import IPHONE, scan
from tests.resolver.units import WHEN, Minted, mint

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)


def url(minted: Minted) -> str:
    return f"/api/v1/mint-units/{minted.tokens[0]}/timeline/"


def timeline(api: APIClient, minted: Minted, **query: object) -> tuple[dict[str, Any], Any]:
    response = api.get(url(minted), query)
    assert response.status_code == 200, response.content
    return response.json()["data"], response.json()["meta"]


def scans(minted: Minted, count: int, **columns: Any) -> list[dict[str, Any]]:
    (unit, *_) = units_of(minted)
    known = {"brand_id": unit.brand_id, "batch_id": unit.batch_id, "unit_id": unit.id, **columns}
    return [{**known, "scanned_at": this_hour() + n * MINUTE} for n in range(count)]


def test_a_scan_that_was_made_is_told_as_it_was(
    api: APIClient, nordhav: BrandWorld, connections, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recording, "_told", set())
    minted = mint(nordhav)
    with acting_as("resolver"):
        assert scan(minted.path(), host=minted.host).status == 307
        assert scan(minted.path(), host=minted.host, user_agent="curl/8.9").status == 307
    told, meta = timeline(api, minted)
    assert (told["token"], told["status"]) == (minted.tokens[0], "active")
    assert told["mint_batch_id"] == str(minted.batch.id)
    assert told["minted_at"] < told["activated_at"]
    assert told["revoked_at"] is told["revocation_reason"] is None
    machine, first = told["scans"]
    assert (first["traffic"], first["is_first"], first["status"]) == ("person", True, "minted")
    assert (first["network"], first["country"]) == ("203.0.113.0/24", None)
    assert first["agent"] == reduced(IPHONE).text
    assert first["scanned_at"] == told["activated_at"]
    assert (machine["traffic"], machine["is_first"], machine["status"]) == (
        "machine",
        False,
        "active",
    )
    assert machine["agent"] == "curl/8.9"
    assert not meta["has_more"]


def test_a_revoked_unit_says_when_and_a_lonely_one_has_no_scans(
    api: APIClient, nordhav: BrandWorld
):
    told, _ = timeline(api, mint(nordhav, status=UnitStatus.REVOKED))
    assert told["status"] == "revoked"
    assert told["revoked_at"] == WHEN.isoformat().replace("+00:00", "Z")
    assert told["scans"] == []


def test_pages_together_are_all_scans_newest_first_or_the_other_way(
    api: APIClient, nordhav: BrandWorld
):
    minted, other = mint(nordhav), mint(nordhav)
    same_moment = scans(minted, 1) * 5
    write_scans(*same_moment, *scans(minted, 5), *scans(other, 3))
    whole = [one["id"] for one in timeline(api, minted)[0]["scans"]]
    assert len(set(whole)) == 10
    for ordering, expected in (("-scanned_at", whole), ("scanned_at", whole[::-1])):
        found: list[int] = []
        query: dict[str, object] = {"page_size": 3, "ordering": ordering}
        while True:
            told, meta = timeline(api, minted, **query)
            found += [one["id"] for one in told["scans"]]
            if not meta["has_more"]:
                break
            query["cursor"] = meta["next_cursor"]
        assert found == expected


def test_a_cursor_of_another_unit_is_refused(api: APIClient, nordhav: BrandWorld):
    minted, other = mint(nordhav), mint(nordhav)
    write_scans(*scans(minted, 3))
    _, meta = timeline(api, minted, page_size=1)
    answer = api.get(url(other), {"cursor": meta["next_cursor"]})
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"][0]["field"] == "cursor"


def test_a_unit_of_another_brand_or_of_none_is_not_found(
    api: APIClient, nordhav: BrandWorld, strangers: BrandWorld
):
    theirs = mint(strangers)
    write_scans(*scans(theirs, 1))
    for path in (url(theirs), "/api/v1/mint-units/NEVER/timeline/"):
        assert api.get(path).status_code == 404


def test_many_scans_cost_as_many_queries_as_few(api: APIClient, nordhav: BrandWorld):
    minted = mint(nordhav)
    write_scans(*(row | {"agent_id": n} for n, row in enumerate(scans(minted, 30))))
    # The first request of a credential also says when it was used.
    timeline(api, minted)
    costs = []
    for size in (2, 30):
        with CaptureQueriesContext(connection) as queries:
            assert len(timeline(api, minted, page_size=size)[0]["scans"]) == size
        costs.append(len(queries))
    assert costs[0] == costs[1]
