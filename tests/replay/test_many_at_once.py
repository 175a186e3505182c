"""The same request, many times at once, against the web plane as it runs."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from django.db import models

from minting.models import MintBatch, MintJob, Product
from tests.factories import BrandWorld, make_product, make_world
from tests.planes import acting_as
from tests.reliability.scale import scaled
from tests.replay.server import Answer, Ask, Web, mint, new_product, running
from tieback.api.models import KeptAnswer
from tieback.brands.credentials import issue_credential
from tieback.brands.roles import Scope
from tieback.brands.scoping import brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1_800)]

ROUNDS = scaled(20, 200)
AT_ONCE = 100


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Two worker processes."""
    with running(tmp_path_factory.mktemp("web"), workers=2, threads=8) as web:
        yield web


class Caller:
    """A brand with a key, its product, and what it has made."""

    def __init__(self, slug: str) -> None:
        with acting_as("web"):
            self.world: BrandWorld = make_world(slug)
            self.product = make_product(self.world)
            with brand_scope(self.world.brand.id):
                self.api_key = issue_credential(
                    brand_id=self.world.brand.id, name="line", scopes=tuple(Scope.values)
                ).header

    def made(self, model: type[models.Model]) -> set[UUID]:
        """Return the ids of everything of a kind that the brand has."""
        with brand_scope(self.world.brand.id):
            return set(model.objects.values_list("pk", flat=True))  # type: ignore[attr-defined]


@pytest.fixture
def caller(transactional_db: None) -> Caller:
    return Caller("nordhav")


def at_once(work: Callable[[int], Answer], count: int = AT_ONCE) -> list[Answer]:
    """Run ``work`` in threads that start together."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Answer:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def check_round(answers: list[Answer], ask: Ask, *, created: int, repeated: int) -> UUID:
    """See that one request ran and every other was told so; return the id of what it made."""
    first = [answer for answer in answers if answer.status == created and not answer.replayed]
    again = [answer for answer in answers if answer.replayed]
    busy = [answer for answer in answers if answer.status == 409]
    assert len(first) == 1, Counter((answer.status, answer.code) for answer in answers)
    assert len(first) + len(again) + len(busy) == len(answers)
    assert {answer.status for answer in again} <= {repeated}
    assert {(answer.code, answer.retry_after) for answer in busy} <= {("REQUEST_IN_FLIGHT", "1")}
    (made,) = {ask.id_in(answer) for answer in [*first, *again]}
    return made


@pytest.mark.parametrize("part", ["mint request", "product"])
def test_a_hundred_identical_requests_have_one_effect_and_one_answer(
    web: Web, caller: Caller, part: str
):
    model, created, repeated = (
        (MintJob, 202, 200) if part == "mint request" else (Product, 201, 201)
    )
    kinds: Counter[int] = Counter()
    before, made = caller.made(model), set()
    for number in range(ROUNDS):
        ask = mint(caller.product) if part == "mint request" else new_product(f"SKU {number}")
        key = str(uuid4())
        answers = at_once(lambda _, a=ask, k=key: web.send(a, api_key=caller.api_key, key=k))
        made.add(check_round(answers, ask, created=created, repeated=repeated))
        kinds.update(answer.status for answer in answers)
        assert caller.made(model) - before == made
        late = web.send(ask, api_key=caller.api_key, key=key)
        assert (late.status, late.replayed) == (repeated, True)
    assert len(made) == ROUNDS
    assert sum(kinds.values()) == ROUNDS * AT_ONCE
    if model is MintJob:
        assert len(caller.made(MintBatch)) == ROUNDS
    else:
        assert len(caller.made(KeptAnswer)) == ROUNDS


def test_different_bodies_under_one_key_at_once_have_one_effect(web: Web, caller: Caller):
    before = caller.made(Product)
    asks = [new_product(f"SKU {number}") for number in range(AT_ONCE)]
    answers = at_once(lambda n: web.send(asks[n], api_key=caller.api_key, key="same"))
    codes = Counter(answer.code for answer in answers)
    assert len(caller.made(Product) - before) == codes[None] == 1
    assert set(codes) <= {None, "REQUEST_IN_FLIGHT", "IDEMPOTENCY_KEY_REUSED"}
    reused = [web.send(ask, api_key=caller.api_key, key="same").code for ask in asks[:20]]
    assert Counter(reused)["IDEMPOTENCY_KEY_REUSED"] >= 19


def test_two_brands_that_use_one_key_at_once_have_two_effects(web: Web, caller: Caller):
    other = Caller("strangers")
    for number in range(ROUNDS):
        key, both = f"order {number}", (caller, other)
        answers = at_once(
            lambda n, key=key, both=both: web.send(
                mint(both[n % 2].product), api_key=both[n % 2].api_key, key=key
            ),
            count=20,
        )
        jobs = [
            {
                answer.body["data"]["mint_job_id"]
                for answer in answers[side::2]
                if answer.status != 409
            }
            for side in (0, 1)
        ]
        assert [len(made) for made in jobs] == [1, 1]
        assert jobs[0] != jobs[1]
    assert [len(each.made(MintJob)) for each in (caller, other)] == [ROUNDS, ROUNDS]
