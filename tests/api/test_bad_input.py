"""Whatever is sent, to whichever endpoint: a 4xx in the envelope that names the fault, never a 500.

The endpoints and their fields come from the URLconf and from the API's own description.
"""

import codecs
import json
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from minting.api.imports import ImportView
from tests.platform.asks import ask_of, path_of
from tests.platform.conftest import TwoBrands
from tests.platform.description import body_fields, operation, query_parameters, resolved
from tests.platform.furnishing import Furnished
from tests.platform.routes import Route, brand_routes, routes
from tests.platform.test_isolation import undone
from tests.shares import taken

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quiet")]

CHANGING = ("POST", "PUT", "PATCH", "DELETE")
#: What endpoints outside any brand are sent when nothing is wrong.
OUTSIDE = {
    "token": {"email": "person@nordhav.example", "password": "a password"},
    "token-refresh": {"refresh": "a token"},
    "session": {"email": "person@nordhav.example", "password": "a password"},
    "invitation-accept": {"token": "a token", "password": "a password"},
}


def changing_endpoints() -> list[tuple[Route, str]]:
    """Return every endpoint of the API that takes a body."""
    return [
        (route, method)
        for route in routes()
        if route.pattern.startswith("api/v1/")
        for method in CHANGING
        if hasattr(route.view, method.lower())
    ]


def takes_json(route: Route, method: str) -> bool:
    return body_fields(route, method) is not None and not issubclass(route.view, ImportView)


ENDPOINTS = changing_endpoints()
JSON_ENDPOINTS = [(route, method) for route, method in ENDPOINTS if takes_json(route, method)]
OTHERS = [endpoint for endpoint in ENDPOINTS if endpoint not in JSON_ENDPOINTS]
each_json_endpoint = pytest.mark.parametrize(("route", "method"), JSON_ENDPOINTS, ids=str)


def good_body(route: Route, method: str, brand: Furnished) -> dict[str, Any]:
    """Return the body with which the endpoint would succeed, or come near it."""
    if route.name in OUTSIDE:
        return dict(OUTSIDE[route.name])
    ask = ask_of(route, method)
    return dict(ask.body(brand)) if ask.body else {}


def send(
    route: Route, method: str, brand: Furnished, content: bytes, kind: str = "application/json"
) -> HttpResponse:
    path = path_of(route, brand) if route.is_of_a_brand else route.path()
    headers = {"X-Api-Key": brand.all_scopes.header, "Idempotency-Key": "once"}
    with undone():
        return Client(headers=headers, raise_request_exception=False).generic(
            method, path, content, content_type=kind
        )


def faults(response: HttpResponse, *, status: int = 400) -> list[dict[str, Any]]:
    """Check the refusal's shape and return the faults it lists."""
    body = json.loads(response.content)
    assert (response.status_code, body["ok"]) == (status, False), body
    assert body["meta"]["request_id"] == response["X-Request-Id"]
    found: list[dict[str, Any]] = body["error"]["fields"]
    if status == 400:
        assert body["error"]["code"] == "VALIDATION_ERROR"
        assert found, "a refusal names at least one field"
    return found


def named(response: HttpResponse) -> set[str]:
    return {fault["field"] for fault in faults(response)}


