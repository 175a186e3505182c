"""Cancel, pause, resume, revoke and physical status over HTTP."""

from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from minting.lifecycle import pause_queue
from minting.models import MintBatch, MintJob, MintUnit
from minting.revocations import Act, work_next_step
from minting.states import JobStatus, Priority
from minting.worker import work_next_job
from tests.factories import BrandWorld, make_world
from tests.minting.requests import queued_job
from tests.planes import acting_as
from tieback.brands.credentials import issue_credential
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = pytest.mark.django_db(transaction=True)

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def nordhav(transactional_db) -> BrandWorld:
    return make_world("nordhav")


@pytest.fixture
def caller(nordhav):
    """Return a function that posts as a credential of the brand and gives status and body."""
    with brand_scope(nordhav.brand.id):
        credential = issue_credential(brand_id=nordhav.brand.id, name="erp")
    client = Client(headers={"X-Api-Key": credential.header})

    def call(path: str, body: dict[str, Any] | None = None, *, method: str = "post"):
        given = {} if method == "get" else {"data": body, "content_type": "application/json"}
        answer = getattr(client, method)(f"/api/v1/{path}", **given)
        return answer.status_code, answer.json()

    return call


def minted(world: BrandWorld, quantity: int = 10) -> MintJob:
    job = queued_job(world, quantity)
    with acting_as("worker"):
        work_next_job()
    return job


def tokens(job: MintJob) -> list[str]:
    with brand_scope(job.brand_id):
        rows = MintUnit.objects.filter(batch_id=job.batch_id).order_by("ordinal")
        return list(rows.values_list("token", flat=True))


def test_a_job_is_cancelled_and_the_answer_says_what_was_made(nordhav, caller):
    job = queued_job(nordhav, 10)
    status, body = caller(f"mint-jobs/{job.id}/cancel/", {"reason": "wrong product"})
    assert status == HTTPStatus.OK
    assert body["data"]["status"] == JobStatus.CANCELLED
    assert body["data"]["generated_quantity"] == 0
    assert body["data"]["revocation_id"] is None
    status, body = caller(f"mint-jobs/{job.id}/cancel/", {"reason": "wrong product"})
    assert (status, body["error"]["code"]) == (HTTPStatus.CONFLICT, "JOB_NOT_CANCELLABLE")


def test_a_batch_is_released_once_and_says_since_when(nordhav, caller):
    job = minted(nordhav)
    path = f"mint-batches/{job.batch_id}/release/"
    status, body = caller(path, {"note": "left the factory"})
    assert status == HTTPStatus.OK
    assert body["data"]["released_at"] is not None
    assert caller(path, {})[1]["data"]["released_at"] == body["data"]["released_at"]


def test_a_batch_that_still_mints_is_not_released(nordhav, caller):
    job = queued_job(nordhav, 10)
    status, body = caller(f"mint-batches/{job.batch_id}/release/", {})
    assert (status, body["error"]["code"]) == (HTTPStatus.CONFLICT, "BATCH_NOT_RELEASABLE")
    assert caller(f"mint-batches/{NOWHERE}/release/", {})[0] == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("act", ["cancel", "pause", "resume"])
def test_an_act_on_a_job_needs_a_reason(nordhav, caller, act):
    job = queued_job(nordhav, 10)
    status, body = caller(f"mint-jobs/{job.id}/{act}/", {})
    assert status == HTTPStatus.BAD_REQUEST
    assert body["error"]["fields"][0]["field"] == "reason"


def test_a_paused_job_says_since_when(nordhav, caller):
    job = queued_job(nordhav, 10)
    _, body = caller(f"mint-jobs/{job.id}/pause/", {"reason": "wait for labels"})
    assert body["data"]["paused_at"] is not None
    assert body["data"]["status"] == JobStatus.QUEUED
    _, listed = caller("mint-jobs/", method="get")
    assert listed["data"][0]["paused_at"] is not None
    _, body = caller(f"mint-jobs/{job.id}/resume/", {"reason": "labels are here"})
    assert body["data"]["paused_at"] is None


def test_the_brands_queue_shows_what_waits_and_what_is_paused(nordhav, caller):
    queued_job(nordhav, 10)
    other = queued_job(nordhav, 5)
    caller(f"mint-jobs/{other.id}/pause/", {"reason": "wait"})
    status, body = caller("mint-queue/pause/", {"reason": "stocktaking"})
    assert status == HTTPStatus.OK
    queue = body["data"]
    assert queue["live_jobs"] == {"QUEUED": 2, "RESERVED": 0, "PROCESSING": 0}
    assert (queue["units_left"], queue["paused_jobs"], queue["paused_queues"]) == (15, 1, [])
    assert queue["paused"]["reason"] == "stocktaking"
    status, body = caller("mint-queue/pause/", {"reason": "again"})
    assert (status, body["error"]["code"]) == (HTTPStatus.CONFLICT, "ALREADY_PAUSED")
    status, body = caller("mint-queue/resume/", {"reason": "done"})
    assert body["data"]["paused"] is None


