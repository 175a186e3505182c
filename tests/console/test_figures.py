"""The queue in figures: the first page, its JSON and Prometheus show the same rows."""

from dataclasses import replace
from http import HTTPStatus

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from exports.models import PackStatus
from minting.lifecycle import pause_brand, pause_job, pause_queue
from minting.models import MintJob
from minting.revocations import Act
from minting.states import (
    AssetStatus,
    JobStatus,
    MetadataStatus,
    Priority,
    ProofStatus,
    SubmissionStatus,
    TreeStatus,
)
from resolver.models import ScanProgress
from tests.console.rows import Shop, ago, make_activation, make_build, make_jobs, make_unit
from tests.planes import acting_as
from tieback.brands.scoping import all_brands
from tieback.figures import duration, read_figures

pytestmark = pytest.mark.plane("console")


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A queue with something of everything."""
    make_jobs(shop, 2, queued_at=ago(minutes=5))
    make_jobs(shop, priority=Priority.URGENT)
    make_jobs(shop, 3, status=JobStatus.FAILED)
    make_jobs(shop, status=JobStatus.PROCESSING, owner="w:1", lease_until=ago(minutes=2))
    (done,) = make_jobs(shop, status=JobStatus.COMPLETED)
    make_build(shop, done, status=PackStatus.FAILED)
    make_activation(shop, make_unit(shop, done))
    return shop


def gauges(client: Client) -> dict[str, float]:
    text = client.get("/metrics/queue").content.decode()
    return {
        f"{sample.name}{list(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_json_counts_every_state(console: Client, busy: Shop) -> None:
    for path in ("/admin/queue/stats", "/admin/queue/stats/"):
        body = console.get(path).json()
        assert body["jobs"] == {
            "QUEUED": 3,
            "RESERVED": 0,
            "PROCESSING": 1,
            "COMPLETED": 1,
            "FAILED": 3,
            "CANCELLED": 0,
        }
        assert body["waiting"] == {"urgent": 1, "high": 0, "standard": 3, "total": 4}
        assert 300 <= body["oldest_waiting_seconds"] < 400
        assert body["expired_leases"] == {"mint": 1, "exports": 0}
        assert body["pack_builds"]["failed"] == 1
        assert body["activations_uncounted"] == 1
        assert body["scan_days_ahead"] == 14
        assert body["scans_counted_seconds_ago"] is None


@pytest.mark.parametrize(("by", "count"), [("job", 1), ("brand", 4), ("queue", 3)])
def test_a_paused_job_is_no_job_that_waits(
    console: Client, busy: Shop, by: str, count: int
) -> None:
    before = console.get("/admin/queue/stats").json()
    act = Act("user:1", "the printer is down")
    with all_brands():
        job = MintJob.objects.filter(status=JobStatus.QUEUED, priority=Priority.STANDARD)[0]
        if by == "job":
            pause_job(job_id=job.pk, act=act)
        elif by == "brand":
            pause_brand(brand_id=busy.brand_id, act=act)
        else:
            pause_queue(priority=Priority.STANDARD, act=act)
    after = console.get("/admin/queue/stats").json()
    assert (before["paused_jobs"], after["paused_jobs"]) == (0, count)
    assert after["waiting"]["total"] == before["waiting"]["total"] - count
    listed = console.get("/admin/minting/mintjob/?work=paused").context["cl"].queryset
    assert job.pk in {row.pk for row in listed}
    assert len(listed) == count
    page = console.get(f"/admin/minting/mintjob/{job.pk}/change/").content.decode()
    assert "Paused</span>" in page


def test_prometheus_reads_the_same_figures(busy: Shop) -> None:
    read = gauges(Client())
    assert read["mint_queue_depth['urgent']"] == 1
    assert read["mint_queue_depth['standard']"] == 3
    assert read["tieback_mint_jobs['FAILED']"] == 3
    assert read["tieback_expired_leases['mint']"] == 1
    assert read["tieback_pack_builds['failed']"] == 1
    assert read["tieback_activations_uncounted[]"] == 1
    assert read["tieback_oldest_waiting_job_age_seconds[]"] >= 300


def test_prometheus_is_told_each_figure_once(busy: Shop) -> None:
    text = Client().get("/metrics/queue").content.decode()
    lines = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(lines) == len(set(lines))
    assert len(names) == len(set(names))


def test_an_empty_queue_reads_zero_and_every_state_has_a_gauge() -> None:
    read = gauges(Client())
    assert read.pop("tieback_scan_days_ahead[]") == 14
    assert set(read.values()) == {0}
    assert {f"tieback_mint_jobs['{status}']" for status in JobStatus} <= set(read)
    assert {f"tieback_pack_builds['{status}']" for status in PackStatus} <= set(read)
    assert {f"tieback_proofs['{status}']" for status in ProofStatus} <= set(read)
    assert {f"tieback_chain_submissions['{status}']" for status in SubmissionStatus} <= set(read)
    documents = {f"tieback_metadata_documents['{status}']" for status in MetadataStatus}
    assert documents <= set(read)
    assert {f"tieback_trees['{status}']" for status in TreeStatus} <= set(read)
    assert "tieback_trees_in_trouble[]" in read
    # Completed ones are told by a counter: there are as many as units.
    unfinished = set(AssetStatus) - {AssetStatus.COMPLETED}
    assert {f"tieback_assets['{status}']" for status in unfinished} <= set(read)
    assert {f"mint_queue_depth['{level.label}']" for level in Priority} <= set(read)


def test_the_first_page_links_each_count_to_its_list(console: Client, busy: Shop) -> None:
    content = console.get("/admin/").content.decode()
    jobs = "/admin/minting/mintjob/"
    assert f'<a href="{jobs}?status__exact=FAILED"><strong>3</strong> failed jobs</a>' in content
    assert f'<a href="{jobs}?work=expired"><strong>1</strong> job whose worker died</a>' in content
    assert "<strong>1</strong> failed pack build</a>" in content
    assert "oldest of 4 waiting jobs" in content
    for status in JobStatus:
        assert f"{jobs}?status__exact={status}" in content


def test_the_first_page_of_an_empty_queue_says_so(console: Client) -> None:
    content = console.get("/admin/").content.decode()
    assert "nothing waits" in content
    assert "tile-bad" not in content


@pytest.mark.parametrize(("left", "warns"), [(3, False), (2, True), (0, True)])
def test_the_first_page_warns_before_the_days_for_scans_run_out(
    console: Client, monkeypatch: pytest.MonkeyPatch, left: int, warns: bool
) -> None:
    figures = replace(read_figures(), scan_days_ahead=left)
    monkeypatch.setattr("tieback.console.read_figures", lambda: figures)
    content = console.get("/admin/").content.decode()
    assert f"<dt>Days made ahead</dt><dd>{left}</dd>" in content
    assert ("left for scans" in content) == warns


@pytest.mark.parametrize(("minutes", "warns"), [(1, False), (16, True)])
def test_the_first_page_warns_where_scans_are_counted_no_longer(
    console: Client, minutes: int, warns: bool
) -> None:
    with acting_as("worker"):
        ScanProgress.objects.create(counted_until=ago(hours=1), as_of=ago(minutes=minutes))
    content = console.get("/admin/").content.decode()
    assert f"<dt>Scans last counted</dt><dd>{minutes} min" in content
    assert ("Scans counted <strong>" in content) == warns
    assert gauges(Client())["tieback_scans_counted_age_seconds[]"] >= 60 * minutes


def test_the_queue_page_answers_with_and_without_a_slash(console: Client) -> None:
    for path in ("/admin/queue", "/admin/queue/"):
        assert console.get(path).status_code == HTTPStatus.OK


def test_a_scrape_needs_the_token_where_one_is_set(settings: Settings) -> None:
    settings.METRICS_TOKEN = "scrape-me"
    assert Client().get("/metrics/queue").status_code == HTTPStatus.UNAUTHORIZED
    right = {"Authorization": "Bearer scrape-me"}
    assert Client().get("/metrics/queue", headers=right).status_code == HTTPStatus.OK


def test_the_process_metrics_are_not_mixed_in() -> None:
    assert "django_" not in Client().get("/metrics/queue").content.decode()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (0.4, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3_600, "1 h"),
        (3_661, "1 h 1 min"),
        (90_061, "1 d 1 h"),
        (86_401, "1 d"),
    ],
)
def test_a_length_of_time_is_told_in_two_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words
