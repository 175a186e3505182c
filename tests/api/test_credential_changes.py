"""Credentials that change: rotated with an overlap, narrowed, renewed, never beyond their maker."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tests.api.people import acting, acts, at_once, outcome
from tests.factories import BrandWorld
from tieback.brands.credentials import IssuedCredential, issue_credential
from tieback.brands.models import ApiCredential
from tieback.brands.roles import DEFAULT_SCOPES, Role, Scope
from tieback.brands.scoping import brand_scope

URL = "/api/v1/api-credentials/"
# The database's clock stands still in a test's transaction.
HOUR = timedelta(hours=1)
MANAGE = Scope.CREDENTIALS_MANAGE.value

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(nordhav: BrandWorld) -> APIClient:
    return acting(nordhav, Role.OWNER)


@pytest.fixture
def issued(nordhav: BrandWorld) -> IssuedCredential:
    return issue(nordhav, "press line 4", "mints:read")


def issue(world: BrandWorld, name: str, *scopes: str, **fields: object) -> IssuedCredential:
    with brand_scope(world.brand.id):
        return issue_credential(brand_id=world.brand.id, name=name, scopes=scopes, **fields)


def machine(issued: IssuedCredential) -> APIClient:
    client = APIClient(headers={"X-Api-Key": issued.header})
    client.default_format = "json"
    return client


def works(identifier: str, secret: str) -> bool:
    client = APIClient(headers={"X-Api-Key": f"{identifier}.{secret}"})
    return client.get("/api/v1/mint-jobs/").status_code == 200


def rotate(client: APIClient, identifier: str, **body: object):
    return client.post(f"{URL}{identifier}/rotate/", body)


def change(world: BrandWorld, identifier: str, **fields: object) -> None:
    with brand_scope(world.brand.id):
        ApiCredential.objects.filter(id=identifier).update(**fields)


# Rotation --------------------------------------------------------------------------------------


def test_a_new_secret_works_at_once_and_the_old_one_until_the_overlap_ends(owner, issued, nordhav):
    response = rotate(owner, issued.id, overlap_seconds=600)
    new = response.json()["data"]
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert works(issued.id, new["secret"])
    assert works(issued.id, issued.secret)
    ends = datetime.fromisoformat(new["previous_secret_expires_at"])
    assert abs(ends - timezone.now() - timedelta(seconds=600)) < timedelta(seconds=30)
    change(nordhav, issued.id, previous_expires_at=timezone.now() - HOUR)
    assert works(issued.id, new["secret"])
    assert not works(issued.id, issued.secret)


def test_the_overlap_is_a_day_unless_told_otherwise(owner, issued):
    new = rotate(owner, issued.id).json()["data"]
    ends = datetime.fromisoformat(new["previous_secret_expires_at"])
    assert abs(ends - timezone.now() - timedelta(days=1)) < timedelta(minutes=1)


def test_without_an_overlap_every_earlier_secret_ends_at_once(owner, issued):
    second = rotate(owner, issued.id).json()["data"]["secret"]
    third = rotate(owner, issued.id, overlap_seconds=0).json()["data"]
    assert third["previous_secret_expires_at"] is None
    assert works(issued.id, third["secret"])
    assert not works(issued.id, second)
    assert not works(issued.id, issued.secret)


def test_two_secrets_work_at_most_and_a_repeated_rotation_ends_neither(owner, issued, nordhav):
    second = rotate(owner, issued.id).json()["data"]["secret"]
    assert outcome(rotate(owner, issued.id)) == (409, "ROTATION_UNDER_WAY")
    assert works(issued.id, issued.secret)
    assert works(issued.id, second)
    change(nordhav, issued.id, previous_expires_at=timezone.now() - HOUR)
    third = rotate(owner, issued.id).json()["data"]["secret"]
    assert [works(issued.id, secret) for secret in (issued.secret, second, third)] == [
        False, True, True,
    ]  # fmt: skip


def test_revoking_ends_both_secrets(owner, issued):
    second = rotate(owner, issued.id).json()["data"]["secret"]
    assert owner.post(f"{URL}{issued.id}/revoke/").status_code == 200
    assert not works(issued.id, issued.secret)
    assert not works(issued.id, second)


def test_the_end_of_a_credential_is_the_end_of_its_old_secret_too(owner, issued, nordhav):
    rotate(owner, issued.id)
    change(nordhav, issued.id, expires_at=timezone.now() - HOUR)
    assert not works(issued.id, issued.secret)


def test_an_ended_credential_is_neither_rotated_nor_changed(owner, nordhav, issued):
    expired = issue(nordhav, "expired", "mints:read", expires_at=timezone.now() - HOUR)
    owner.post(f"{URL}{issued.id}/revoke/")
    for identifier in (issued.id, expired.id):
        assert outcome(rotate(owner, identifier)) == (409, "CREDENTIAL_ENDED")
        patched = owner.patch(f"{URL}{identifier}/", {"name": "new"})
        assert outcome(patched) == (409, "CREDENTIAL_ENDED")


@pytest.mark.parametrize("seconds", [-1, 30 * 86_400 + 1, "600", True, 1.5, None])
def test_a_malformed_overlap_is_refused(owner, issued, seconds):
    assert outcome(rotate(owner, issued.id, overlap_seconds=seconds)) == (400, "VALIDATION_ERROR")


def test_a_rotation_is_told_without_its_secret(owner, issued, nordhav):
    secret = rotate(owner, issued.id).json()["data"]["secret"]
    (entry,) = acts(nordhav)
    assert (entry.action, entry.target_id) == ("credential.rotated", issued.id)
    assert set(entry.after) == {"previous_secret_expires_at"}
    assert secret not in str(entry.after) + owner.get(URL).content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_rotations_at_once_one_takes_place(nordhav, issued):
    done = at_once([lambda: rotate(acting(nordhav, Role.OWNER), issued.id)] * 4)
    assert sorted(done) == [200, 409, 409, 409]
    assert works(issued.id, issued.secret)


# Changes ---------------------------------------------------------------------------------------


def test_name_scopes_and_time_change_and_are_told(owner, issued, nordhav):
    ends = timezone.now() + timedelta(days=1)
    body = {"name": "press line 5", "scopes": ["packs:read", "mints:read"], "expires_at": ends}
    shown = owner.patch(f"{URL}{issued.id}/", body).json()["data"]
    assert (shown["name"], shown["scopes"]) == ("press line 5", ["mints:read", "packs:read"])
    (entry,) = acts(nordhav)
    assert entry.action == "credential.changed"
    assert entry.before == {"name": "press line 4", "scopes": ["mints:read"], "expires_at": None}
    assert entry.after == {
        "name": "press line 5",
        "scopes": ["mints:read", "packs:read"],
        "expires_at": ends.isoformat(),
    }
    assert works(issued.id, issued.secret)


def test_a_change_to_the_same_changes_nothing(owner, issued, nordhav):
    same = {"name": "press line 4", "scopes": ["mints:read", "mints:read"], "expires_at": None}
    for body in ({}, same):
        assert owner.patch(f"{URL}{issued.id}/", body).status_code == 200
    assert acts(nordhav) == []


def test_a_narrowed_credential_can_do_less_at_once(owner, nordhav):
    issued = issue(nordhav, "wide", "mints:read", "packs:read")
    assert works(issued.id, issued.secret)
    owner.patch(f"{URL}{issued.id}/", {"scopes": ["packs:read"]})
    assert not works(issued.id, issued.secret)


def test_a_taken_name_a_passed_time_and_no_scopes_are_refused(owner, issued, nordhav):
    issue(nordhav, "taken", "mints:read")
    for body, field in (
        ({"name": "Taken"}, "name"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"scopes": []}, "scopes"),
        ({"secret": "chosen"}, "secret"),
    ):
        response = owner.patch(f"{URL}{issued.id}/", body)
        assert outcome(response) == (400, "VALIDATION_ERROR")
        assert field in [fault["field"] for fault in response.json()["error"]["fields"]]
    assert acts(nordhav) == []


def test_one_credential_is_read_alone_and_never_another_brands(owner, issued, strangers):
    assert owner.get(f"{URL}{issued.id}/").json()["data"]["state"] == "active"
    foreign = issue(strangers, "theirs", "mints:read")
    for response in (
        owner.get(f"{URL}{foreign.id}/"),
        owner.patch(f"{URL}{foreign.id}/", {"name": "ours"}),
        rotate(owner, foreign.id),
    ):
        assert outcome(response) == (404, "NOT_FOUND")


def test_a_list_is_narrowed_by_state_and_name_and_ordered(owner, nordhav, issued):
    expired = issue(nordhav, "a first", "mints:read", expires_at=timezone.now() - HOUR)
    revoked = issue(nordhav, "z last", "mints:read")
    owner.post(f"{URL}{revoked.id}/revoke/")
    for state, one in (("active", issued), ("expired", expired), ("revoked", revoked)):
        (row,) = owner.get(f"{URL}?state={state}").json()["data"]
        assert (row["id"], row["state"]) == (one.id, state)
    names = [row["name"] for row in owner.get(f"{URL}?ordering=name").json()["data"]]
    assert names == ["a first", "press line 4", "z last"]
    (row,) = owner.get(f"{URL}?name=Z LAST").json()["data"]
    assert row["id"] == revoked.id


# Nobody hands on more than they have -----------------------------------------------------------


def test_a_credential_neither_widens_nor_rotates_a_stronger_one(nordhav):
    strong = issue(nordhav, "strong", "mints:read", "mints:write")
    weak = machine(issue(nordhav, "weak", MANAGE, "mints:read"))
    assert outcome(rotate(weak, strong.id)) == (403, "FORBIDDEN")
    assert "mints:write" in rotate(weak, strong.id).json()["error"]["message"]
    renamed = weak.patch(f"{URL}{strong.id}/", {"name": "mine"})
    assert outcome(renamed) == (403, "FORBIDDEN")
    narrowed = weak.patch(f"{URL}{strong.id}/", {"scopes": ["mints:read"]})
    assert narrowed.status_code == 200
    widened = weak.patch(f"{URL}{strong.id}/", {"scopes": ["mints:read", "mints:write"]})
    assert outcome(widened) == (403, "FORBIDDEN")
    assert weak.post(f"{URL}{strong.id}/revoke/").status_code == 200, "ending is always allowed"


def test_a_credential_makes_none_that_outlives_it_and_does_not_renew_itself(nordhav):
    ends = timezone.now() + timedelta(hours=1)
    mortal = issue(nordhav, "mortal", MANAGE, "mints:read", expires_at=ends)
    client = machine(mortal)
    later = (ends + timedelta(seconds=1)).isoformat()
    for expires_at in ({}, {"expires_at": None}, {"expires_at": later}):
        body = {"name": "heir", "scopes": ["mints:read"], **expires_at}
        assert outcome(client.post(URL, body)) == (403, "FORBIDDEN")
        if expires_at:
            renewed = client.patch(f"{URL}{mortal.id}/", expires_at)
            assert outcome(renewed) == (403, "FORBIDDEN")
    body = {"name": "heir", "scopes": ["mints:read"], "expires_at": ends.isoformat()}
    assert client.post(URL, body).status_code == 201


def test_a_credential_may_rotate_itself(nordhav):
    issued = issue(nordhav, "self", MANAGE, "mints:read")
    secret = rotate(machine(issued), issued.id).json()["data"]["secret"]
    assert works(issued.id, secret)


def test_a_scope_that_this_version_does_not_know_is_handed_on_by_nobody(owner, nordhav):
    issued = issue(nordhav, "old", "mints:read", "webhooks:manage")
    assert outcome(rotate(owner, issued.id)) == (403, "FORBIDDEN")


def test_what_a_credential_gets_by_default_makes_no_keys_and_knows_no_people():
    assert {*DEFAULT_SCOPES}.isdisjoint(
        {MANAGE, Scope.MEMBERS_MANAGE, Scope.MEMBERS_READ, Scope.AUDIT_READ}
    )