def test_a_paused_queue_of_the_operators_is_shown_to_the_brand(nordhav, caller):
    with acting_as("console"), all_brands():
        pause_queue(priority=Priority.HIGH, act=Act("user:1", "maintenance"))
    assert caller("mint-queue/", method="get")[1]["data"]["paused_queues"] == ["high"]


def test_units_are_revoked_and_their_list_says_why(nordhav, caller):
    job = minted(nordhav)
    body = {"tokens": tokens(job)[:2], "reason": "counterfeit", "note": "customs"}
    status, answer = caller("mint-units/revoke/", body)
    assert status == HTTPStatus.OK
    act = answer["data"]
    assert (act["kind"], act["revoked_quantity"], act["status"]) == ("units", 2, "completed")
    _, listed = caller(f"mint-units/?batch={job.batch_id}&status=revoked", method="get")
    assert [unit["revocation_reason"] for unit in listed["data"]] == ["counterfeit"] * 2
    assert {unit["revocation_id"] for unit in listed["data"]} == {act["id"]}
    _, read = caller(f"mint-revocations/{act['id']}/", method="get")
    assert read["data"]["note"] == "customs"
    _, kpis = caller("mint-kpis/", method="get")
    assert (kpis["data"]["minted"], kpis["data"]["revoked"]) == (10, 2)


def test_a_long_revocation_is_accepted_and_worked_through_later(nordhav, caller, settings):
    settings.TIEBACK_CYCLE_SIZE = 4
    job = minted(nordhav)
    status, answer = caller(
        "mint-units/revoke/", {"batch": str(job.batch_id), "reason": "recalled"}
    )
    assert (status, answer["data"]["status"]) == (HTTPStatus.ACCEPTED, "pending")
    with acting_as("worker"):
        while work_next_step() is not None:
            pass
    _, listed = caller("mint-revocations/?status=completed", method="get")
    assert [act["revoked_quantity"] for act in listed["data"]] == [10]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": "stolen"}, "batch"),
        ({"tokens": ["A"], "batch": NOWHERE, "reason": "stolen"}, "batch"),
        ({"batch": NOWHERE, "first_ordinal": 1, "reason": "stolen"}, "last_ordinal"),
        ({"batch": NOWHERE, "last_ordinal": 1, "reason": "stolen"}, "first_ordinal"),
        (
            {"batch": NOWHERE, "first_ordinal": 1, "last_ordinal": 2, "lot": "A", "reason": "lost"},
            "lot",
        ),
        ({"tokens": [], "reason": "stolen"}, "tokens"),
        ({"tokens": ["A"], "reason": "bored"}, "reason"),
        ({"tokens": ["A"]}, "reason"),
        ({"tokens": ["A" * 21], "reason": "lost"}, "tokens[0]"),
        (
            {"batch": NOWHERE, "first_ordinal": 0, "last_ordinal": 2, "reason": "lost"},
            "first_ordinal",
        ),
    ],
)
def test_a_revocation_that_is_not_clear_is_refused_by_field(nordhav, caller, body, field):
    status, answer = caller("mint-units/revoke/", body)
    assert status == HTTPStatus.BAD_REQUEST
    assert field in [fault["field"] for fault in answer["error"]["fields"]]


def test_an_unknown_batch_is_not_found(nordhav, caller):
    status, _ = caller("mint-units/revoke/", {"batch": NOWHERE, "reason": "lost"})
    assert status == HTTPStatus.NOT_FOUND


def test_labels_are_marked_as_printed_and_never_go_back(nordhav, caller):
    job = minted(nordhav)
    path = f"mint-batches/{job.batch_id}/physical-status/"
    status, body = caller(path, {"physical_status": "printed", "note": "press 4"})
    assert (status, body["data"]["physical_status"]) == (HTTPStatus.OK, "printed")
    status, body = caller(path, {"physical_status": "exported"})
    assert (status, body["error"]["code"]) == (HTTPStatus.CONFLICT, "PHYSICAL_STATUS_CONFLICT")
    status, body = caller(path, {"physical_status": "voided"})
    assert status == HTTPStatus.BAD_REQUEST
    with brand_scope(nordhav.brand.id):
        assert MintBatch.objects.get(pk=job.batch_id).physical_status == "printed"
