"""A brand's daily cap: chosen by its owner, and asked before anything is begun."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from minting.chain.budgets import DAY, budget_of, hold_back, left_to_spend, spent_today
from minting.chain.commitments import committed_on
from minting.models import MintEvent
from tests.chain.costs.paid import asked_for, paid
from tests.factories import BrandWorld
from tests.minting.requests import queued_job
from tests.planes import acting_as
from tieback.brands.models import AuditEntry
from tieback.brands.roles import DEFAULT_SCOPES, Scope
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)

URL = "/api/v1/chain-budget/"
V2_OF_TWO = {"schema": 2, "mints": [["#a", ""], ["#b", ""]]}


@pytest.fixture
def owner(nordhav: BrandWorld, client_of) -> APIClient:
    return client_of(nordhav, (*DEFAULT_SCOPES, Scope.SPENDING_MANAGE.value))


@pytest.fixture
def batch(nordhav: BrandWorld) -> UUID:
    return queued_job(nordhav).batch_id


def capped(owner: APIClient, lamports: int | None) -> dict:
    answer = owner.put(URL, {"lamports_per_day": lamports})
    assert answer.status_code == 200, answer.json()
    return answer.json()["data"]


def allowed(world: BrandWorld, lamports: int) -> bool:
    with acting_as("worker"), brand_scope(world.brand.id), transaction.atomic():
        left = left_to_spend(world.brand.id)
    return left is None or lamports <= left


@committed
def test_a_brand_without_a_cap_may_spend_what_it_likes(
    api: APIClient, nordhav: BrandWorld, batch: UUID
) -> None:
    paid(nordhav, batch)
    told = api.get(URL).json()["data"]
    assert (told["lamports_per_day"], told["spent_today"], told["left_today"]) == (
        None,
        5_000,
        None,
    )
    assert allowed(nordhav, 10**15)


@committed
def test_todays_transactions_and_all_that_is_still_to_be_paid_are_spent(
    nordhav: BrandWorld, strangers: BrandWorld, batch: UUID
) -> None:
    paid(nordhav, batch, spent_besides=1_000)
    paid(nordhav, batch, "failed")
    paid(nordhav, batch, "expired")
    paid(nordhav, batch, at=timezone.now() - DAY)
    paid(nordhav, batch, "sent", at=timezone.now() - DAY)
    asked_for(nordhav, batch, payload=V2_OF_TWO)
    asked_for(nordhav, batch, payload={"schema": 1, "mints": [["#a", ""]]})
    asked_for(nordhav, batch, payload={"lamports": 7})
    asked_for(nordhav, batch, status="failed")
    paid(strangers, queued_job(strangers).batch_id)
    waiting = 5_000 + 185_000 + 5_000 + 5_007
    with acting_as("worker"), brand_scope(nordhav.brand.id):
        assert spent_today(nordhav.brand.id) == 6_000 + 5_000 + waiting
        assert committed_on("devchain") == waiting
        assert committed_on("devnet") == 0


@committed
def test_what_would_pass_the_cap_may_not_begin(
    owner: APIClient, nordhav: BrandWorld, batch: UUID
) -> None:
    paid(nordhav, batch)
    told = capped(owner, 20_000)
    assert (told["left_today"], told["holds_back"]) == (15_000, False)
    assert allowed(nordhav, 15_000)
    assert not allowed(nordhav, 15_001)
    asked_for(nordhav, batch)
    assert not allowed(nordhav, 15_000)
    capped(owner, 0)
    assert not allowed(nordhav, 1)
    capped(owner, None)
    assert allowed(nordhav, 10**15)


@committed
def test_the_story_of_a_batch_tells_once_a_day_that_it_is_held_back(
    owner: APIClient, nordhav: BrandWorld, batch: UUID
) -> None:
    capped(owner, 1_000)
    with acting_as("worker"), brand_scope(nordhav.brand.id):
        hold_back(nordhav.brand.id, batch, 5_000)
        hold_back(nordhav.brand.id, batch, 5_000)
        event = MintEvent.objects.get(type="batch.held_back")
        assert event.data == {"lamports_per_day": 1_000, "spent_today": 0, "needed": 5_000}
        budget = budget_of(nordhav.brand.id)
    assert budget.holds_back
    assert timedelta(0) < budget.resets_at - timezone.now() <= DAY
    assert owner.get(URL).json()["data"]["holds_back"] is True


def test_a_cap_is_told_in_the_trail_once(owner: APIClient, nordhav: BrandWorld) -> None:
    for lamports in (5_000, 5_000, None):
        capped(owner, lamports)
    with brand_scope(nordhav.brand.id):
        entries = AuditEntry.objects.filter(action="chain_budget.updated").order_by("id")
        told = [(entry.before, entry.after, entry.target_id) for entry in entries]
    none, some = {"lamports_per_day": None}, {"lamports_per_day": 5_000}
    brand = str(nordhav.brand.id)
    assert told == [(none, some, brand), (some, none, brand)]


@pytest.mark.parametrize("lamports", [-1, "5000", 1.5, True, 10**19])
def test_a_cap_that_is_no_number_of_lamports_is_refused(owner: APIClient, lamports) -> None:
    assert owner.put(URL, {"lamports_per_day": lamports}).status_code == 400


def test_a_key_for_minting_cannot_raise_its_own_cap(api: APIClient) -> None:
    assert api.put(URL, {"lamports_per_day": None}).status_code == 403


def test_asking_outside_the_transaction_that_begins_is_a_mistake(
    nordhav: BrandWorld, monkeypatch
) -> None:
    monkeypatch.setattr(transaction.get_connection(), "in_atomic_block", False)
    with pytest.raises(RuntimeError, match="in the transaction"):
        left_to_spend(nordhav.brand.id)
