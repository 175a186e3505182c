"""Connections live longer than requests: nothing of one request's brand may reach the next."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django_scopes import ScopeError

from minting.models import MintBatch
from tests.platform.breaking import SECRET_OF_THE_CODE, brand_in_force
from tests.platform.callers import Caller, callers_of
from tests.platform.conftest import TwoBrands
from tests.platform.furnishing import BATCHES, Furnished
from tests.platform.wsgi import Answer, call
from tests.reliability.scale import SEED, scaled
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import brand_scope

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(scaled(120, 3_600))]

# At full size 10,000 requests over four connections.
THREADS = scaled(16, 4)
REQUESTS_A_THREAD = scaled(20, 2_500)

#: How a request ends, and what it answers.
ENDINGS = {
    "nothing": 200,
    "savepoint": 200,
    "raises": 500,
    "sql": 500,
    "refuses": 409,
    "dies": 503,
    "dies_at_commit": 503,
}
READS = ("mint-batches/", "mint-jobs/", "products/", "mint-kpis/", "mint-events/", "me/")


@pytest.fixture
def application(settings):
    """The web plane as a WSGI server runs it, with views that break."""
    settings.ROOT_URLCONF = "tests.platform.breaking"
    return get_wsgi_application()


@dataclass
class Hammer:
    """One thread's requests: random brands, callers and endings on one connection."""

    application: object
    brands: TwoBrands
    callers: dict[str, list[Caller]]
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)

    def run(self) -> Counter[str]:
        try:
            for _ in range(REQUESTS_A_THREAD):
                self._one()
        finally:
            connection.close()
        return self.done

    def _one(self) -> None:
        own, other = self.dice.sample(tuple(self.brands), 2)
        caller = self.dice.choice(self.callers[own.slug])
        kind = self.dice.choice(["read", "read", "foreign", "stranger", *ENDINGS])
        answer, expected = self._ask(kind, caller.headers, other)
        assert answer.status == expected, (kind, caller.name, answer.body)
        text = answer.body.decode().lower()
        assert not [mark for mark in other.marks if mark.lower() in text], kind
        assert SECRET_OF_THE_CODE not in text
        if kind in {"nothing", "savepoint"}:
            assert answer.json()["data"]["brands"] == [str(own.world.brand.id)]
        self._nothing_stays()
        self.done[kind] += 1

    def _ask(self, kind: str, headers: dict[str, str], other: Furnished) -> tuple[Answer, int]:
        if kind == "read":
            path = self.dice.choice(READS)
            return call(self.application, "GET", f"/api/v1/{path}", headers=headers), 200
        if kind == "foreign":
            path = f"/api/v1/mint-jobs/{other.minted.id}/"
            return call(self.application, "GET", path, headers=headers), 404
        if kind == "stranger":
            return call(self.application, "GET", "/api/v1/mint-batches/"), 401
        path = f"/api/v1/breaking/{kind}/"
        return call(self.application, "POST", path, headers=headers, body={}), ENDINGS[kind]

    def _nothing_stays(self) -> None:
        assert brand_in_force() == (None, 0)
        with pytest.raises(ScopeError):
            MintBatch.objects.count()


def test_nothing_leaks_between_requests_on_shared_connections(application, two_brands: TwoBrands):
    callers = {
        brand.slug: [caller for caller in callers_of(brand) if caller.name != "no scope"]
        for brand in two_brands
    }
    start = threading.Barrier(THREADS)
    note = f"TIEBACK_PROVE_SEED={SEED}"

    def hammer(number: int) -> Counter[str]:
        start.wait()
        return Hammer(application, two_brands, callers, random.Random(SEED + number)).run()

    with ThreadPoolExecutor(THREADS) as pool:
        done = sum(pool.map(hammer, range(THREADS)), Counter())
    assert done.total() == THREADS * REQUESTS_A_THREAD, note
    assert set(done) == {"read", "foreign", "stranger", *ENDINGS}
    for brand in two_brands:
        with brand_scope(brand.world.brand.id):
            written = set(AuditEntry.objects.values_list("action", flat=True))
        assert written == {"test.made", "broken.nothing", "broken.savepoint"}


def test_an_inner_scope_gives_the_outer_brand_back(two_brands: TwoBrands):
    own, foreign = (brand.world.brand.id for brand in two_brands)
    with brand_scope(own):
        with brand_scope(foreign):
            assert brand_in_force() == (str(foreign), BATCHES)
        assert brand_in_force() == (str(own), BATCHES)
    assert brand_in_force() == (None, 0)


def test_an_inner_scope_that_fails_gives_the_outer_brand_back(two_brands: TwoBrands):
    own, foreign = (brand.world.brand.id for brand in two_brands)
    with brand_scope(own):
        with pytest.raises(RuntimeError), brand_scope(foreign):
            raise RuntimeError
        assert brand_in_force() == (str(own), BATCHES)
    assert brand_in_force() == (None, 0)
