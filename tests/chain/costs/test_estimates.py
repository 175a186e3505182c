"""What a request would cost is told before it is made: by part, exactly where it can be."""

import dataclasses
from typing import Any

import pytest
from rest_framework.test import APIClient

from minting.api import cost_estimates
from minting.chain import modes, offers
from minting.chain.estimates import Part, Terms, estimate
from minting.chain.kept_prices import keep_price
from minting.chain.prices import Congestion, Price, in_sol, priority_fee, rent_of
from minting.states import ChainMode
from tests.chain.trees.rows import make_tree
from tests.factories import BrandWorld, make_product
from tests.planes import acting_as

URL = "/api/v1/cost-estimates/"
MILLION = Terms(
    quantity=1_000_000,
    cycle=20_000,
    micro_lamports=0,
    schema=1,
    mints_at_once=10,
    tree_leaves=1 << 20,
    tree_rent=764_764_800 + 1_559_040,
    room=0,
)


def parts(mode: ChainMode, **changes: int) -> tuple[int, ...]:
    """Return transactions, base, priority, protocol fee and rent of a million units."""
    found = estimate(mode, dataclasses.replace(MILLION, **changes))
    return (found.transactions, *(found.amounts[part] for part in Part))


def test_a_million_units_cost_by_mode_what_the_chain_takes_of_everybody():
    tree = 764_764_800 + 1_559_040
    assert parts(ChainMode.NONE) == (0, 0, 0, 0, 0)
    assert parts(ChainMode.ANCHOR) == (50, 250_000, 0, 0, 0)
    assert parts(ChainMode.CERTIFICATE) == (51, 255_000, 0, 0, rent_of(514) + rent_of(170))
    assert parts(ChainMode.CNFT) == (100_051, 500_255_000, 0, 0, tree)
    assert parts(ChainMode.CNFT, schema=2)[3] == 90 * 10**9
    assert parts(ChainMode.CNFT_ON_DEMAND) == (1_000_051, 5_000_255_000, 0, 0, tree)


def test_trees_are_made_only_for_what_present_ones_have_no_room_for():
    rents = [
        parts(ChainMode.CNFT, room=room)[4] // MILLION.tree_rent for room in (1_000_000, 999_999, 0)
    ]
    assert rents == [0, 1, 1]
    assert parts(ChainMode.CNFT, tree_leaves=1 << 14)[4] == 62 * MILLION.tree_rent


def test_a_price_is_paid_for_the_units_that_are_asked_for():
    (*_, quiet_rent) = parts(ChainMode.ANCHOR)
    (_, base, priority, _, rent) = parts(ChainMode.ANCHOR, micro_lamports=10_000)
    assert (base, rent) == (250_000, quiet_rent)
    assert priority == 50 * priority_fee(compute_limit=2_500, micro_lamports=10_000)


@pytest.mark.parametrize(
    ("mode", "unsure", "at_most"),
    [
        (ChainMode.NONE, set(), False),
        (ChainMode.ANCHOR, {Part.PRIORITY}, False),
        (ChainMode.CERTIFICATE, {Part.PRIORITY}, False),
        (ChainMode.CNFT, {Part.PRIORITY, Part.BASE, Part.RENT}, False),
        (ChainMode.CNFT_ON_FIRST_SCAN, {Part.PRIORITY, Part.BASE, Part.RENT}, True),
    ],
)
def test_what_rests_on_the_moment_is_told_from_what_does_not(mode, unsure, at_most):
    found = estimate(mode, MILLION)
    assert (found.estimated, found.is_at_most) == (unsure, at_most)


@pytest.mark.parametrize(
    ("lamports", "sol"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (250_000, "0.00025"),
        (10**9, "1"),
        (90 * 10**9 + 5_000, "90.000005"),
        (10**18, "1000000000"),
        (-5_000, "-0.000005"),
    ],
)
def test_sol_is_a_decimal_number(lamports, sol):
    assert in_sol(lamports) == sol


@pytest.mark.parametrize(
    ("schema", "uri", "fit"), [(1, 34, 8), (2, 34, 8), (1, 100, 5), (2, 100, 4)]
)
def test_as_many_mints_are_told_as_fit_a_packet(schema, uri, fit):
    assert offers.mints_at_once(schema, 20, uri) == fit


