"""Scans in the console: signals as they stand, and what a brand keeps, chosen and told."""

from http import HTTPStatus

import pytest
from django.test import Client

from resolver.models import ScanPolicy
from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_jobs, make_scan_policy, make_scan_signal
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")

ADD = "/admin/resolver/scanpolicy/add/"
LIST = "/admin/resolver/scansignal/"


def trail() -> list[AuditEntry]:
    with all_brands():
        return list(AuditEntry.objects.filter(action="scan_policy.updated").order_by("id"))


def kept() -> ScanPolicy:
    with all_brands():
        return ScanPolicy.objects.get()


def test_a_signal_is_listed_with_what_it_found(console: Client, shop: Shop) -> None:
    (job,) = make_jobs(shop)
    signal = make_scan_signal(shop, job)
    content = console.get(LIST).content.decode()
    assert "One network scans many units of a batch within an hour" in content
    assert "units: 60" in content
    for found, text in ((1, str(job.batch_id)), (1, signal.detail["network"]), (0, "/mu/NOBODYS")):
        assert len(console.get(LIST, {"q": text}).context["cl"].queryset) == found, text


def test_a_policy_is_chosen_and_changed_and_each_is_told(console: Client, shop: Shop) -> None:
    first = {"brand": shop.brand_id, "retention_days": 30, "aggregate_only": ["textile"]}
    assert console.post(ADD, first).status_code == HTTPStatus.FOUND
    assert (kept().retention_days, kept().aggregate_only) == (30, ["textile"])
    page = f"/admin/resolver/scanpolicy/{shop.brand_id}/change/"
    assert console.post(page, {"retention_days": 31}).status_code == HTTPStatus.FOUND
    assert (kept().retention_days, kept().aggregate_only) == (31, [])
    begun, changed = trail()
    assert begun.after == {"retention_days": 30, "aggregate_only": ["textile"]}
    assert (changed.before, changed.brand_id) == (begun.after, shop.brand_id)
    assert changed.actor.startswith("user:")


@pytest.mark.parametrize(
    "wrong", [{"retention_days": 0}, {"retention_days": 367}, {"aggregate_only": ["cars"]}]
)
def test_what_cannot_be_chosen_is_said_beside_the_field(
    console: Client, shop: Shop, wrong: dict[str, object]
) -> None:
    values = {"brand": shop.brand_id, "retention_days": 30, "aggregate_only": [], **wrong}
    answer = console.post(ADD, values)
    assert answer.status_code == HTTPStatus.OK
    assert list(answer.context["adminform"].form.errors) == list(wrong)
    assert trail() == []


def test_staff_who_may_only_look_change_nothing(shop: Shop) -> None:
    make_scan_policy(shop)
    client = staff_with("view_scanpolicy")
    page = f"/admin/resolver/scanpolicy/{shop.brand_id}/change/"
    assert client.get(page).status_code == HTTPStatus.OK
    for path in (page, ADD):
        assert client.post(path, {"retention_days": 5}).status_code == HTTPStatus.FORBIDDEN
    assert kept().retention_days == 30