NOT_AN_OBJECT = {
    "null": b"null",
    "list": b"[]",
    "text": b'"text"',
    "number": b"5",
    "true": b"true",
    "cut": b'{"a": ',
    "two": b"{} {}",
    "single quotes": b"{'a': 1}",
    "comment": b"{} // done",
    "trailing comma": b'{"a": 1,}',
    "bare control character": b'{"a": "\x01"}',
    "blank": b"   ",
    "bom": codecs.BOM_UTF8 + b"{}",
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "utf-32": '{"a": 1}'.encode("utf-32"),
    "latin-1": '{"a": "\u00e9"}'.encode("latin-1"),
    "overlong": b'{"a": "\xc0\x80"}',
    "encoded surrogate": b'{"a": "\xed\xa0\x80"}',
    "nul byte": b'{"a": 1}\x00',
    "nan": b'{"a": NaN}',
    "infinity": b'{"a": Infinity}',
    "minus infinity": b'{"a": -Infinity}',
    "endless number": b'{"a": 1e999}',
    "5,000 digits": b'{"a": ' + b"9" * 5_000 + b"}",
    "given twice": b'{"a": 1, "a": 2}',
    "deep list": b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep list unclosed": b"[" * 100_000,
    "deep object": b'{"a": ' * 100_000 + b"1" + b"}" * 100_000,
}


@each_json_endpoint
def test_a_body_that_is_no_json_object_is_refused(route, method, two_brands: TwoBrands):
    for kind, content in NOT_AN_OBJECT.items():
        assert named(send(route, method, two_brands.own, content)) == {"body"}, kind


@each_json_endpoint
def test_values_no_column_can_hold_are_named(route, method, two_brands: TwoBrands):
    for value in ('"a\\u0000b"', '"\\ud800"', '["\\udfff\\ud800"]', '{"\\u0000": 1}'):
        content = b'{"wrong": ' + value.encode() + b"}"
        (field,) = named(send(route, method, two_brands.own, content))
        assert field.startswith("wrong"), value


@each_json_endpoint
def test_nesting_beyond_the_limit_is_named(route, method, two_brands: TwoBrands):
    content = json.dumps({"wrong": [[[]]]}).replace("[]", "[" * 40 + "]" * 40).encode()
    (field,) = named(send(route, method, two_brands.own, content))
    assert field.startswith("wrong")


@each_json_endpoint
def test_an_unknown_field_is_named_even_in_a_good_body(route, method, two_brands: TwoBrands):
    body = good_body(route, method, two_brands.own) | {"quantitiy": 1, "brand_id": "x"}
    response = send(route, method, two_brands.own, json.dumps(body).encode())
    found = {(fault["field"], fault["code"]) for fault in faults(response)}
    assert found == {("quantitiy", "UNKNOWN_FIELD"), ("brand_id", "UNKNOWN_FIELD")}


@each_json_endpoint
def test_a_crowd_of_unknown_fields_gets_a_short_answer(route, method, two_brands: TwoBrands):
    content = json.dumps({f"field {number}": 1 for number in range(20_000)}).encode()
    response = send(route, method, two_brands.own, content)
    assert faults(response)
    assert len(response.content) < 50_000


@each_json_endpoint
def test_a_body_of_ten_megabytes_is_too_large(route, method, two_brands: TwoBrands):
    content = b'{"wrong": "' + b"x" * 10_000_000 + b'"}'
    faults(send(route, method, two_brands.own, content), status=413)


def takes_nothing(route: Route, method: str) -> bool:
    # Signing out is one request for every client; deleting has no body (RFC 9110, section 9.3.5).
    is_other = (route, method) in OTHERS and method != "DELETE" and route.is_of_a_brand
    return is_other and "requestBody" not in (operation(route, method) or {})


@pytest.mark.parametrize(
    ("route", "method"), [one for one in OTHERS if takes_nothing(*one)], ids=str
)
def test_a_field_is_named_where_there_is_nothing_to_say(route, method, two_brands: TwoBrands):
    response = send(route, method, two_brands.own, b'{"quantity": 1}')
    assert [(fault["field"], fault["code"]) for fault in faults(response)] == [
        ("quantity", "UNKNOWN_FIELD")
    ]


@pytest.mark.parametrize(("route", "method"), OTHERS, ids=str)
def test_an_endpoint_without_a_json_body_is_not_troubled_by_one(
    route, method, two_brands: TwoBrands
):
    for content in (b"", b"{}", b"null", b"\xff\x00", b'{"a": NaN}', b"[" * 100_000):
        response = send(route, method, two_brands.own, content)
        assert response.status_code < 500
        if response.status_code >= 400:
            faults(response, status=response.status_code)


@each_json_endpoint
def test_required_fields_are_all_named_when_nothing_is_sent(route, method, two_brands: TwoBrands):
    needed = required(route, method)
    for content in (b"", b"{}"):
        response = send(route, method, two_brands.own, content)
        if needed:
            assert named(response) == needed
        else:
            expected = ask_of(route, method).success
            assert response.status_code < 300 or response.status_code == expected


def required(route: Route, method: str) -> set[str]:
    """Return the fields an empty body lacks, by the endpoint's own word."""
    told = operation(route, method) or {}
    schema = resolved(told["requestBody"]["content"]["application/json"]["schema"])
    return set(schema.get("required", []))


WRONG: dict[str, list[object]] = {
    "string": [5, 1.5, True, [], {}, ["text"]],
    "integer": ["5", 1.5, True, [], {}, 10**30, -(10**30)],
    "array": ["text", 5, True, {}],
    "object": ["text", 5, True, []],
    "boolean": ["maybe", 5, [], {}],
}


@each_json_endpoint
def test_a_value_of_the_wrong_type_is_named(route, method, two_brands: TwoBrands):
    good = good_body(route, method, two_brands.own)
    for name, field in (body_fields(route, method) or {}).items():
        values = WRONG[field.get("type", "string")]
        for value in [*values, *([] if field.get("nullable") else [None])]:
            response = send(
                route, method, two_brands.own, json.dumps(good | {name: value}).encode()
            )
            assert any(fault.startswith(name) for fault in named(response)), (name, value)


@each_json_endpoint
def test_text_longer_than_the_field_takes_is_named(route, method, two_brands: TwoBrands):
    good = good_body(route, method, two_brands.own)
    for name, field in (body_fields(route, method) or {}).items():
        if "maxLength" in field:
            longer = json.dumps(good | {name: "x" * (field["maxLength"] + 1)}).encode()
            assert name in named(send(route, method, two_brands.own, longer)), name


# Queries ---------------------------------------------------------------------------------------

LISTS = [route for route in brand_routes() if "page_size" in query_parameters(route)]
each_list = pytest.mark.parametrize("route", LISTS, ids=str)


def ask(route: Route, brand: Furnished, query: str) -> HttpResponse:
    path, _, needed = path_of(route, brand).partition("?")
    client = Client(headers={"X-Api-Key": brand.all_scopes.header}, raise_request_exception=False)
    return client.get(f"{path}?{'&'.join(part for part in (needed, query) if part)}")


@each_list
def test_a_query_that_is_not_understood_is_named(route, two_brands: TwoBrands):
    own = two_brands.own
    assert named(ask(route, own, "colour=red")) == {"colour"}
    assert named(ask(route, own, "page_size=5&page_size=6")) == {"page_size"}
    for size in ("0", "-1", "501", "five", "1.5", "9" * 5_000, "%00", "", "%ff"):
        assert named(ask(route, own, f"page_size={size}")) == {"page_size"}, size


@each_list
def test_a_filter_with_an_impossible_value_is_named_or_finds_nothing(route, two_brands: TwoBrands):
    impossible = ("%00", "%ff%fe", "%ed%a0%80", "x" * 5_000, "0", "-1", "%27", "%F0%9F%90%99")
    for name, value in product(set(query_parameters(route)) - {"page_size"}, impossible):
        if not taken(str(route), name, value):
            continue
        response = ask_only(route, two_brands.own, name, value)
        if response.status_code == 200:
            assert json.loads(response.content)["data"] == [], (name, value)
        else:
            assert name in named(response), (name, value)


def ask_only(route: Route, brand: Furnished, name: str, value: str) -> HttpResponse:
    """Ask with this parameter in place of the one the list cannot do without."""
    path, _, needed = path_of(route, brand).partition("?")
    kept = "" if needed.startswith(f"{name}=") else needed
    client = Client(headers={"X-Api-Key": brand.all_scopes.header}, raise_request_exception=False)
    return client.get(f"{path}?{kept}&{name}={value}".replace("?&", "?"))


@pytest.mark.parametrize("route", [r for r in brand_routes() if r.arguments], ids=str)
def test_an_impossible_path_is_not_found(route: Route, two_brands: TwoBrands):
    client = Client(
        headers={"X-Api-Key": two_brands.own.all_scopes.header}, raise_request_exception=False
    )
    for value in (
        "0",
        "%00",
        "%ff",
        "..%2f",
        "x" * 3_000,
        "%27",
        "00000000-0000-0000-0000-00000000000g",
    ):
        for method in ("GET", "POST", "PATCH"):
            path = route.path(**dict.fromkeys(route.arguments, value))
            response = client.generic(method, path, b"{}", content_type="application/json")
            assert response.status_code in {404, 405}, (method, value)
            faults(response, status=response.status_code)


def test_the_limits_of_the_tests_are_the_settings():
    assert settings.MAX_BODY_BYTES < 10_000_000
    assert len(JSON_ENDPOINTS) >= 9
    assert len(LISTS) >= 6
