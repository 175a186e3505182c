"""API credentials: shown once, kept as a hash, limited by their maker, ended for good."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from tests.factories import BrandWorld
from tieback.api import tokens
from tieback.brands.models import ApiCredential, AuditEntry
from tieback.brands.roles import Role, Scope
from tieback.brands.scoping import brand_scope

URL = "/api/v1/api-credentials/"
ME = "/api/v1/me/"


@pytest.fixture
def owner(nordhav: BrandWorld) -> APIClient:
    """The brand's owner, with a token."""
    access = tokens.issue(nordhav.people[Role.OWNER])["access"]
    return APIClient(headers={"Authorization": f"Bearer {access}"})


def make(client: APIClient, **fields: object):
    body = {"name": "press line 4", "scopes": ["mints:read", "packs:read"], **fields}
    return client.post(URL, body, format="json")


def faults(response) -> list[tuple[str, str]]:
    return [(fault["field"], fault["code"]) for fault in response.json()["error"]["fields"]]


def audit(world: BrandWorld) -> list[tuple[str, str, str]]:
    with brand_scope(world.brand.id):
        rows = AuditEntry.objects.order_by("id")
        return list(rows.values_list("action", "target_id", "request_id"))


@pytest.mark.django_db
def test_a_secret_is_shown_once_and_opens_the_brand(owner, nordhav):
    response = make(owner)
    made = response.json()["data"]
    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    assert (made["name"], made["scopes"]) == ("press line 4", ["mints:read", "packs:read"])
    key = APIClient(headers={"X-Api-Key": f"{made['id']}.{made['secret']}"})
    assert key.get("/api/v1/mint-jobs/").status_code == 200
    assert made["secret"] not in owner.get(URL).content.decode()


@pytest.mark.django_db
def test_what_is_stored_is_the_hash_of_the_secret(owner, nordhav):
    made = make(owner).json()["data"]
    with brand_scope(nordhav.brand.id):
        row = ApiCredential.objects.get(id=made["id"])
        assert bytes(row.secret_sha256) == hashlib.sha256(made["secret"].encode()).digest()
        assert row.created_by_id == nordhav.people[Role.OWNER].pk
        stored = str(ApiCredential.objects.values().get(id=made["id"]))
        entries = str(list(AuditEntry.objects.values()))
    assert made["secret"] not in stored + entries


@pytest.mark.django_db
def test_two_secrets_have_nothing_in_common(owner):
    one, two = (make(owner, name=name).json()["data"]["secret"] for name in ("one", "two"))
    assert len(one) == len(two) >= 50
    assert sum(a == b for a, b in zip(one[8:], two[8:], strict=True)) < 12


@pytest.mark.django_db
def test_a_list_shows_what_each_may_do_and_how_it_stands(owner):
    ends = timezone.now() + timedelta(days=1)
    made = make(owner, expires_at=ends.isoformat()).json()["data"]
    (row,) = owner.get(URL).json()["data"]
    assert row["id"] == made["id"]
    assert row["expires_at"] is not None
    assert (row["last_used_at"], row["revoked_at"]) == (None, None)
    assert set(row) == {
        "id", "name", "state", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at",
        "previous_secret_expires_at",
    }  # fmt: skip


@pytest.mark.django_db
def test_revoking_ends_it_at_once_and_twice_changes_nothing(owner, nordhav):
    made = make(owner).json()["data"]
    key = APIClient(headers={"X-Api-Key": f"{made['id']}.{made['secret']}"})
    assert key.get(ME).status_code == 200
    first = owner.post(f"{URL}{made['id']}/revoke/", headers={"X-Request-Id": "first"})
    assert first.status_code == 200
    assert first.json()["data"]["revoked_at"] is not None
    assert key.get(ME).status_code == 401
    again = owner.post(f"{URL}{made['id']}/revoke/", headers={"X-Request-Id": "again"})
    assert again.json()["data"] == first.json()["data"]
    assert audit(nordhav)[1:] == [("credential.revoked", made["id"], "first")]


@pytest.mark.django_db
def test_making_one_is_audited_with_its_scopes_and_maker(owner, nordhav):
    made = make(owner).json()["data"]
    with brand_scope(nordhav.brand.id):
        entry = AuditEntry.objects.get()
    assert (entry.action, entry.target_type, entry.target_id) == (
        "credential.created",
        "api_credential",
        made["id"],
    )
    assert entry.actor == f"user:{nordhav.people[Role.OWNER].pk}"
    assert entry.after == {"name": "press line 4", "scopes": ["mints:read", "packs:read"]}


