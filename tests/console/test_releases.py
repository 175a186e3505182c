"""Releasing batches from the console: those that can be, once, audited."""

from typing import Any

import pytest
from django.test import Client

from minting.models import MintBatch
from minting.states import JobStatus
from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_jobs
from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")

LIST = "/admin/minting/mintbatch/"


def release(client: Client, *batches: Any) -> Any:
    chosen = {"action": "release", "_selected_action": [str(batch) for batch in batches]}
    return client.post(LIST, chosen, follow=True)


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
    assert entry.request_id


def test_staff_without_the_permission_release_nothing(shop: Shop) -> None:
    (done,) = make_jobs(shop, status=JobStatus.COMPLETED)
    staff = staff_with("view_mintbatch")
    assert "Release batches" not in staff.get(LIST).content.decode()
    release(staff, done.batch_id)
    assert not is_released(done.batch_id)
