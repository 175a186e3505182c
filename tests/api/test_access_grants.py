"""Grants of access by API: issued for a time, shown once, listed, revoked, audited."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from resolver.models import AccessGrant
from tests.factories import BrandWorld, make_product
from tieback.brands.credentials import digest_of
from tieback.brands.models import AuditEntry
from tieback.brands.roles import Scope
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db
URL = "/api/v1/access-grants/"


@pytest.fixture
def manager(nordhav: BrandWorld, client_of) -> APIClient:
    return client_of(nordhav, (Scope.GRANTS_MANAGE,))


def wanted(**values: Any) -> dict[str, Any]:
    return {
        "access": "legitimate_interest",
        "holder": "Recycler GmbH",
        "expires_at": (timezone.now() + timedelta(days=90)).isoformat(),
        **values,
    }


def test_a_grant_is_issued_with_a_secret_that_is_kept_as_a_hash(nordhav, manager):
    answer = manager.post(URL, wanted())
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert data["secret"].startswith("ag_live_")
    assert (data["state"], data["product_id"], data["mint_batch_id"]) == ("active", None, None)
    with brand_scope(nordhav.brand.id):
        grant = AccessGrant.objects.get(id=data["id"])
        entry = AuditEntry.objects.get(action="access_grant.issued")
    assert bytes(grant.secret_sha256) == digest_of(data["secret"])
    assert data["secret"] not in str(entry.after)
    assert entry.after["holder"] == "Recycler GmbH"
    assert "secret" not in manager.get(f"{URL}{data['id']}/").json()["data"]
    assert "secret" not in manager.get(URL).json()["data"][0]


def test_a_grant_is_for_a_product_or_a_batch_of_the_brand(nordhav, strangers, manager):
    own, theirs = make_product(nordhav), make_product(strangers)
    issued = manager.post(URL, wanted(product_id=str(own.id))).json()["data"]
    assert issued["product_id"] == str(own.id)
    for field in ("product_id", "mint_batch_id"):
        refused = manager.post(URL, wanted(**{field: str(theirs.id)}))
        assert refused.status_code == 400
        assert [fault["field"] for fault in refused.json()["error"]["fields"]] == [field]
    both = wanted(product_id=str(own.id), mint_batch_id=str(own.id))
    assert manager.post(URL, both).status_code == 400


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("access", "public"),
        ("access", "everything"),
        ("holder", ""),
        ("holder", "x" * 201),
        ("expires_at", "yesterday"),
        ("expires_at", "2020-01-01T00:00:00Z"),
        ("expires_at", "2999-01-01T00:00:00Z"),
        ("product_id", "7"),
        ("scope", "all"),
    ],
)
def test_a_wrong_value_is_refused_beside_its_field(manager, field, value):
    refused = manager.post(URL, wanted(**{field: value}))
    assert refused.status_code == 400
    assert [fault["field"] for fault in refused.json()["error"]["fields"]] == [field]


def test_the_database_holds_a_grant_to_a_year_and_to_one_scope(nordhav):
    product = make_product(nordhav)
    with brand_scope(nordhav.brand.id):
        for wrong in (
            {"expires_at": timezone.now() + timedelta(days=367)},
            {"expires_at": timezone.now() - timedelta(days=1)},
            {"access": "public"},
        ):
            values = {
                "access": "authorities",
                "expires_at": timezone.now() + timedelta(days=1),
                "product": product,
                **wrong,
            }
            with pytest.raises(IntegrityError), transaction.atomic():
                AccessGrant.objects.create(
                    brand=nordhav.brand, holder="x", secret_sha256=bytes(32), **values
                )


def test_revoking_ends_a_grant_once(nordhav, manager):
    grant_id = manager.post(URL, wanted()).json()["data"]["id"]
    first = manager.post(f"{URL}{grant_id}/revoke/", {}).json()["data"]
    again = manager.post(f"{URL}{grant_id}/revoke/", {}).json()["data"]
    assert first["state"] == "revoked"
    assert again["revoked_at"] == first["revoked_at"]
    with brand_scope(nordhav.brand.id):
        assert AuditEntry.objects.filter(action="access_grant.revoked").count() == 1


def test_the_list_is_narrowed_by_state_and_class(manager):
    kept = manager.post(URL, wanted(access="authorities")).json()["data"]["id"]
    ended = manager.post(URL, wanted()).json()["data"]["id"]
    manager.post(f"{URL}{ended}/revoke/", {})
    for query, found in (
        ("state=active", [kept]),
        ("state=revoked", [ended]),
        ("state=expired", []),
        ("access=authorities", [kept]),
        ("", [ended, kept]),
    ):
        assert [row["id"] for row in manager.get(f"{URL}?{query}").json()["data"]] == found


def test_minting_alone_gives_no_right_to_grant(api):
    assert api.post(URL, wanted()).status_code == 403
