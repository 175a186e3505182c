"""Following a job: it ends well, or the demo says why not."""

import io
from typing import Any

import pytest

from demo import mint
from demo.api_client import ApiClient
from demo.mint import Submitted, follow
from demo.report import Checks, DemoFailed
from tests.demo.server import answering, found

SUBMITTED = Submitted("job", "batch", {}, began=0.0, answer_seconds=0.0)
MOMENTS = {
    "queued_at": "2026-11-21T03:59:59.900000Z",
    "started_at": "2026-11-21T04:00:00Z",
    "finished_at": "2026-11-21T04:00:02.500000Z",
}


def job(status: str, generated: int = 0, **changed: Any) -> dict[str, Any]:
    return {
        "status": status,
        "generated_quantity": generated,
        "cycles": generated // 10,
        "consecutive_errors": 0,
        "last_error": "",
        **MOMENTS,
        **changed,
    }


class Api:
    """Answers with one state of the job after another, then with the last."""

    def __init__(self, *states: dict[str, Any], minted: int = 30) -> None:
        self.states, self.minted = list(states), minted
        self.events = ["job.completed", "job.processing", "job.reserved", "job.queued"]

    def __call__(self, _: str, path: str, __: bytes) -> tuple[int, Any]:
        if "mint-jobs" in path:
            return found(self.states.pop(0) if len(self.states) > 1 else self.states[0])
        if "mint-events" in path:
            return found([{"type": name} for name in self.events])
        return found({"status": "minted", "minted_quantity": self.minted})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mint, "_POLL_SECONDS", 0.0)


def follow_to_the_end(api: Api) -> tuple[mint.Minted, Checks]:
    checks = Checks(io.StringIO())
    with answering(api) as base:
        return follow(ApiClient(base), checks, SUBMITTED, 30), checks


def test_a_job_is_followed_until_it_is_completed() -> None:
    minted, checks = follow_to_the_end(
        Api(job("QUEUED"), job("PROCESSING", 20), job("COMPLETED", 30))
    )
    assert checks.all_held
    assert (minted.waited_seconds, minted.seconds, minted.cycles) == (0.1, 2.5, 3)


@pytest.mark.parametrize("end", ["FAILED", "CANCELLED"])
def test_a_job_that_ends_otherwise_stops_the_demo_with_its_last_error(end: str) -> None:
    with pytest.raises(DemoFailed, match=f"ended {end}: disk is full"):
        follow_to_the_end(Api(job("PROCESSING", 20), job(end, 20, last_error="disk is full")))


def test_a_job_that_nobody_works_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mint, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(DemoFailed, match="the job is QUEUED and has made no unit"):
        follow_to_the_end(Api(job("QUEUED")))


def test_counters_that_disagree_with_the_request_are_found() -> None:
    _, checks = follow_to_the_end(Api(job("COMPLETED", 30), minted=20))
    assert checks.failed == 1


def test_a_story_with_a_chapter_missing_is_found() -> None:
    api = Api(job("COMPLETED", 30))
    api.events.remove("job.reserved")
    _, checks = follow_to_the_end(api)
    assert isinstance(checks.out, io.StringIO)
    assert "job.reserved is missing" in checks.out.getvalue()
