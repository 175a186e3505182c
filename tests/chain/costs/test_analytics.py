"""What was spent is told from the transactions, by day, batch, mode and kind, and by network."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from rest_framework.test import APIClient

from minting.chain.kept_prices import STALE_AFTER, keep_price, last_price
from minting.chain.prices import Congestion, Price
from minting.models import ChainPrice
from tests.chain.costs.paid import minted, paid
from tests.factories import BrandWorld
from tests.minting.requests import queued_job
from tests.planes import acting_as

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)

COSTS, CHAINS = "/api/v1/analytics/costs/", "/api/v1/analytics/chains/"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MARCH = {"from": "2026-03-01", "to": "2026-04-01"}


@pytest.fixture
def spent(nordhav: BrandWorld, settings) -> tuple[UUID, UUID]:
    """Two batches of 100 and 1,000 units, written for on two days and two networks."""
    settings.SOLANA_NETWORK = "devchain"
    small = queued_job(nordhav, 100, chain_mode="anchor").batch_id
    large = queued_job(nordhav, 1_000, chain_mode="none").batch_id
    minted(nordhav, small, 100)
    minted(nordhav, large, 1_000)
    paid(nordhav, small, at=NOON, priority_fee=700, fee=5_700, seconds=8)
    paid(nordhav, small, "expired", at=NOON)
    paid(nordhav, small, "failed", at=NOON, attempt=2)
    paid(nordhav, small, "sent", at=NOON)
    late = datetime(2026, 3, 10, 23, 59, 59, 999_000, tzinfo=UTC)
    paid(nordhav, large, at=late, spent_besides=2_000, mint_count=9, seconds=20)
    paid(nordhav, large, at=late + timedelta(milliseconds=1), network="localnet", seconds=2)
    return small, large


def told(api: APIClient, url: str = COSTS, **query: object) -> dict:
    answer = api.get(url, {**MARCH, **query})
    assert answer.status_code == 200, answer.json()
    return answer.json()["data"]


@committed
def test_the_total_counts_each_unit_once_and_what_was_paid_in_vain_apart(
    api: APIClient, spent, strangers: BrandWorld
) -> None:
    paid(strangers, queued_job(strangers).batch_id, at=NOON)
    assert told(api)["total"] == {
        "transactions": 6,
        "finalized": 3,
        "failed": 1,
        "expired": 1,
        "under_way": 1,
        "retries": 1,
        "mints": 9,
        "units": 1_100,
        "base_fee": 20_000,
        "priority_fee": 700,
        "spent_besides": 2_000,
        "lamports": 22_700,
        "failed_lamports": 5_000,
        "sol": "0.0000227",
        "lamports_per_unit": pytest.approx(22_700 / 1_100),
    }


@committed
def test_costs_are_told_by_day_of_utc_batch_mode_and_kind(api: APIClient, spent) -> None:
    small, large = map(str, spent)

    def groups(by: str) -> list[tuple[object, int, int]]:
        rows = told(api, group_by=by)["groups"]
        return [(row["key"], row["lamports"], row["units"]) for row in rows]

    assert groups("day") == [("2026-03-10", 17_700, 1_100), ("2026-03-11", 5_000, 1_000)]
    assert groups("batch") == [(large, 12_000, 1_000), (small, 10_700, 100)]
    assert groups("mode") == [("anchor", 10_700, 100), ("none", 12_000, 1_000)]
    assert groups("kind") == [("anchor", 22_700, 1_100)]


@committed
def test_costs_can_be_narrowed_to_a_batch_and_a_network(api: APIClient, spent) -> None:
    small, large = spent
    assert told(api, batch=small)["total"]["lamports"] == 10_700
    assert told(api, batch=large, network="localnet")["total"]["lamports"] == 5_000
    nothing = told(api, network="devnet")
    assert (nothing["total"]["sol"], nothing["total"]["lamports_per_unit"]) == ("0", None)
    assert nothing["groups"] == []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"from": "2026-03-02", "to": "2026-03-02"}, ("from", "INVALID")),
        ({"from": "2025-01-01", "to": "2026-03-02"}, ("from", "OUT_OF_RANGE")),
        ({"group_by": "brand"}, ("group_by", "INVALID_CHOICE")),
        ({"from": "yesterday"}, ("from", "INVALID")),
        ({"to": "0001-01-01"}, ("to", "OVERFLOW")),
        ({"to": "0001-01-30T23:59:59Z"}, ("to", "OVERFLOW")),
        ({"to": "9999-12-31T23:59:59-01:00"}, ("to", "OVERFLOW")),
    ],
)
def test_a_span_or_group_that_cannot_be_told_is_refused(api: APIClient, query, fault) -> None:
    answer = api.get(COSTS, query)
    assert answer.status_code == 400
    (field,) = answer.json()["error"]["fields"]
    assert (field["field"], field["code"]) == fault


def test_the_figures_of_chains_are_refused_a_span_that_leaves_the_calendar(
    api: APIClient,
) -> None:
    answer = api.get(CHAINS, {"to": "0001-01-01"})
    assert answer.status_code == 400
    (field,) = answer.json()["error"]["fields"]
    assert (field["field"], field["code"]) == ("to", "OVERFLOW")


@pytest.mark.parametrize("url", [COSTS, CHAINS])
@pytest.mark.parametrize(
    "span",
    [
        {"from": "0001-01-01", "to": "0001-01-02"},
        {"from": "9999-12-30", "to": "9999-12-31T23:59:59Z"},
    ],
)
def test_the_first_and_the_last_days_of_the_calendar_are_told(
    api: APIClient, url: str, span: dict[str, str]
) -> None:
    assert told(api, url, **span)["to"].startswith(span["to"][:10])


@committed
def test_each_network_tells_what_became_of_its_transactions(api: APIClient, spent) -> None:
    with acting_as("worker"):
        keep_price("devchain", Price(1_200, Congestion.NORMAL, "40% of the last 150 blocks"))
    ours, other = told(api, CHAINS)["chains"]
    assert (ours["network"], other["network"]) == ("devchain", "localnet")
    assert {name: ours[name] for name in ("transactions", "finalized", "failed", "expired")} == {
        "transactions": 5,
        "finalized": 2,
        "failed": 1,
        "expired": 1,
    }
    assert (ours["under_way"], ours["mints"], ours["lamports"]) == (1, 9, 17_700)
    assert ours["median_seconds_to_finality"] == pytest.approx(14)
    (by_kind,) = ours["by_kind"]
    assert (by_kind["kind"], by_kind["lamports"]) == ("anchor", 17_700)
    congestion = ours["congestion"]
    assert (congestion["level"], congestion["micro_lamports"]) == ("normal", 1_200)
    assert congestion["reason"] == "40% of the last 150 blocks"
    assert congestion["is_stale"] is False
    assert other["congestion"] is None


@committed
def test_the_networks_own_congestion_is_told_where_nothing_was_sent(api: APIClient, settings):
    settings.SOLANA_NETWORK = "devchain"
    with acting_as("worker"):
        keep_price("devchain", Price(0, Congestion.LOW, "no block is known"))
        keep_price("devchain", Price(90_000, Congestion.HIGH, "above the cap"))
        row = ChainPrice.objects.get()
        ChainPrice.objects.update(measured_at=row.measured_at - STALE_AFTER * 2)
    (chain,) = told(api, CHAINS)["chains"]
    assert (chain["transactions"], chain["median_seconds_to_finality"]) == (0, None)
    assert (chain["congestion"]["level"], chain["congestion"]["is_stale"]) == ("high", True)
    assert last_price("devnet") is None
