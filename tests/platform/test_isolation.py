"""Every URL, every method, everybody: nothing of another brand, and only what one's role permits.

The cases are made from the URLconf. A new URL takes part by itself, or fails here until
``asks.py`` says how it is reached for.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

import pytest
from django.db import transaction
from django.http import HttpResponse

from tests.platform.asks import (
    ASKS,
    HARMLESS,
    READS,
    REFERENCES,
    SUFFICIENT,
    Form,
    ask_of,
    path_of,
    scope_of,
    send,
)
from tests.platform.callers import Caller, callers_of
from tests.platform.conftest import TwoBrands
from tests.platform.description import query_parameters
from tests.platform.furnishing import Furnished
from tests.platform.routes import METHODS, Route, brand_routes, routes
from tests.shares import taken
from tieback.brands.roles import Role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quiet")]

SAFE = {"GET", "HEAD"}
#: URLs outside any brand: open to strangers, or about the caller alone.
OUTSIDE = {
    *("home", "login", "logout", "schema", "docs"),
    *("token", "token-refresh", "session", "me", "invitation-accept"),
}

LISTS = [route for route in brand_routes() if "cursor" in query_parameters(route)]
each_brand_url = pytest.mark.parametrize("route", brand_routes(), ids=str)


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what happens inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def text_of(response: HttpResponse, *sent: object) -> str:
    """Return the answer's headers and body in lower case, without what the caller sent."""
    text = f"{response.headers}{response.content.decode()}".lower()
    for value in sorted(map(str, sent), key=len, reverse=True):
        text = text.replace(value.lower(), "")
    return text


def leaked(response: HttpResponse, foreign: Furnished, *sent: object) -> list[str]:
    """Return what the answer tells of the foreign brand."""
    text = text_of(response, *sent)
    return [mark for mark in foreign.marks if mark.lower() in text]


def body_for(route: Route, method: str, brand: Furnished) -> object:
    """Return the body that asks for objects of ``brand``; methods not offered get an empty one."""
    if method in SAFE or scope_of(route, method) is None:
        return None
    ask = ask_of(route, method)
    return ask.body(brand) if ask.body else None


def values_in(body: object) -> list[object]:
    if isinstance(body, bytes):
        return [cell for line in body.decode().splitlines() for cell in line.split(",")]
    if isinstance(body, Form):
        return [*body.fields.values()]
    return [value for value in body.values() if value] if isinstance(body, dict) else []


def expected_across(route: Route, method: str, caller: Caller) -> int | None:
    """Return the status of a request for another brand's object."""
    scope = scope_of(route, method)
    if method == "OPTIONS":
        return 200
    if scope is None:
        return 405
    if not caller.may(scope):
        return 403
    if route.arguments:
        return 404
    return 200 if method in SAFE else ask_of(route, method).crossing


def who_asks(route: Route, method: str, brand: Furnished) -> list[Caller]:
    """Return everybody; where no scope tells them apart, whoever may most and whoever may least."""
    callers = callers_of(brand)
    return callers if scope_of(route, method) else callers[-2:]


@each_brand_url
@pytest.mark.parametrize("method", METHODS)
def test_nothing_of_another_brand_is_reached(route: Route, method: str, two_brands: TwoBrands):
    own, foreign = two_brands
    path = path_of(route, foreign)
    for caller in who_asks(route, method, own):
        body = body_for(route, method, foreign)
        with undone():
            response = send(method, path, body, headers=caller.headers)
        assert response.status_code == expected_across(route, method, caller), caller.name
        assert not leaked(response, foreign, *path.split("/"), *values_in(body)), caller.name


@each_brand_url
@pytest.mark.parametrize("method", METHODS)
def test_a_role_may_do_what_the_matrix_says_and_no_more(
    route: Route, method: str, two_brands: TwoBrands
):
    own, foreign = two_brands
    scope = scope_of(route, method)
    path = path_of(route, own)
    for caller in who_asks(route, method, own):
        with undone():
            response = send(method, path, body_for(route, method, own), headers=caller.headers)
        if method == "OPTIONS":
            expected = 200
        elif scope is None:
            expected = 405
        elif not caller.may(scope):
            expected = 403
        else:
            expected = 200 if method in SAFE else ask_of(route, method).success
        assert response.status_code == expected, (caller.name, response.content)
        assert not leaked(response, foreign), caller.name


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_a_filter_by_another_brands_object_finds_nothing(route: Route, two_brands: TwoBrands):
    own, foreign = two_brands
    reader = callers_of(own)[0]
    for name in references(route):
        value = REFERENCES[name](foreign)
        path, _, needed = path_of(route, own).partition("?")
        kept = "" if name in SUFFICIENT.get(route.name, ()) else f"{needed}&"
        response = send("GET", f"{path}?{kept}{name}={value}", headers=reader.headers)
        assert (response.status_code, json.loads(response.content)["data"]) == (200, []), name


