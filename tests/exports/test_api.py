"""Packs over the API: who may list, build and download them, and what each act leaves behind."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import urllib3
from django.utils import timezone
from rest_framework.test import APIClient

from exports.models import PackBuild, PackStatus
from exports.worker import work_next_build
from minting import pipeline
from minting.models import MintBatch, MintEvent
from minting.states import BatchStatus
from tests.exports.batches import (
    build_of,
    events_of,
    minted_batch,
    packs_of,
    queued_build,
    stored,
)
from tests.factories import BrandWorld, make_world
from tests.planes import acting_as
from tieback.brands.models import AuditEntry
from tieback.brands.roles import DEFAULT_SCOPES, Role
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("small_packs")]

_pool = urllib3.PoolManager()


@pytest.fixture
def bells(monkeypatch) -> list[str]:
    """The hints of the bells that were rung."""
    rung: list[str] = []
    monkeypatch.setattr(
        pipeline, "ring_step", lambda name, hint, **_: rung.append(f"{name} {hint}") or True
    )
    return rung


@pytest.fixture
def batch(brand: BrandWorld) -> MintBatch:
    """A minted batch of 25 units that nobody asked packs of."""
    return minted_batch(brand, 25)


@pytest.fixture
def exported(batch: MintBatch) -> MintBatch:
    """The same with its three packs built."""
    queued_build(batch)
    with acting_as("worker"):
        work_next_build()
    return batch


@pytest.fixture
def caller(brand: BrandWorld, client_of) -> APIClient:
    """A client with every default scope of the brand."""
    return client_of(brand)


@pytest.fixture
def person(brand: BrandWorld) -> Callable[[Role], APIClient]:
    """Return a function that makes the client of a person with a role in the brand."""

    def make(role: Role) -> APIClient:
        client = APIClient()
        client.default_format = "json"
        client.force_authenticate(brand.people[role])
        return client

    return make


def packs_path(batch: MintBatch) -> str:
    return f"/api/v1/mint-batches/{batch.id}/packs/"


def download_path(batch: MintBatch, number: int = 1) -> str:
    return f"/api/v1/packs/{packs_of(batch)[number - 1].id}/download/"


def refusal(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def audits(brand: BrandWorld) -> list[AuditEntry]:
    with brand_scope(brand.brand.id):
        return list(AuditEntry.objects.order_by("id"))


def test_packs_are_listed_with_how_far_the_build_is(caller, exported):
    answer = caller.get(packs_path(exported))
    assert answer.status_code == 200
    rows, build = answer.json()["data"], answer.json()["meta"]["build"]
    assert [(row["number"], row["filename"], row["row_count"]) for row in rows] == [
        (1, "pack-00001.csv", 10),
        (2, "pack-00002.csv", 10),
        (3, "pack-00003.csv", 5),
    ]
    assert [row["sha256"] for row in rows] == [pack.sha256 for pack in packs_of(exported)]
    assert (build["status"], build["packs_done"], build["pack_count"]) == ("completed", 3, 3)
    assert build["manifest_sha256"] == build_of(exported).manifest_sha256
    assert "storage_key" not in rows[0]


def test_a_batch_that_nobody_asked_packs_of_has_no_build(caller, batch):
    answer = caller.get(packs_path(batch)).json()
    assert (answer["data"], answer["meta"]["build"]) == ([], None)


def test_a_build_that_waits_says_so_and_hides_nothing(caller, batch):
    queued_build(batch)
    build = caller.get(packs_path(batch)).json()["meta"]["build"]
    assert (build["status"], build["packs_done"], build["manifest_sha256"]) == ("pending", 0, None)


def test_the_list_is_paged_and_filtered(caller, exported):
    seen, cursor = [], ""
    while cursor is not None:
        page = caller.get(
            packs_path(exported), {"page_size": 2, "cursor": cursor} if cursor else {"page_size": 2}
        ).json()
        seen += [row["number"] for row in page["data"]]
        cursor = page["meta"]["next_cursor"]
    assert seen == [1, 2, 3]
    done = caller.get(packs_path(exported), {"status": "completed"}).json()["data"]
    waiting = caller.get(packs_path(exported), {"status": "pending"}).json()["data"]
    assert (len(done), len(waiting)) == (3, 0)
    assert refusal(caller.get(packs_path(exported), {"stauts": "x"})) == (400, "VALIDATION_ERROR")


def test_asking_for_packs_queues_a_build_rings_and_is_audited(caller, brand, batch, bells):
    answer = caller.post(packs_path(batch), {})
    body = answer.json()["data"]
    build = build_of(batch)
    assert answer.status_code == 202
    assert (body["id"], body["status"], body["is_duplicate"]) == (str(build.pk), "pending", False)
    assert bells == [f"exports.build {build.pk}"]
    assert events_of(batch) == ["packs.requested"]
    (entry,) = audits(brand)
    assert (entry.action, entry.target_id) == ("packs.requested", str(build.pk))
    assert entry.actor.startswith("credential:mk_live_")


def test_asking_again_changes_nothing_and_rings_once_more(caller, brand, batch, bells):
    caller.post(packs_path(batch), {})
    again = caller.post(packs_path(batch), {})
    assert again.status_code == 202
    assert again.json()["data"]["is_duplicate"] is True
    assert len(bells) == 2
    assert len(audits(brand)) == 1
    with all_brands(), acting_as("worker"):
        assert PackBuild.objects.filter(batch=batch).count() == 1


def test_asking_for_finished_packs_says_that_they_are_there(caller, exported, bells):
    answer = caller.post(packs_path(exported), {})
    assert answer.status_code == 202
    assert answer.json()["data"]["status"] == "completed"
    assert answer.json()["data"]["is_duplicate"] is True
    assert bells == []


def test_a_failed_build_that_is_asked_for_goes_on(caller, batch, bells, monkeypatch, settings):
    settings.MAX_RETRIES = 1
    queued_build(batch)
    from exports import packs, storage

    real = storage.put

    def second_fails(key, content, **options):
        if key.endswith("pack-00002.csv"):
            raise RuntimeError("no")
        real(key, content, **options)

    with monkeypatch.context() as broken, acting_as("worker"):
        broken.setattr(packs, "UPLOADS_AT_ONCE", 1)
        broken.setattr(storage, "put", second_fails)
        work_next_build()
    listed = caller.get(packs_path(batch)).json()
    assert [row["status"] for row in listed["data"]] == ["completed", "failed", "pending"]
    assert (
        listed["meta"]["build"]["last_error"]
        == "Internal error RuntimeError; the worker's log has it."
    )
    first = packs_of(batch)[0].completed_at
    answer = caller.post(packs_path(batch), {}).json()["data"]
    assert (answer["status"], answer["is_duplicate"]) == ("pending", False)
    assert len(bells) == 1
    with acting_as("worker"):
        work_next_build()
    assert build_of(batch).status == PackStatus.COMPLETED
    assert packs_of(batch)[0].completed_at == first


@pytest.mark.parametrize("status", [BatchStatus.QUEUED, BatchStatus.PROCESSING, BatchStatus.FAILED])
def test_packs_of_a_batch_that_is_not_minted_are_refused(caller, brand, status, bells):
    batch = minted_batch(brand, 5, status=status, minted_at=None)
    assert refusal(caller.post(packs_path(batch), {})) == (409, "BATCH_NOT_MINTED")
    assert bells == []
    assert caller.get(packs_path(batch)).json()["meta"]["build"] is None


def test_units_of_a_cancelled_batch_can_still_be_exported(caller, brand, bells):
    batch = minted_batch(brand, 5, status=BatchStatus.CANCELLED, requested_quantity=9)
    assert caller.post(packs_path(batch), {}).status_code == 202
    with acting_as("worker"):
        work_next_build()
    assert packs_of(batch)[0].row_count == 5


def test_a_field_in_the_body_is_refused(caller, batch):
    answer = caller.post(packs_path(batch), {"format": "xlsx"})
    assert refusal(answer) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"]["fields"][0]["field"] == "format"


def test_a_pack_is_downloaded_by_a_url_that_needs_nothing_else(caller, exported):
    answer = caller.post(download_path(exported, 3))
    body, pack = answer.json()["data"], packs_of(exported)[2]
    file = _pool.request("GET", body["url"])
    assert answer.status_code == 200
    assert file.status == 200
    assert file.data == stored(pack.storage_key)
    assert hashlib.sha256(file.data).hexdigest() == body["sha256"] == pack.sha256
    assert (body["byte_size"], body["row_count"]) == (len(file.data), 5)
    assert body["filename"] in file.headers["Content-Disposition"]
    left = datetime.fromisoformat(body["expires_at"]) - timezone.now()
    assert timedelta(seconds=285) < left <= timedelta(seconds=300)
    assert "no-store" in answer["Cache-Control"]


def test_the_manifest_is_downloaded_likewise(caller, exported):
    body = caller.post(f"{packs_path(exported)}manifest/").json()["data"]
    file = _pool.request("GET", body["url"])
    assert file.headers["Content-Type"] == "application/json"
    assert hashlib.sha256(file.data).hexdigest() == body["sha256"]
    assert file.json()["batch_id"] == str(exported.id)
    assert body["row_count"] == 25


def test_every_download_is_audited_and_told(caller, brand, exported):
    caller.post(download_path(exported), HTTP_X_REQUEST_ID="request-7")
    caller.post(f"{packs_path(exported)}manifest/")
    pack, manifest = audits(brand)
    assert (pack.action, pack.target_type) == ("pack.downloaded", "payload_pack")
    assert pack.target_id == str(packs_of(exported)[0].id)
    assert pack.request_id == "request-7"
    assert pack.after["sha256"] == packs_of(exported)[0].sha256
    assert (manifest.action, manifest.target_type) == ("pack.downloaded", "pack_build")
    assert manifest.after["file"] == "manifest.json"
    with brand_scope(brand.brand.id):
        events = list(MintEvent.objects.filter(type="pack.downloaded").order_by("id"))
    assert [event.data["file"] for event in events] == ["pack-00001.csv", "manifest.json"]
    assert events[0].actor == pack.actor
    signature = "X-Amz-Signature"
    assert not any(signature in str(row) for row in (pack.after, events[0].data))


def test_a_pack_that_is_not_built_cannot_be_downloaded(caller, brand, batch, settings):
    settings.TIEBACK_WINDOW_SECONDS = 0
    queued_build(batch)
    with acting_as("worker"):
        work_next_build()
    assert caller.post(download_path(batch, 1)).status_code == 200
    assert refusal(caller.post(download_path(batch, 2))) == (409, "PACK_NOT_READY")
    assert refusal(caller.post(f"{packs_path(batch)}manifest/")) == (409, "PACK_NOT_READY")
    assert len(audits(brand)) == 1


def test_another_brand_finds_nothing(exported, client_of):
    other = make_world("strangers")
    stranger = client_of(other)
    asked = [
        stranger.get(packs_path(exported)),
        stranger.post(packs_path(exported), {}),
        stranger.post(f"{packs_path(exported)}manifest/"),
        stranger.post(download_path(exported)),
    ]
    assert [refusal(answer) for answer in asked] == [(404, "NOT_FOUND")] * 4
    assert audits(other) == []
    assert "pack.downloaded" not in events_of(exported)


def test_ids_that_are_unknown_or_malformed_find_nothing(caller, brand):
    for wrong in (uuid4(), "1", "%00", "x" * 36, "../packs"):
        for path in (
            f"mint-batches/{wrong}/packs/",
            f"mint-batches/{wrong}/packs/manifest/",
            f"packs/{wrong}/download/",
        ):
            assert caller.post(f"/api/v1/{path}", {}).status_code == 404, path
        assert caller.get(f"/api/v1/mint-batches/{wrong}/packs/").status_code == 404


MANAGERS = {Role.OWNER, Role.ADMIN}


@pytest.mark.parametrize("role", list(Role))
def test_any_member_lists_and_managers_build_and_download(person, exported, role, bells):
    client = person(role)
    allowed = role in MANAGERS
    assert client.get(packs_path(exported)).status_code == 200
    assert client.head(packs_path(exported)).status_code == 200
    assert client.post(packs_path(exported), {}).status_code == (202 if allowed else 403)
    for path in (download_path(exported), f"{packs_path(exported)}manifest/"):
        assert client.post(path).status_code == (200 if allowed else 403)
    assert events_of(exported).count("pack.downloaded") == (2 if allowed else 0)


@pytest.mark.parametrize(
    ("scopes", "lists", "builds", "downloads"),
    [
        (("packs:read",), True, False, True),
        (("packs:write",), False, True, False),
        (("mints:read",), True, False, False),
        (("products:read",), False, False, False),
        (DEFAULT_SCOPES, True, True, True),
    ],
)
def test_a_credential_does_what_its_scopes_say(
    brand, client_of, exported, bells, scopes, lists, builds, downloads
):
    client = client_of(brand, scopes)
    answers = (
        client.get(packs_path(exported)).status_code == 200,
        client.post(packs_path(exported), {}).status_code == 202,
        client.post(download_path(exported)).status_code == 200,
    )
    assert answers == (lists, builds, downloads)


def test_nobody_without_credentials_sees_anything(exported):
    client = APIClient()
    for answer in (
        client.get(packs_path(exported)),
        client.post(packs_path(exported), {}),
        client.post(download_path(exported)),
    ):
        assert refusal(answer) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "download"), ("put", "packs"), ("delete", "packs"), ("get", "manifest")],
)
def test_other_methods_are_not_offered(caller, exported, method, path):
    addresses = {
        "download": download_path(exported),
        "packs": packs_path(exported),
        "manifest": f"{packs_path(exported)}manifest/",
    }
    assert refusal(getattr(caller, method)(addresses[path])) == (405, "METHOD_NOT_ALLOWED")


def test_the_openapi_document_names_the_four_operations(client):
    document = client.get("/api/schema/", HTTP_ACCEPT="application/json").json()
    named = {
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "operationId" in operation
    }
    assert {
        "list_payload_packs",
        "build_payload_packs",
        "download_payload_pack",
        "download_pack_manifest",
    } <= named
