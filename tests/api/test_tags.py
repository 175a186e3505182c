"""Putting NFC tags on units and listing them over HTTP."""

import secrets
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from resolver.tag_registry import MOST_TAGS
from tests.factories import BrandWorld, make_world
from tests.resolver.units import Minted, mint
from tieback.brands.credentials import issue_credential
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db(transaction=True)

UID = "04A1B2C3D4E5F6"


@pytest.fixture
def nordhav(transactional_db) -> BrandWorld:
    return make_world("nordhav")


@pytest.fixture
def minted(nordhav) -> Minted:
    return mint(nordhav, 2)


@pytest.fixture
def client(nordhav) -> Client:
    with brand_scope(nordhav.brand.id):
        credential = issue_credential(brand_id=nordhav.brand.id, name=secrets.token_hex(4))
    return Client(headers={"X-Api-Key": credential.header})


def register(client: Client, body: Any) -> tuple[int, Any]:
    answer = client.post("/api/v1/tags/", body, "application/json")
    return answer.status_code, answer.json()


def listed(client: Client, **query: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/tags/", query)
    assert answer.status_code == HTTPStatus.OK
    return answer.json()["data"]


def test_tags_are_registered_and_found_by_uid_unit_and_batch(client, minted):
    status, body = register(client, {"tags": [{"uid": UID.lower(), "token": minted.tokens[0]}]})
    assert (status, body["data"]) == (
        HTTPStatus.OK,
        {"registered": 1, "moved": 0, "unchanged": 0},
    )
    (tag,) = listed(client)
    assert (tag["uid"], tag["token"]) == (UID, minted.tokens[0])
    assert (tag["last_counter"], tag["last_tap_at"]) == (None, None)
    for query in ({"uid": UID.lower()}, {"token": minted.tokens[0]}, {"batch": minted.batch.id}):
        assert listed(client, **query) == [tag]
    assert listed(client, token=minted.tokens[1]) == []


def test_a_tag_is_moved_where_that_is_asked_for(client, minted):
    for token, move, status in (
        (minted.tokens[0], False, HTTPStatus.OK),
        (minted.tokens[1], False, HTTPStatus.BAD_REQUEST),
        (minted.tokens[1], True, HTTPStatus.OK),
    ):
        body = {"tags": [{"uid": UID, "token": token}], "move": move}
        assert register(client, body)[0] == status


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "tags", "REQUIRED"),
        ({"tags": []}, "tags", "MIN_LENGTH"),
        ({"tags": "04"}, "tags", "NOT_A_LIST"),
        ({"tags": [{"uid": UID}]}, "tags[0].token", "REQUIRED"),
        ({"tags": [{"uid": "04A1", "token": "2" * 20}]}, "tags[0].uid", "INVALID_FORMAT"),
        ({"tags": [{"uid": UID[:-1] + "G", "token": "2" * 20}]}, "tags[0].uid", "INVALID_FORMAT"),
        ({"tags": [{"uid": UID, "token": "1,2"}]}, "tags[0].token", "INVALID_FORMAT"),
        ({"tags": [{"uid": 4, "token": "2" * 20}]}, "tags[0].uid", "INVALID"),
        ({"tags": [{"uid": UID, "token": "2" * 20}]}, "tags[0].token", "NOT_FOUND"),
        ({"tags": [{"uid": UID, "token": "2" * 20}], "move": 1}, "move", "INVALID"),
        ({"tags": [{"uid": UID, "token": "2" * 20, "x": 1}]}, "tags[0].x", "UNKNOWN_FIELD"),
    ],
)
def test_a_bad_body_is_refused_with_its_field(client, body, field, code):
    status, answer = register(client, body)
    assert status == HTTPStatus.BAD_REQUEST
    assert (field, code) in [(one["field"], one["code"]) for one in answer["error"]["fields"]]


def test_more_tags_than_one_request_takes_are_refused(client):
    tags = [{"uid": UID, "token": "2" * 20}] * (MOST_TAGS + 1)
    status, answer = register(client, {"tags": tags})
    assert status == HTTPStatus.BAD_REQUEST
    assert answer["error"]["fields"][0]["field"] == "tags"
