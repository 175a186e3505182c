"""Every URL that changes something: sent again with its key, it is answered and writes nothing.

The cases are made from the URLconf and ``asks.py``, so a new URL takes part by itself.
"""

import json
import zlib
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.http import HttpResponse

from tests.platform.asks import ASKS, ask_of, path_of, send
from tests.platform.callers import Caller, callers_of
from tests.platform.conftest import TwoBrands
from tests.platform.description import description, resolved
from tests.platform.furnishing import Furnished
from tests.platform.routes import Route, brand_routes
from tests.platform.test_isolation import body_for
from tieback.api.idempotency import SHOWN_ONCE, UNSAFE
from tieback.api.models import KeptAnswer
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db

WRITES = [
    (route, method)
    for route in brand_routes()
    for method in sorted(UNSAFE)
    if hasattr(route.view, method.lower())
]
#: Why a URL keeps no answers, and what it answers when it is repeated.
OTHERWISE = {
    "mint-request": (200, "its job keeps the key for ever"),
    "preflight": (200, "it writes nothing"),
    "cost-estimate": (200, "it writes nothing"),
}
#: Where even the furnished brand is refused, nothing is kept.
KEPT = [
    (route, method)
    for route, method in WRITES
    if route.name not in OTHERWISE and ask_of(route, method).success < 400
]

each_write = pytest.mark.parametrize(("route", "method"), WRITES, ids=str)
each_kept = pytest.mark.parametrize(("route", "method"), KEPT, ids=str)


@pytest.fixture(autouse=True)
def undo(db: None):
    """Roll back what a test does to the two brands."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def owner_of(brand: Furnished) -> Caller:
    """Return a person: a credential's use is noted, which would count as writing."""
    return callers_of(brand)[0]


def written() -> int:
    """Return how many rows this transaction has inserted, changed or deleted so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint from pg_stat_xact_user_tables"
        )
        return int(cursor.fetchone()[0])


def kept_by(brand: Furnished) -> list[KeptAnswer]:
    with brand_scope(brand.world.brand.id):
        return list(KeptAnswer.objects.exclude(operation__endswith=brand.slug.partition("-")[0]))


def told(response: HttpResponse) -> dict[str, Any]:
    return json.loads(response.content or b'{"data": null, "meta": {}}')


def without(data: Any, paths: list[str]) -> Any:
    """Return an answer's data with null where the repeated one does not repeat a secret."""
    copy = json.loads(json.dumps(data))
    for path in paths:
        *parents, name = path.split(".")
        part = copy
        for parent in parents:
            part = part[parent]
        part[name] = None
    return copy


@each_kept
def test_a_repeated_request_is_answered_as_before_and_writes_nothing(
    route: Route, method: str, two_brands: TwoBrands
):
    own = two_brands.own
    body, path = body_for(route, method, own), path_of(route, own)
    headers = {**owner_of(own).headers, "Idempotency-Key": str(uuid4())}

    first = send(method, path, body, headers=headers)
    before = written()
    again = send(method, path, body, headers=headers)

    assert first.status_code == ask_of(route, method).success, first.content
    assert "Idempotency-Replayed" not in first
    assert written() == before
    assert (again.status_code, again["Idempotency-Replayed"]) == (first.status_code, "true")
    hidden = told(again)["meta"].get("not_repeated", [])
    assert told(again)["data"] == without(told(first)["data"], hidden)
    assert again["X-Request-Id"] != first["X-Request-Id"]
    if again.content:
        assert told(again)["meta"]["request_id"] == again["X-Request-Id"]


@each_kept
def test_without_a_key_nothing_is_kept(route: Route, method: str, two_brands: TwoBrands):
    own = two_brands.own
    headers = {**owner_of(own).headers, "Idempotency-Key": None}
    response = send(method, path_of(route, own), body_for(route, method, own), headers=headers)
    assert response.status_code == ask_of(route, method).success
    assert kept_by(own) == []


@each_kept
def test_a_key_sent_with_another_request_is_refused(
    route: Route, method: str, two_brands: TwoBrands
):
    own = two_brands.own
    body, path = body_for(route, method, own), path_of(route, own)
    headers = {**owner_of(own).headers, "Idempotency-Key": str(uuid4())}
    send(method, path, body, headers=headers)
    before = written()
    other = send(method, f"{path}?another=1", body, headers=headers)
    assert (other.status_code, told(other)["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert written() == before


@each_kept
def test_a_kept_answer_holds_neither_the_key_nor_what_is_shown_once(
    route: Route, method: str, two_brands: TwoBrands
):
    own, key = two_brands.own, f"key-{uuid4()}"
    headers = {**owner_of(own).headers, "Idempotency-Key": key}
    first = send(method, path_of(route, own), body_for(route, method, own), headers=headers)
    (row,) = kept_by(own)
    stored = zlib.decompress(bytes(row.answer)).decode()
    assert key not in stored + row.operation + row.principal
    for secret in secrets_in(told(first)["data"]):
        assert secret not in stored


def secrets_in(data: Any) -> list[str]:
    """Return the texts of an answer that stand under a name of a secret."""
    if not isinstance(data, dict):
        return []
    here = [value for name, value in data.items() if name in SHOWN_ONCE and value]
    return here + [secret for value in data.values() for secret in secrets_in(value)]


def test_a_mint_request_is_answered_from_its_job_and_a_preflight_anew(two_brands: TwoBrands):
    own = two_brands.own
    owner = owner_of(own).headers
    for route, method in WRITES:
        if route.name in OTHERWISE:
            headers = {**owner, "Idempotency-Key": str(uuid4())}
            body, path = body_for(route, method, own), path_of(route, own)
            send(method, path, body, headers=headers)
            before = written()
            again = send(method, path, body, headers=headers)
            assert (again.status_code, written()) == (OTHERWISE[route.name][0], before)
            is_job = route.name == "mint-request"
            assert ("Idempotency-Replayed" in again) == is_job
            assert told(again)["data"].get("is_duplicate") is (True if is_job else None)


def test_only_the_named_urls_keep_no_answers():
    exempt = {route.name for route, _ in WRITES if not route.view.keeps_answers}
    assert exempt == set(OTHERWISE)
    assert {(route.name, method) for route, method in WRITES} == set(ASKS)


@each_write
def test_the_key_is_described_and_secrets_may_be_null(route: Route, method: str):
    path = route.path(**{name: f"{{{name}}}" for name in route.arguments})
    operation = description()["paths"][path][method.lower()]
    keys = [item for item in operation["parameters"] if item["name"] == "Idempotency-Key"]
    assert len(keys) == (0 if route.name in {"preflight", "cost-estimate"} else 1)
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).get("application/json")
        if status.startswith("2") and content and route.view.keeps_answers:
            data = resolved(content["schema"]["properties"]["data"])
            for name in route.view.shown_once & set(data.get("properties", {})):
                field = data["properties"][name]
                assert field.get("nullable"), f"{operation['operationId']}: use ShownOnceField"
