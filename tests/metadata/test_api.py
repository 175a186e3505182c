"""Documents by the API: members make and read those of their own products."""

from typing import Any
from uuid import uuid4

import pytest

from minting.metadata.pinning import Step, work_next_step
from minting.models import MetadataDocument
from minting.states import MetadataStatus
from tests.factories import make_world
from tests.metadata.conftest import documents
from tests.metadata.test_asking import rename
from tests.planes import acting_as
from tieback.brands.models import Brand
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.django_db(transaction=True)


def path_of(product: Any) -> str:
    return f"/api/v1/products/{product.pk}/metadata/"


def data(answer: Any) -> Any:
    return answer.json()["data"]


@pytest.fixture(autouse=True)
def https(settings: Any) -> None:
    settings.TIEBACK_RESOLVER_SCHEME = "https"


def test_a_pinned_document_is_told_with_every_address(nordhav, product, pinned, client_of):
    document = pinned()
    (told,) = data(client_of(nordhav).get(path_of(product)))
    assert told["cid"] == document.cid
    assert told["uri"] == f"https://nordhav.example/m/{document.short_id}"
    assert told["ipfs_uri"] == f"ipfs://{document.cid}"
    assert told["gateway_url"] == f"https://nordhav.example/ipfs/{document.cid}"
    assert (told["status"], told["driver"], told["size"]) == ("pinned", "embedded", document.size)
    assert (told["passport_version"], told["number"], told["actor"]) == (1, 1, "")
    assert "content" not in told


def test_a_gateway_of_ones_own_is_shown_where_the_settings_name_one(
    nordhav, product, pinned, client_of, settings
):
    settings.IPFS_GATEWAY_URL = "https://gateway.example"
    document = pinned()
    (told,) = data(client_of(nordhav).get(path_of(product)))
    assert told["gateway_url"] == f"https://gateway.example/ipfs/{document.cid}"


def test_what_waits_to_be_composed_has_no_names_yet(nordhav, product, minted, client_of):
    minted()
    (told,) = data(client_of(nordhav).get(path_of(product)))
    names = ("cid", "size", "uri", "ipfs_uri", "gateway_url", "driver", "replaces", "pinned_at")
    assert [told[name] for name in names] == [None, None, None, None, None, "", None, None]
    assert told["status"] == "pending"


def test_a_document_is_made_on_request_and_replaced_with_its_history(
    nordhav, product, pinned, client_of
):
    pinned()
    client = client_of(nordhav)
    same = client.post(path_of(product), {"reason": "nothing new"})
    assert (same.status_code, data(same)["number"]) == (200, 1)
    rename(product, "Fjell coat")
    made = client.post(path_of(product), {"reason": "new name"})
    assert made.status_code == 202
    assert {name: data(made)[name] for name in ("number", "status", "reason", "replaces")} == {
        "number": 2,
        "status": "pending",
        "reason": "new name",
        "replaces": 1,
    }
    with acting_as("worker"):
        assert work_next_step() is Step.PINNED
    newest, oldest = data(client.get(path_of(product)))
    assert (newest["number"], newest["replaces"], newest["replaced_by"]) == (2, 1, None)
    assert (oldest["number"], oldest["replaces"], oldest["replaced_by"]) == (1, None, 2)
    assert newest["actor"].startswith("credential:")


def test_a_request_that_is_repeated_is_answered_as_before(nordhav, product, client_of):
    client = client_of(nordhav)
    key = {"HTTP_IDEMPOTENCY_KEY": str(uuid4())}
    first, second = (
        client.post(path_of(product), {"reason": "for the shop"}, **key) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["data"] == second.json()["data"]
    assert len(documents(product)) == 1


def test_the_history_is_filtered_and_ordered(nordhav, product, pinned, client_of):
    pinned()
    rename(product, "Fjell coat")
    client = client_of(nordhav)
    client.post(path_of(product), {"reason": "new name"})
    assert [one["number"] for one in data(client.get(path_of(product)))] == [2, 1]
    assert [one["number"] for one in data(client.get(f"{path_of(product)}?ordering=number"))] == [
        1,
        2,
    ]
    pending = data(client.get(f"{path_of(product)}?status=pending"))
    assert [one["number"] for one in pending] == [2]
    assert client.get(f"{path_of(product)}?status=lost").status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": 7}, "reason"),
        ({"reason": "x", "passport_version": 0}, "passport_version"),
        ({"reason": "x", "passport_version": "1"}, "passport_version"),
        ({"reason": "x", "passport_version": 9}, "passport_version"),
        ({"reason": "x", "cid": "bafkrei"}, "cid"),
    ],
)
def test_bad_bodies_are_refused_by_field(nordhav, product, client_of, body, field):
    answer = client_of(nordhav).post(path_of(product), body)
    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()["error"]["fields"]] == [field]
    assert documents(product) == []


def test_an_unsound_document_is_refused_with_what_to_mend(nordhav, product, client_of):
    with acting_as("console"), all_brands():
        Brand.objects.filter(pk=nordhav.brand.pk).update(resolver_host="")
    answer = client_of(nordhav).post(path_of(product), {"reason": "x"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "METADATA_INVALID")
    assert {fault["field"] for fault in error["fields"]} == {"external_url", "properties"}


def test_scopes_decide_who_reads_and_who_makes(nordhav, product, client_of):
    reader = client_of(nordhav, scopes=("products:read",))
    assert reader.get(path_of(product)).status_code == 200
    assert reader.post(path_of(product), {"reason": "x"}).status_code == 403
    other = client_of(nordhav, scopes=("mints:write",))
    assert other.get(path_of(product)).status_code == 403


def test_nobody_reaches_another_brands_documents(nordhav, product, pinned, client_of):
    pinned()
    with acting_as("web"):
        strangers = make_world("strangers")
    client = client_of(strangers)
    assert client.get(path_of(product)).status_code == 404
    assert client.post(path_of(product), {"reason": "x"}).status_code == 404
    assert len(documents(product)) == 1


def test_a_failed_document_tells_its_error_and_goes_on_when_asked(
    nordhav, product, minted, client_of
):
    minted()
    with acting_as("worker"), all_brands():
        MetadataDocument.objects.update(
            status=MetadataStatus.FAILED, consecutive_errors=1, last_error="Pinata refused"
        )
    client = client_of(nordhav)
    (told,) = data(client.get(path_of(product)))
    assert (told["status"], told["last_error"]) == ("failed", "Pinata refused")
    assert data(client.post(path_of(product), {"reason": "mended"}))["status"] == "pending"
