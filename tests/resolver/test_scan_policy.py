"""What a brand keeps of its scans: chosen by its managers, told in the trail."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from rest_framework.test import APIClient

from resolver.policies import change_policy
from tests.catalogue.test_catalogue_races import wait_for_lock_waiters
from tests.factories import BrandWorld
from tieback.brands.audit import ActsFor
from tieback.brands.models import AuditEntry
from tieback.brands.roles import DEFAULT_SCOPES, Scope
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db

URL = "/api/v1/scan-policy/"
SHORT = {"retention_days": 30, "aggregate_only": ["textile"]}


@pytest.fixture
def manager(nordhav: BrandWorld, client_of) -> APIClient:
    return client_of(nordhav, (*DEFAULT_SCOPES, Scope.SCANS_MANAGE.value))


def trail(world: BrandWorld) -> list[AuditEntry]:
    with brand_scope(world.brand.id):
        return list(AuditEntry.objects.filter(action="scan_policy.updated").order_by("id"))


def test_a_brand_that_has_chosen_nothing_keeps_what_is_usual(api: APIClient):
    assert api.get(URL).json()["data"] == {"retention_days": 90, "aggregate_only": []}


def test_a_choice_is_kept_and_told_in_the_trail(manager: APIClient, nordhav: BrandWorld):
    assert manager.put(URL, SHORT).json()["data"] == SHORT
    assert manager.get(URL).json()["data"] == SHORT
    manager.put(URL, SHORT | {"retention_days": 31})
    first, second = trail(nordhav)
    assert (first.before, first.after) == ({"retention_days": 90, "aggregate_only": []}, SHORT)
    assert (second.before, second.after["retention_days"]) == (SHORT, 31)
    assert first.target_id == str(nordhav.brand.id)


def test_a_choice_that_changes_nothing_is_not_told(manager: APIClient, nordhav: BrandWorld):
    manager.put(URL, {"retention_days": 90, "aggregate_only": []})
    manager.put(URL, SHORT)
    manager.put(URL, SHORT | {"aggregate_only": ["textile", "textile"]})
    assert len(trail(nordhav)) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_choices_at_once_the_trail_tells_one_after_the_other(nordhav: BrandWorld):
    def choose(days: int) -> None:
        author = ActsFor(nordhav.brand.id, "user:1")
        change_policy(author, retention_days=days, aggregate_only=[])

    def choose_later() -> None:
        try:
            with brand_scope(nordhav.brand.id):
                choose(31)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with brand_scope(nordhav.brand.id):
            choose(30)
            later = pool.submit(choose_later)
            wait_for_lock_waiters(1)
        later.result(30)
    days = "retention_days"
    told = [(entry.before[days], entry.after[days]) for entry in trail(nordhav)]
    assert told == [(90, 30), (30, 31)]


def test_a_key_for_minting_cannot_choose(api: APIClient):
    assert api.put(URL, SHORT).status_code == 403


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({**SHORT, "retention_days": 0}, ("retention_days", "MIN_VALUE")),
        ({**SHORT, "retention_days": 367}, ("retention_days", "MAX_VALUE")),
        ({**SHORT, "retention_days": "30"}, ("retention_days", "INVALID")),
        ({**SHORT, "aggregate_only": ["cars"]}, ("aggregate_only[0]", "INVALID_CHOICE")),
        ({**SHORT, "aggregate_only": "textile"}, ("aggregate_only", "NOT_A_LIST")),
        ({"retention_days": 30}, ("aggregate_only", "REQUIRED")),
        ({**SHORT, "keep": 1}, ("keep", "UNKNOWN_FIELD")),
    ],
)
def test_what_cannot_be_chosen_is_refused_by_name(
    manager: APIClient, nordhav: BrandWorld, body: dict[str, object], fault: tuple[str, str]
):
    answer = manager.put(URL, body)
    assert answer.status_code == 400
    told = [(each["field"], each["code"]) for each in answer.json()["error"]["fields"]]
    assert told == [fault]
    assert trail(nordhav) == []
