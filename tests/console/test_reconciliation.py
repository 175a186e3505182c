"""Reconciliation in the console: asking for runs, and deciding what becomes of drifts."""

import re
from typing import Any

import pytest
from django.test import Client

from minting import pipeline
from minting.models import ChainDrift, ReconciliationRun
from minting.states import DriftKind
from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_drift
from tests.planes import acting_as
from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")

RUNS, DRIFTS = "/admin/minting/reconciliationrun/", "/admin/minting/chaindrift/"


def act(client: Client, action: str, *drifts: ChainDrift, reason: str = "we know") -> list[str]:
    chosen = {"action": action, "_selected_action": [str(one.pk) for one in drifts]}
    answer = client.post(DRIFTS, {**chosen, "reason": reason}, follow=True)
    return [str(message) for message in answer.context["messages"]]


def row(drift: ChainDrift) -> ChainDrift:
    with all_brands():
        return ChainDrift.objects.get(pk=drift.pk)


def entries(action: str) -> list[AuditEntry]:
    with all_brands():
        return list(AuditEntry.objects.filter(action=action))


def test_drifts_are_decided_with_a_reason_once_and_that_is_audited(
    console: Client, shop: Shop, operator: User
) -> None:
    drift = make_drift(shop)
    assert act(console, "accept", drift, reason=" ") == ["Say why, beside the action."]
    assert row(drift).status == "quarantined"
    said = act(console, "mark_unauthorised", drift)
    assert said == ["1 marked as unauthorised, 0 skipped (not open)"]
    assert act(console, "accept", drift) == ["1 accepted, 0 skipped (not open)"]
    assert act(console, "accept", drift) == ["0 accepted, 1 skipped (not open)"]
    found = row(drift)
    assert (found.status, found.decided_by, found.reason) == (
        "accepted",
        f"user:{operator.pk}",
        "we know",
    )
    (entry,) = entries("drift.unauthorised")
    assert (entry.brand_id, entry.target_id, entry.reason) == (
        shop.brand_id,
        str(drift.pk),
        "we know",
    )
    assert len(entries("drift.accepted")) == 1


def test_what_no_run_can_repair_is_not_asked_to_be(
    console: Client,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    rung: list[Any] = []
    monkeypatch.setattr(pipeline, "ring_step", lambda *args: rung.append(args))
    lasting = make_drift(shop)
    document = make_drift(shop, kind=DriftKind.DOCUMENT_DIFFERS, subject_id="d")
    nobodys = make_drift(None, kind=DriftKind.DOCUMENT_DIFFERS, subject_id="n")
    with django_capture_on_commit_callbacks(execute=True):
        said = act(console, "repair", lasting, document, nobodys)
    assert said == ["1 will be repaired, 2 skipped (cannot be repaired)"]
    assert (row(document).status, row(document).wants_repair) == ("left", True)
    assert rung == [("chain.reconcile", document.pk)]


def test_staff_without_the_permissions_decide_and_start_nothing(shop: Shop) -> None:
    drift = make_drift(shop)
    staff = staff_with("view_chaindrift", "view_reconciliationrun")
    page = staff.get(DRIFTS).content.decode()
    assert "Accept as it is" not in page
    act(staff, "accept", drift)
    assert row(drift).status == "quarantined"
    assert staff.post(f"{RUNS}add/", {"scope": "all"}).status_code == 403


def test_an_operator_asks_for_a_run_over_all_brands_one_at_a_time(
    console: Client, operator: User
) -> None:
    assert console.get(f"{RUNS}add/").status_code == 200
    console.post(f"{RUNS}add/", {"scope": "documents", "read_only": "on"}, follow=True)
    console.post(f"{RUNS}add/", {"scope": "all"}, follow=True)
    with all_brands():
        (run,) = ReconciliationRun.objects.all()
    assert (run.brand_id, run.type, run.scope, run.read_only) == (None, "full", "documents", True)
    (entry,) = entries("reconciliation.asked")
    assert (entry.actor, entry.target_id) == (f"user:{operator.pk}", str(run.pk))


def test_the_first_page_and_the_page_of_a_drift_tell_what_differs(
    console: Client, shop: Shop
) -> None:
    drift = make_drift(shop, detail={"slot": "<script>"})
    page = console.get("/admin/").content.decode()
    assert f'{DRIFTS}?status__exact=quarantined"><strong>1</strong> discrepancy' in page
    page = console.get(f"{DRIFTS}{drift.pk}/change/").content.decode()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page.partition("Differs in")[2].partition("</pre>")[0]
    with acting_as("console"):
        assert row(drift).kind in page.lower().replace(" ", "_")


def test_a_run_that_was_asked_for_is_named_and_each_scope_is_listed_once(
    console: Client,
) -> None:
    answer = console.post(f"{RUNS}add/", {"scope": "all", "read_only": ""}, follow=True)
    (said,) = [re.sub("<[^>]+>", "", str(message)) for message in answer.context["messages"]]
    with all_brands():
        run = ReconciliationRun.objects.get()
    assert f"“Full reconciliation {run.pk}”" in said
    (filters,) = re.findall("By scope.*?</details>", answer.content.decode(), re.DOTALL)
    choices = [text.strip() for text in re.findall(r">([^<]+)</a>", filters)]
    assert choices == ["All", "Everything", "Anchors", "Documents", "Trees"]