def test_fewer_fit_where_each_names_its_collection():
    alone, of_one = (offers.mints_at_once(2, 20, 34, has_collection=has) for has in (False, True))
    assert (alone, of_one) == (8, 5)


@pytest.fixture
def every_mode(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a network on which every mode may be asked for."""
    settings.SOLANA_NETWORK = "devchain"
    for module in (cost_estimates, offers):
        monkeypatch.setattr(module, "available_modes", lambda: tuple(ChainMode.values))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("every_mode")
def test_the_collection_of_a_tree_is_in_the_estimate(api: APIClient, nordhav: BrandWorld):
    body = {"quantity": 100, "chain_mode": "cnft", "schema": 2}
    before = api.post(URL, body).json()["data"]["trees"]["mints_per_transaction"]
    with acting_as("worker"):
        make_tree(nordhav, depth=14, schema=2, core_collection="C" * 44)
    after = api.post(URL, body).json()["data"]["trees"]["mints_per_transaction"]
    assert after < before


@pytest.mark.django_db
def test_every_mode_is_told_side_by_side_and_one_by_itself(api: APIClient, settings):
    settings.SOLANA_NETWORK = "devchain"
    told = api.post(URL, {"quantity": 1_000_000}).json()["data"]
    assert [one["chain_mode"] for one in told["estimates"]] == list(modes.available_modes())
    assert (told["network"], told["congestion"]) == ("devchain", None)
    body = {"quantity": 40_001, "chain_mode": "anchor", "priority": "urgent"}
    (anchor,) = api.post(URL, body).json()["data"]["estimates"]
    assert (anchor["transactions"], anchor["lamports_per_unit"]) == (3, 15_000 / 40_001)
    assert anchor["base"] == {"lamports": 15_000, "sol": "0.000015", "is_exact": True}
    assert anchor["priority"] == {"lamports": 0, "sol": "0", "is_exact": False}
    assert anchor["total"] == {"lamports": 15_000, "sol": "0.000015", "is_exact": False}


@pytest.mark.django_db
@pytest.mark.usefixtures("every_mode")
def test_assets_are_told_with_the_room_of_the_brands_trees(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav)
    body = {"quantity": 100, "chain_mode": "cnft", "product_id": str(product.id), "schema": 2}
    told = api.post(URL, body).json()["data"]
    (asset,) = told["estimates"]
    assert asset["protocol_fee"] == {"lamports": 9_000_000, "sol": "0.009", "is_exact": True}
    trees = told["trees"]
    assert (trees["room"], trees["has_room"], asset["new_trees"]) == (0, False, 1)
    assert asset["rent"]["lamports"] == trees["new_tree_lamports"] == MILLION.tree_rent
    assert trees["share_lamports"] == -(-MILLION.tree_rent * 100 >> 20)
    assert asset["transactions"] == 1 + -(-100 // trees["mints_per_transaction"]) + 1


@pytest.mark.django_db(transaction=True)
def test_the_price_that_a_worker_was_told_is_in_the_estimate(api: APIClient, settings):
    settings.SOLANA_NETWORK = "devchain"
    with acting_as("worker"):
        keep_price("devchain", Price(1_000_000, Congestion.HIGH, "above the cap"))
    told = api.post(URL, {"quantity": 5, "chain_mode": "anchor"}).json()["data"]
    assert told["congestion"]["level"] == "high"
    assert told["estimates"][0]["priority"]["lamports"] == 2_500


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("quantity", "REQUIRED")),
        ({"quantity": 0}, ("quantity", "MIN_VALUE")),
        ({"quantity": 5, "chain_mode": "anchor"}, ("chain_mode", "INVALID_CHOICE")),
        ({"quantity": 5, "schema": 3}, ("schema", "INVALID_CHOICE")),
        ({"quantity": 5, "product_id": "0" * 32}, ("product_id", "INVALID")),
        ({"quantity": 5, "units": 5}, ("units", "UNKNOWN_FIELD")),
    ],
)
def test_what_could_not_be_asked_for_is_not_estimated(api: APIClient, settings, body, fault):
    settings.SOLANA_NETWORK = ""
    answer = api.post(URL, body)
    assert answer.status_code == 400
    (field,) = answer.json()["error"]["fields"]
    assert (field["field"], field["code"]) == fault