@pytest.mark.django_db
def test_a_refused_one_leaves_neither_row_nor_audit_entry(owner, nordhav):
    make(owner)
    assert faults(make(owner, name=" Press LINE 4 ")) == [("name", "TAKEN")]
    with brand_scope(nordhav.brand.id):
        assert ApiCredential.objects.count() == AuditEntry.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "mints:read"}, "scopes"),
        ({"scopes": ["mints:read", "everything"]}, "scopes[1]"),
        ({"scopes": ["mints:read"] * 21}, "scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": 5}, "expires_at"),
        ({"brand_id": "somebody's"}, "brand_id"),
        ({"id": "mk_live_chosen"}, "id"),
    ],
)
def test_a_malformed_one_is_refused_by_field(owner, fields, field):
    response = make(owner, **fields)
    assert response.status_code == 400
    assert field in [name for name, _ in faults(response)]


@pytest.mark.django_db
def test_a_credential_can_hand_on_only_scopes_it_has(client_of, nordhav):
    keys = client_of(nordhav, (Scope.CREDENTIALS_MANAGE.value, Scope.MINTS_READ.value))
    assert make(keys, scopes=["mints:read"]).status_code == 201
    response = make(keys, name="more", scopes=["mints:read", "mints:write"])
    assert (response.status_code, response.json()["error"]["code"]) == (403, "FORBIDDEN")


@pytest.mark.django_db
def test_a_credential_without_a_scope_is_told_which_it_needs(client_of, nordhav):
    response = client_of(nordhav, (Scope.MINTS_READ.value,)).get(URL)
    assert response.status_code == 403
    assert "credentials:manage" in response.json()["error"]["message"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "unknown", ["mk_live_nobody", "x", "mk_live_%00", "%27%20or%20true", "%2e"]
)
def test_an_unknown_credential_cannot_be_revoked(owner, unknown):
    assert owner.post(f"{URL}{unknown}/revoke/").status_code == 404


@pytest.mark.django_db
def test_revoking_takes_no_fields(owner):
    made = make(owner).json()["data"]
    response = owner.post(f"{URL}{made['id']}/revoke/", {"at": "midnight"}, format="json")
    assert faults(response) == [("at", "UNKNOWN_FIELD")]
    (row,) = owner.get(URL).json()["data"]
    assert row["revoked_at"] is None


@pytest.mark.django_db(transaction=True)
def test_of_many_who_choose_one_name_at_once_one_gets_it(nordhav):
    access = tokens.issue(nordhav.people[Role.OWNER])["access"]
    start = Barrier(6)

    def try_it(_: int) -> int:
        client = APIClient(headers={"Authorization": f"Bearer {access}"})
        start.wait()
        try:
            return make(client).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(try_it, range(6))) == [201, *[400] * 5]


@pytest.mark.django_db(transaction=True)
def test_many_who_revoke_at_once_revoke_once(nordhav):
    access = tokens.issue(nordhav.people[Role.OWNER])["access"]
    headers = {"Authorization": f"Bearer {access}"}
    made = make(APIClient(headers=headers)).json()["data"]
    start = Barrier(6)

    def try_it(_: int) -> int:
        start.wait()
        try:
            return APIClient(headers=headers).post(f"{URL}{made['id']}/revoke/").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(try_it, range(6))) == {200}
    assert [action for action, *_ in audit(nordhav)].count("credential.revoked") == 1


@pytest.mark.django_db(transaction=True)
def test_a_long_request_keeps_no_other_of_its_credential_waiting(nordhav, client_of):
    """The time of use is written in a transaction of its own, not in the request's."""
    client = client_of(nordhav)
    key = client._credentials["HTTP_X_API_KEY"].partition(".")[0]
    with brand_scope(nordhav.brand.id), connection.cursor() as cursor:
        cursor.execute("select 1 from brands_apicredential where id = %s for update", [key])

        def ask(_: int) -> int:
            try:
                return client.get("/api/v1/mint-jobs/").status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            (answer,) = pool.map(ask, range(1), timeout=5)
    assert answer == 200
