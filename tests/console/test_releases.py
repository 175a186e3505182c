"""Releasing batches from the console: those that can be, once, audited."""

from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from minting.models import MintBatch, MintEvent
from minting.states import JobStatus
from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_jobs
from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")

LIST = "/admin/minting/mintbatch/"


def choose(client: Client, *batches: Any) -> Any:
    chosen = {"action": "release", "_selected_action": [str(batch) for batch in batches]}
    return client.post(LIST, chosen, follow=True)


def release(client: Client, *batches: Any, reason: str = "in the shops") -> Any:
    given = {"chosen": ",".join(map(str, batches)), "reason": reason}
    return client.post(f"{LIST}release/", given, follow=True)


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def is_released(batch_id: Any) -> bool:
    with all_brands():
        return MintBatch.objects.get(id=batch_id).released_at is not None


def test_minted_batches_are_released_once_and_others_are_skipped(
    console: Client, shop: Shop, operator: User
) -> None:
    (done,) = make_jobs(shop, status=JobStatus.COMPLETED)
    (waiting,) = make_jobs(shop)
    answer = release(console, done.batch_id, waiting.batch_id)
    assert said(answer) == ["1 released, 1 skipped (released before, or not to be released)"]
    assert is_released(done.batch_id)
    assert not is_released(waiting.batch_id)
    answer = release(console, done.batch_id)
    assert said(answer) == ["0 released, 1 skipped (released before, or not to be released)"]
    with all_brands():
        entry = AuditEntry.objects.get(action="mint_batch.released")
    assert (entry.actor, entry.target_id) == (f"user:{operator.pk}", str(done.batch_id))
    assert (entry.reason, bool(entry.request_id)) == ("in the shops", True)
    with all_brands():
        event = MintEvent.objects.get(type="batch.released")
    assert event.data["note"] == "in the shops"


def test_choosing_batches_of_the_list_asks_for_a_reason(console: Client, shop: Shop) -> None:
    done = make_jobs(shop, 2, status=JobStatus.COMPLETED)
    (waiting,) = make_jobs(shop)
    batches = [job.batch_id for job in (*done, waiting)]
    page = choose(console, *batches).content.decode()
    assert "2 batches are released for good" in page
    assert "1 of your selection is" in page
    assert not any(is_released(batch) for batch in batches)
    for reason in ("", "  "):
        page = release(console, *batches, reason=reason).content.decode()
        assert "This field is required." in page
        assert not any(is_released(batch) for batch in batches)


def test_opening_the_confirm_page_changes_nothing(console: Client, shop: Shop) -> None:
    (done,) = make_jobs(shop, status=JobStatus.COMPLETED)
    console.get(f"{LIST}release/", {"chosen": str(done.batch_id), "reason": "x"})
    assert not is_released(done.batch_id)


def test_a_selection_with_nothing_to_release_is_told_so(console: Client, shop: Shop) -> None:
    (waiting,) = make_jobs(shop)
    told = ["0 released, 1 skipped (released before, or not to be released)"]
    assert said(choose(console, waiting.batch_id)) == told


def test_staff_without_the_permission_release_nothing(shop: Shop) -> None:
    (done,) = make_jobs(shop, status=JobStatus.COMPLETED)
    staff = staff_with("view_mintbatch")
    assert "Release batches" not in staff.get(LIST).content.decode()
    choose(staff, done.batch_id)
    assert release(staff, done.batch_id).status_code == HTTPStatus.FORBIDDEN
    assert not is_released(done.batch_id)
