"""Cancelling, pausing and resuming from the console: confirmed, with a reason, audited, once."""

from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from minting import pipeline
from minting.models import MintJob, MintPause
from minting.states import JobStatus, Priority
from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_jobs
from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")

LIST = "/admin/minting/mintjob/"
QUEUE = "/admin/minting/mintpause/queue/"
ACTS = ("cancel", "pause", "resume")


@pytest.fixture(autouse=True)
def bells(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a worker was woken for."""
    rung: list[Any] = []
    monkeypatch.setattr(pipeline, "ring", rung.append)
    return rung


def confirm(console: Client, act: str, jobs: list[MintJob], reason: str = "recall") -> Any:
    ids = ",".join(str(job.pk) for job in jobs)
    return console.post(f"{LIST}{act}/", {"chosen": ids, "reason": reason}, follow=True)


def status_of(job: MintJob) -> str:
    with all_brands():
        return MintJob.objects.get(pk=job.pk).status


def paused() -> int:
    with all_brands():
        return MintPause.objects.count()


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_a_job_is_cancelled_once(console: Client, shop: Shop, operator: User) -> None:
    (job,) = make_jobs(shop)
    assert said(confirm(console, "cancel", [job])) == ["1 cancelled, 0 skipped (at an end)"]
    assert status_of(job) == JobStatus.CANCELLED
    assert said(confirm(console, "cancel", [job])) == ["0 cancelled, 1 skipped (at an end)"]
    with all_brands():
        entry = AuditEntry.objects.get(action="mint_job.cancelled")
    assert (entry.actor, entry.reason) == (f"user:{operator.pk}", "recall")


def test_a_completed_job_is_not_cancelled(console: Client, shop: Shop) -> None:
    (job,) = make_jobs(shop, status=JobStatus.COMPLETED)
    assert said(confirm(console, "cancel", [job])) == ["0 cancelled, 1 skipped (at an end)"]
    assert status_of(job) == JobStatus.COMPLETED


def test_a_job_is_paused_and_resumed(console: Client, shop: Shop, bells: list[Any]) -> None:
    (job,) = make_jobs(shop)
    assert said(confirm(console, "pause", [job])) == ["1 paused, 0 skipped (at an end, or paused)"]
    assert paused() == 1
    assert said(confirm(console, "resume", [job])) == ["1 resumed, 0 skipped (not paused)"]
    assert (paused(), bells) == (0, [job.pk])


def test_the_page_of_a_job_offers_the_acts_that_fit(console: Client, shop: Shop) -> None:
    (waiting,) = make_jobs(shop)
    (failed,) = make_jobs(shop, status=JobStatus.FAILED)
    (done,) = make_jobs(shop, status=JobStatus.COMPLETED)
    offered = {
        job: [
            act
            for act in ("retry", *ACTS)
            if f"{LIST}{act}/?id={job.pk}"
            in console.get(f"{LIST}{job.pk}/change/").content.decode()
        ]
        for job in (waiting, failed, done)
    }
    assert offered == {waiting: ["cancel", "pause"], failed: ["retry", "cancel"], done: []}


@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_offered_and_done_only_with_its_permission(shop: Shop, act: str) -> None:
    client = staff_with("view_mintjob", "retry_mintjob")
    (job,) = make_jobs(shop)
    chosen = {"action": f"{act}_jobs", "_selected_action": [str(job.pk)], "index": "0"}
    assert client.post(LIST, chosen).status_code == HTTPStatus.FORBIDDEN
    assert confirm(client, act, [job]).status_code == HTTPStatus.FORBIDDEN
    assert f"{act}_jobs" not in client.get(LIST).content.decode()
    assert (status_of(job), paused()) == (JobStatus.QUEUED, 0)


@pytest.mark.parametrize("act", ACTS)
def test_opening_the_confirm_page_changes_nothing(console: Client, shop: Shop, act: str) -> None:
    (job,) = make_jobs(shop)
    console.get(f"{LIST}{act}/", {"id": str(job.pk), "chosen": str(job.pk), "reason": "x"})
    assert (status_of(job), paused()) == (JobStatus.QUEUED, 0)


def test_choosing_jobs_of_the_list_asks_for_a_reason(console: Client, shop: Shop) -> None:
    jobs = make_jobs(shop, 2)
    ids = [str(job.pk) for job in jobs]
    page = console.post(LIST, {"action": "cancel_jobs", "_selected_action": ids, "index": "0"})
    assert "2 jobs end for good" in page.content.decode()
    assert {status_of(job) for job in jobs} == {JobStatus.QUEUED}


def test_a_queue_is_paused_and_resumed_for_every_brand(console: Client, bells: list[Any]) -> None:
    given = {"priority": Priority.HIGH.value, "act": "pause", "reason": "database upgrade"}
    answer = console.post(QUEUE, given, follow=True)
    assert said(answer) == ["The queue high is paused."]
    assert "queue high, every brand" in answer.content.decode()
    assert said(console.post(QUEUE, given, follow=True)) == ["The queue high is paused already."]
    answer = console.post(QUEUE, {**given, "act": "resume"}, follow=True)
    assert said(answer) == ["The queue high is resumed."]
    assert len(bells) == 1
    with all_brands():
        acts = AuditEntry.objects.filter(target_type="mint_queue").order_by("id")
        assert [entry.action for entry in acts] == ["mint_queue.paused", "mint_queue.resumed"]


@pytest.mark.parametrize(
    "missing", [{"reason": ""}, {"act": "burn"}, {"priority": "7"}], ids=["reason", "act", "queue"]
)
def test_a_queue_is_not_paused_by_an_unclear_form(console: Client, missing: dict[str, str]) -> None:
    given = {"priority": "1", "act": "pause", "reason": "upgrade"} | missing
    answer = console.post(QUEUE, given)
    assert answer.context["form"].errors.keys() == missing.keys()
    assert paused() == 0


def test_staff_without_the_permission_cannot_pause_a_queue(shop: Shop) -> None:
    client = staff_with("view_mintpause", "pause_mintjob")
    given = {"priority": "1", "act": "pause", "reason": "upgrade"}
    assert client.post(QUEUE, given).status_code == HTTPStatus.FORBIDDEN
    assert client.get(QUEUE).status_code == HTTPStatus.FORBIDDEN
    assert QUEUE not in client.get("/admin/minting/mintpause/").content.decode()
