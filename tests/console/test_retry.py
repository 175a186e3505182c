"""Sending failed jobs back from the console: confirmed, with a reason, audited, once."""

from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from minting import pipeline
from minting.admin.acts import JobsForm
from minting.models import MintBatch, MintEvent, MintJob
from minting.states import BatchStatus, JobStatus
from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_jobs
from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")

LIST = "/admin/minting/mintjob/"
RETRY = f"{LIST}retry/"


@pytest.fixture(autouse=True)
def bells(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The jobs a worker was woken for."""
    rung: list[Any] = []
    monkeypatch.setattr(pipeline, "ring", rung.append)
    return rung


def choose(console: Client, jobs: list[MintJob]) -> Any:
    ids = [str(job.pk) for job in jobs]
    return console.post(LIST, {"action": "retry_failed", "_selected_action": ids, "index": "0"})


def confirm(console: Client, jobs: list[MintJob], reason: str = "disk replaced") -> Any:
    ids = ",".join(str(job.pk) for job in jobs)
    return console.post(RETRY, {"chosen": ids, "reason": reason}, follow=True)


def statuses(jobs: list[MintJob]) -> set[str]:
    with all_brands():
        return set(
            MintJob.objects.filter(pk__in=[j.pk for j in jobs]).values_list("status", flat=True)
        )


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_choosing_jobs_asks_for_a_reason_and_changes_nothing(console: Client, shop: Shop) -> None:
    failed = make_jobs(shop, 2, status=JobStatus.FAILED)
    queued = make_jobs(shop)
    content = choose(console, failed + queued).content.decode()
    assert "2 failed jobs go back to the queue" in content
    assert "1 of your selection is not failed" in content
    assert statuses(failed) == {JobStatus.FAILED}


def test_confirming_puts_failed_jobs_back_and_skips_the_rest(
    console: Client, shop: Shop, bells: list[Any]
) -> None:
    failed = make_jobs(shop, 3, status=JobStatus.FAILED)
    others = [*make_jobs(shop), *make_jobs(shop, status=JobStatus.COMPLETED)]
    answer = confirm(console, failed + others)
    assert said(answer) == ["3 retried, 2 skipped (not failed)"]
    assert statuses(failed) == {JobStatus.QUEUED}
    assert statuses(others) == {JobStatus.QUEUED, JobStatus.COMPLETED}
    assert set(bells) == {job.pk for job in failed}


def test_the_batch_leaves_its_failed_state_too(console: Client, shop: Shop) -> None:
    (job,) = make_jobs(shop, status=JobStatus.FAILED)
    confirm(console, [job])
    with all_brands():
        assert MintBatch.objects.get(pk=job.batch_id).status == BatchStatus.QUEUED


def test_a_retry_is_audited_with_actor_reason_and_request(
    console: Client, operator: User, shop: Shop
) -> None:
    (job,) = make_jobs(shop, status=JobStatus.FAILED)
    console.post(
        RETRY,
        {"chosen": str(job.pk), "reason": "disk replaced"},
        headers={"X-Request-Id": "req-7"},
    )
    with all_brands():
        entry = AuditEntry.objects.get(target_id=str(job.pk))
        event = MintEvent.objects.get(batch_id=job.batch_id, type="job.retried")
    assert entry.actor == event.actor == f"user:{operator.pk}"
    assert entry.brand_id == shop.brand_id
    assert entry.reason == "disk replaced"
    assert entry.request_id == "req-7"


def test_a_second_submit_does_nothing_more(console: Client, shop: Shop) -> None:
    failed = make_jobs(shop, 2, status=JobStatus.FAILED)
    confirm(console, failed)
    assert said(confirm(console, failed)) == ["0 retried, 2 skipped (not failed)"]
    with all_brands():
        assert AuditEntry.objects.filter(action="mint_job.retried").count() == 2


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_retry_needs_a_reason_of_sensible_length(
    console: Client, shop: Shop, reason: str
) -> None:
    failed = make_jobs(shop, status=JobStatus.FAILED)
    answer = confirm(console, failed, reason)
    assert answer.context["form"].errors.keys() == {"reason"}
    assert statuses(failed) == {JobStatus.FAILED}


def test_opening_the_confirm_page_changes_nothing(console: Client, shop: Shop) -> None:
    (job,) = make_jobs(shop, status=JobStatus.FAILED)
    answer = console.get(RETRY, {"id": str(job.pk), "reason": "x", "chosen": str(job.pk)})
    assert answer.status_code == HTTPStatus.OK
    assert statuses([job]) == {JobStatus.FAILED}


@pytest.mark.parametrize("query", ["", "?id=", "?id=x", "?id=00000000-0000-0000-0000-000000000000"])
def test_a_confirm_page_without_failed_jobs_leads_back(
    console: Client, shop: Shop, query: str
) -> None:
    answer = console.get(RETRY + query)
    assert answer.status_code == HTTPStatus.FOUND
    assert answer.headers["Location"] == reverse("admin:minting_mintjob_changelist")


def test_more_jobs_than_fit_are_not_half_done(
    console: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobsForm, "MOST", 2)
    failed = make_jobs(shop, 3, status=JobStatus.FAILED)
    assert "Your selection holds more" in choose(console, failed).content.decode()
    confirm(console, failed)
    assert statuses(failed) == {JobStatus.FAILED}


def test_staff_without_the_permission_are_refused(shop: Shop) -> None:
    client = staff_with("view_mintjob")
    failed = make_jobs(shop, status=JobStatus.FAILED)
    assert choose(client, failed).status_code == HTTPStatus.FORBIDDEN
    assert confirm(client, failed).status_code == HTTPStatus.FORBIDDEN
    assert client.get(RETRY, {"id": str(failed[0].pk)}).status_code == HTTPStatus.FORBIDDEN
    assert "retry_failed" not in client.get(LIST).content.decode()
    assert statuses(failed) == {JobStatus.FAILED}


def test_staff_with_the_permission_may_retry(shop: Shop) -> None:
    client = staff_with("view_mintjob", "retry_mintjob")
    failed = make_jobs(shop, status=JobStatus.FAILED)
    assert said(confirm(client, failed)) == ["1 retried, 0 skipped (not failed)"]


def test_a_retry_needs_the_forms_token(operator: User, shop: Shop) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator, "django.contrib.auth.backends.ModelBackend")
    failed = make_jobs(shop, status=JobStatus.FAILED)
    assert confirm(client, failed).status_code == HTTPStatus.FORBIDDEN
    assert statuses(failed) == {JobStatus.FAILED}