def references(route: Route) -> list[str]:
    """Return the query parameters of a list that name an object."""
    names = query_parameters(route)
    unknown = set(names) - HARMLESS - set(REFERENCES)
    assert not unknown, f"{route}: say in tests/platform/asks.py what {unknown} names"
    return [name for name in names if name in REFERENCES]


@each_brand_url
def test_a_stranger_is_refused_everywhere(route: Route, two_brands: TwoBrands):
    own, _ = two_brands
    for method in METHODS:
        response = send(method, path_of(route, own), body_for(route, method, own))
        assert response.status_code == 401, method
        assert not leaked(response, own), method


@each_brand_url
def test_another_workspace_is_not_found_by_anybody(route: Route, two_brands: TwoBrands):
    own, foreign = two_brands
    workspace = {"X-Workspace-Id": str(foreign.world.brand.id)}
    for caller, method in product(callers_of(own), METHODS):
        if not taken(str(route), method, caller.name):
            continue
        response = send(method, path_of(route, foreign), headers=caller.headers | workspace)
        assert response.status_code == 404, (caller.name, method)
        assert not leaked(response, foreign), (caller.name, method)


@pytest.mark.parametrize("field", ["sku", "external_ref", "credential"])
def test_a_name_that_another_brand_uses_is_free_here(field: str, two_brands: TwoBrands):
    own, foreign = two_brands
    owner = callers_of(own)[0].headers
    in_use = {
        "sku": ("/api/v1/products/", {"sku": foreign.product.sku, "gtin": foreign.product.gtin}),
        "external_ref": (
            "/api/v1/production-batches/",
            {
                "external_ref": foreign.production_batch.external_ref,
                "product_id": str(own.product.id),
            },
        ),
        "credential": (
            "/api/v1/api-credentials/",
            {"name": f"{foreign.slug} one", "scopes": ["mints:read"]},
        ),
    }
    path, body = in_use[field]
    if field == "sku":
        body |= {"name": "same", "category": "generic"}
    assert send("POST", path, body, headers=owner).status_code == 201


def test_people_see_only_their_own_brands(two_brands: TwoBrands):
    own, foreign = two_brands
    for caller in callers_of(own):
        response = send("GET", "/api/v1/me/", headers=caller.headers)
        workspaces = json.loads(response.content)["data"]["workspaces"]
        assert [workspace["id"] for workspace in workspaces] == [str(own.world.brand.id)]
        assert not leaked(response, foreign)


def test_the_start_page_shows_only_own_brands(two_brands: TwoBrands, client):
    own, foreign = two_brands
    client.force_login(own.world.people[Role.VIEWER], "django.contrib.auth.backends.ModelBackend")
    response = client.get("/")
    assert own.world.brand.name in response.content.decode()
    assert not leaked(response, foreign)


def test_every_url_is_inside_a_brand_or_known_to_be_outside():
    assert {route.name for route in routes() if not route.is_of_a_brand} == OUTSIDE


def test_every_url_has_a_name_of_its_own():
    names = [route.name for route in routes()]
    assert len(set(names)) == len(names)


def test_every_url_and_method_needs_the_scope_it_is_listed_with():
    offered = {
        (route.name, method): scope
        for route in brand_routes()
        for method, scope in route.view.permissions.items()
    }
    listed = {key: ask.needs for key, ask in ASKS.items()}
    listed |= {(name, "GET"): scope for scope, names in READS.items() for name in names}
    assert offered == listed, "say in tests/platform/asks.py how each URL is asked"


def test_every_permitted_method_has_a_handler_and_every_handler_a_permission():
    for route in brand_routes():
        offered = set(METHODS) - {"HEAD", "OPTIONS"}
        handlers = {method for method in offered if hasattr(route.view, method.lower())}
        assert handlers == set(route.view.permissions), route
