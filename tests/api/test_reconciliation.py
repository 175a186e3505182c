"""Reconciliation over HTTP: a brand asks for runs, and sees its own and what was found of it."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from minting.models import ReconciliationRun
from tests.factories import BrandWorld
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db

BASE = "/api/v1/reconciliation"


@pytest.mark.parametrize("slash", ["/", ""])
def test_a_run_is_asked_for_once_at_a_time_and_its_report_is_read(
    api: APIClient, nordhav: BrandWorld, slash: str
) -> None:
    first = api.post(f"{BASE}/run{slash}", {"scope": "documents", "read_only": True})
    assert first.status_code == 202
    report = first.json()["data"]
    assert (report["report_type"], report["scope"], report["read_only"], report["status"]) == (
        "full",
        "documents",
        True,
        "pending",
    )
    second = api.post(f"{BASE}/run{slash}", {})
    assert (second.status_code, second.json()["error"]["code"]) == (
        409,
        "RECONCILIATION_UNDER_WAY",
    )
    assert api.get(f"{BASE}/reports/{report['id']}{slash}").json()["data"] == report
    assert api.get(f"{BASE}/reports{slash}?status=pending").json()["data"] == [report]
    with brand_scope(nordhav.brand.id):
        entry = AuditEntry.objects.get(action="reconciliation.asked")
    assert entry.after == {"scope": "documents", "read_only": True}


@pytest.mark.parametrize(
    "body", [{"scope": "everything"}, {"read_only": "yes"}, {"full": True}], ids=str
)
def test_a_run_that_cannot_be_is_refused(api: APIClient, body: dict[str, Any]) -> None:
    assert api.post(f"{BASE}/run/", body).status_code == 400


def test_a_brand_sees_no_other_brands_run_and_no_run_of_all(
    api: APIClient,
    nordhav: BrandWorld,
    strangers: BrandWorld,
    client_of: Callable[..., APIClient],
) -> None:
    theirs = client_of(strangers).post(f"{BASE}/run/", {}).json()["data"]
    assert api.get(f"{BASE}/reports/").json()["data"] == []
    assert api.get(f"{BASE}/reports/{theirs['id']}/").status_code == 404
    assert api.post(f"{BASE}/run/", {}).status_code == 202
    with brand_scope(nordhav.brand.id):
        assert ReconciliationRun.objects.count() == 1
