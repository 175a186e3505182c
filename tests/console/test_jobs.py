"""The list of mint jobs and the page of one."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from minting.admin.jobs import MintJobAdmin
from minting.states import JobStatus, Priority
from tests.console.rows import Shop, ago, make_cycles, make_jobs
from tieback.console import BoundedPaginator

pytestmark = pytest.mark.plane("console")

LIST = "/admin/minting/mintjob/"


def shown(console: Client, **query: Any) -> str:
    return console.get(LIST, query).content.decode()


def job_page(console: Client, pk: object) -> str:
    return console.get(reverse("admin:minting_mintjob_change", args=[pk])).content.decode()


def queries_of_list(console: Client) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        console.get(LIST)
    return len(captured)


def test_a_row_tells_how_the_job_stands(console: Client, shop: Shop) -> None:
    make_jobs(
        shop,
        status=JobStatus.FAILED,
        priority=Priority.URGENT,
        requested_quantity=20_000,
        generated_quantity=5_000,
        consecutive_errors=3,
        last_error="disk\nfull",
        created_at=ago(hours=3),
        started_at=ago(hours=2, minutes=1),
        finished_at=ago(hours=2),
    )
    content = shown(console)
    assert '<span class="label label-bad">Failed</span>' in content
    assert '<progress max="20000" value="5000" aria-label="25 %"></progress>' in content
    assert "5,000 of 20,000" in content
    assert "83/s" in content
    assert "urgent" in content
    assert "disk full" in content
    assert shop.product.sku in content
    assert "1 h" in content


def test_thirty_jobs_cost_no_more_queries_than_three(console: Client, shop: Shop) -> None:
    make_jobs(shop, 3)
    few = queries_of_list(console)
    make_jobs(shop, 27)
    assert queries_of_list(console) == few
    assert few <= 10


def test_a_status_narrows_the_list(console: Client, shop: Shop) -> None:
    (failed,) = make_jobs(shop, status=JobStatus.FAILED)
    (queued,) = make_jobs(shop)
    content = shown(console, status__exact="FAILED")
    assert str(failed.pk)[:8] in content
    assert str(queued.pk)[:8] not in content


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("waiting", {"queued", "let go", "dead"}), ("held", {"held"}), ("expired", {"dead"})],
)
def test_the_worker_filter_tells_waiting_from_held_from_dead(
    console: Client, shop: Shop, choice: str, expected: set[str]
) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    running: dict[str, Any] = {"status": JobStatus.PROCESSING}
    made = {
        "queued": make_jobs(shop)[0],
        "held": make_jobs(shop, owner="w:1", lease_until=soon, **running)[0],
        "let go": make_jobs(shop, owner="", lease_until=ago(seconds=5), **running)[0],
        "dead": make_jobs(shop, owner="w:2", lease_until=ago(seconds=5), **running)[0],
        "done": make_jobs(shop, status=JobStatus.COMPLETED)[0],
    }
    content = shown(console, work=choice)
    assert {name for name, job in made.items() if str(job.pk)[:8] in content} == expected


def test_a_job_is_found_by_the_beginning_of_its_id(console: Client, shop: Shop) -> None:
    wanted, other = make_jobs(shop, 2)
    content = shown(console, q=str(wanted.pk)[:8])
    assert str(wanted.pk) in content
    assert str(other.pk) not in content


def test_a_job_is_found_by_its_batch(console: Client, shop: Shop) -> None:
    wanted, other = make_jobs(shop, 2)
    content = shown(console, q=str(wanted.batch_id))
    assert str(wanted.pk) in content
    assert str(other.pk) not in content


def test_its_page_tells_the_story_of_its_batch(console: Client, shop: Shop) -> None:
    (job,) = make_jobs(shop, last_error="disk full", status=JobStatus.FAILED)
    content = job_page(console, job.pk)
    assert "job.queued" in content
    assert "disk full" in content
    assert "00" * 32 in content


def test_its_page_shows_the_first_and_last_fifty_cycles(console: Client, shop: Shop) -> None:
    (job,) = make_jobs(shop, status=JobStatus.PROCESSING, requested_quantity=1000)
    make_cycles(shop, job, 130)
    content = job_page(console, job.pk)
    shown_numbers = {n for n in range(1, 131) if f"<tr>\n<td>{n}</td>" in content}
    assert shown_numbers == {*range(1, 51), *range(81, 131)}
    assert "130 committed; the first and last 100 of them" in content


def test_only_a_failed_job_offers_to_be_retried(console: Client, shop: Shop) -> None:
    (failed,) = make_jobs(shop, status=JobStatus.FAILED)
    (queued,) = make_jobs(shop)
    link = reverse("admin:minting_mintjob_retry")
    assert f"{link}?id={failed.pk}" in job_page(console, failed.pk)
    assert link not in job_page(console, queued.pk)


def test_a_long_list_is_counted_no_further_than_people_page(
    console: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedPaginator, "furthest", 4)
    monkeypatch.setattr(MintJobAdmin, "list_per_page", 3)
    make_jobs(shop, 6)
    with CaptureQueriesContext(connection) as captured:
        last_page = shown(console, p=2)
    counts = [q["sql"] for q in captured.captured_queries if "COUNT(" in q["sql"]]
    assert counts
    assert all("LIMIT 5" in sql for sql in counts)
    assert "more than 4 mint jobs" in last_page
    assert last_page.count('name="_selected_action"') == 1
