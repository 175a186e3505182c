"""How many requests a caller may send a minute, and what happens where nobody can count them."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis
from django.conf import settings as live_settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from prometheus_client import REGISTRY
from rest_framework.test import APIClient

from tests.factories import BrandWorld
from tests.platform.proxies import Proxy
from tests.platform.wsgi import Answer, call
from tieback.api import throttles, tokens
from tieback.brands.credentials import issue_credential
from tieback.brands.roles import DEFAULT_SCOPES, Role
from tieback.brands.scoping import brand_scope

LIMIT = 100
REDIS_URL = live_settings.REDIS_URL
KPIS = "/api/v1/mint-kpis/"
ME = "/api/v1/me/"


@pytest.fixture(autouse=True)
def prefix(settings, monkeypatch) -> Iterator[str]:
    """Count from nothing, and under a name that no other test process uses."""
    prefix = f"test:{uuid4().hex}"
    settings.API_RATE_LIMIT = LIMIT
    monkeypatch.setattr(throttles, "PREFIX", prefix)
    monkeypatch.setattr(throttles._Rest, "until", 0.0)
    throttles._counter.cache_clear()
    yield prefix
    with redis.Redis.from_url(REDIS_URL) as client:
        for key in client.scan_iter(f"{prefix}:*"):
            client.delete(key)


@pytest.fixture
def through_a_proxy(settings) -> Iterator[Proxy]:
    """Redis behind a switch."""
    known = urlsplit(settings.REDIS_URL)
    with Proxy(known.hostname or "", known.port or 6379) as proxy:
        settings.REDIS_URL = settings.REDIS_URL.replace(f":{known.port}/", f":{proxy.port}/")
        yield proxy


def key_of(world: BrandWorld) -> str:
    with brand_scope(world.brand.id):
        return issue_credential(
            brand_id=world.brand.id, name=f"{time.monotonic_ns()}", scopes=DEFAULT_SCOPES
        ).header


def skipped() -> float:
    return REGISTRY.get_sample_value("tieback_rate_limit_skipped_total") or 0.0


@pytest.mark.django_db(transaction=True)
def test_of_200_requests_at_once_exactly_the_limit_pass(nordhav: BrandWorld):
    application = get_wsgi_application()
    key = key_of(nordhav)

    def ask(number: int) -> Answer:
        # Nothing that a caller says of their address makes them somebody else.
        spoofed = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-Ip": f"198.51.100.{number}"}
        try:
            return call(application, "GET", KPIS, headers={"X-Api-Key": key, **spoofed})
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(2 * LIMIT)))
    assert Counter(answer.status for answer in answers) == {200: LIMIT, 429: LIMIT}
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.json()["error"]["code"] == "TOO_MANY_REQUESTS"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_each_caller_has_a_limit_of_their_own(
    nordhav: BrandWorld, client_of: Callable[..., APIClient], settings
):
    settings.API_RATE_LIMIT = 2
    person = nordhav.people[Role.OWNER]
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {tokens.issue(person)['access']}"}
    for client in (client_of(nordhav), client_of(nordhav)):
        assert [client.get(ME).status_code for _ in range(3)] == [200, 200, 429]
    assert [APIClient().get(ME, **bearer).status_code for _ in range(3)] == [200, 200, 429]
    again = {"HTTP_AUTHORIZATION": f"Bearer {tokens.issue(person)['access']}"}
    assert APIClient().get(ME, **again).status_code == 429, "a new token is not a new person"


def test_a_refused_request_costs_no_brand_and_changes_nothing(
    api: APIClient, settings, django_assert_max_num_queries
):
    settings.API_RATE_LIMIT = 1
    assert api.get(KPIS).status_code == 200
    with django_assert_max_num_queries(3):
        assert api.post("/api/v1/products/", {"sku": "x"}).status_code == 429


def test_requests_pass_again_when_the_minute_is_over(api: APIClient, settings, monkeypatch):
    settings.API_RATE_LIMIT = 1
    monkeypatch.setattr(throttles, "WINDOW_MS", 50)
    assert api.get(ME).status_code == 200
    until = time.monotonic() + 5
    while api.get(ME).status_code == 429:
        assert time.monotonic() < until, "the minute does not end"
        time.sleep(0.02)


def test_a_key_without_an_end_gets_one(api: APIClient, prefix: str):
    """A script that died between its two steps would otherwise lock the caller out for ever."""
    assert api.get(ME).status_code == 200
    with redis.Redis.from_url(REDIS_URL) as client:
        (key,) = client.scan_iter(f"{prefix}:*")
        client.persist(key)
        assert api.get(ME).status_code == 200
        assert 0 < client.pttl(key) <= throttles.WINDOW_MS


@pytest.mark.parametrize("limit", [0, 1])
def test_no_limit_is_no_counting(api: APIClient, settings, limit):
    settings.API_RATE_LIMIT = limit
    assert [api.get(ME).status_code for _ in range(3)] == [200] + 2 * [429 if limit else 200]


def test_strangers_are_turned_away_uncounted(db, settings):
    settings.API_RATE_LIMIT = 1
    assert [APIClient().get(ME).status_code for _ in range(3)] == [401] * 3


@pytest.mark.parametrize("how", ["switch_off", "fall_silent"])
def test_without_redis_requests_pass_uncounted_and_at_once(
    api: APIClient, settings, through_a_proxy: Proxy, how
):
    settings.API_RATE_LIMIT = 1
    assert api.get(ME).status_code == 200
    getattr(through_a_proxy, how)()
    before, took = skipped(), []
    for _ in range(20):
        began = time.monotonic()
        assert api.get(ME).status_code == 200
        took.append(time.monotonic() - began)
    assert skipped() - before == 20
    assert sorted(took)[10] < 1
    assert max(took) < 5


def test_where_nothing_may_pass_uncounted_a_lost_redis_is_a_503(
    api: APIClient, settings, through_a_proxy: Proxy
):
    settings.API_RATE_LIMIT_FAILS_OPEN = False
    through_a_proxy.switch_off()
    answer = api.get(ME)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
    assert answer["Retry-After"] == "5"


def test_counting_begins_again_once_redis_is_back(
    api: APIClient, settings, through_a_proxy: Proxy, monkeypatch
):
    settings.API_RATE_LIMIT = 1
    through_a_proxy.switch_off()
    assert api.get(ME).status_code == 200
    through_a_proxy.switch_on()
    assert api.get(ME).status_code == 200, "nobody asks again at once"
    monkeypatch.setattr(throttles._Rest, "until", 0.0)
    assert [api.get(ME).status_code for _ in range(2)] == [200, 429]
