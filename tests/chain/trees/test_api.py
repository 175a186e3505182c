"""Collections over HTTP: having a tree made, seeing how far it is, by the names callers know."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from minting import pipeline
from minting.chain.trees.asking import CREATE
from minting.models import ChainSubmission
from minting.states import TreeStatus
from tests.chain.trees.rows import make_tree, somebody, trees_of
from tests.planes import acting_as
from tieback.brands.models import AuditEntry
from tieback.brands.roles import DEFAULT_SCOPES, Scope
from tieback.brands.scoping import brand_scope
from tieback.kept_addresses import present_path

pytestmark = pytest.mark.django_db

URL = "/api/v1/collections/"
ID = "5d2c8f7a-1b3e-4c6d-9a80-7f6e5d4c3b21"


@pytest.fixture
def manager(nordhav, client_of, settings: Any) -> APIClient:
    """Somebody who may have trees made, where there is a chain."""
    settings.SOLANA_NETWORK = "devchain"
    settings.SOLANA_TREE = (14, 64, 0)
    return client_of(nordhav, (*DEFAULT_SCOPES, Scope.TREES_MANAGE.value))


def faults(answer: Any) -> dict[str, str]:
    return {one["field"]: one["code"] for one in answer.json()["error"]["fields"]}


def test_a_tree_is_asked_for_and_waits_for_a_worker(
    manager, nordhav, monkeypatch, django_capture_on_commit_callbacks
):
    bells: list[Any] = []
    monkeypatch.setattr(pipeline, "ring_step", lambda *args: bells.append(args))
    with django_capture_on_commit_callbacks(execute=True):
        answer = manager.post(URL, {"name": " Autumn ", "symbol": "AUT", "capacity": 100_000})
    assert answer.status_code == 202
    told = answer.json()["data"]
    assert (told["name"], told["symbol"], told["status"]) == ("Autumn", "AUT", "creating")
    assert (told["max_depth"], told["max_buffer_size"], told["canopy"]) == (17, 64, 0)
    assert (told["max_supply"], told["remaining"], told["current_supply"]) == (131_072, 131_072, 0)
    assert told["merkle_tree_address"] is told["tree_authority_address"] is None
    assert told["rent"] == 267_208_320
    assert (told["network"], told["blockchain"], told["schema"]) == ("devchain", "solana", 1)
    (tree,) = trees_of(nordhav)
    assert bells == [(CREATE, tree.pk)]
    with brand_scope(nordhav.brand.id):
        entry = AuditEntry.objects.get(action="chain_tree.asked")
    assert (entry.target_id, entry.after["name"]) == (str(tree.pk), "Autumn")
    assert manager.get(f"{URL}{tree.pk}/").json()["data"] == told


def test_without_a_size_a_tree_is_as_large_as_is_usual(manager):
    told = manager.post(URL, {"name": "Usual"}).json()["data"]
    assert (told["max_depth"], told["max_buffer_size"], told["canopy"]) == (14, 64, 0)


def test_a_shape_is_taken_as_it_is_given(manager):
    wanted = {"max_depth": 20, "max_buffer_size": 256, "canopy": 10}
    collection = {"schema": 2, "core_collection": somebody()}
    told = manager.post(URL, {"name": "Wide", **wanted, **collection}).json()["data"]
    assert {name: told[name] for name in wanted} == wanted
    assert {name: told[name] for name in collection} == collection


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"name": "x", "capacity": 0}, "capacity", "MIN_VALUE"),
        ({"name": "x", "capacity": 2**30 + 1}, "capacity", "MAX_VALUE"),
        ({"name": "x", "capacity": 8, "max_depth": 3}, "max_depth", "AMBIGUOUS"),
        ({"name": "x", "capacity": 8, "canopy": 3}, "canopy", "AMBIGUOUS"),
        ({"name": "x", "canopy": 3}, "max_depth", "REQUIRED"),
        ({"name": "x", "max_depth": 13}, "max_depth", "INVALID"),
        ({"name": "x", "max_depth": 20, "max_buffer_size": 65}, "max_buffer_size", "INVALID"),
        ({"name": "x", "max_depth": 20, "canopy": 2}, "canopy", "INVALID"),
        ({"name": "x", "schema": 3}, "schema", "INVALID_CHOICE"),
        ({"name": "x", "schema": 2, "core_collection": "0OIl"}, "core_collection", "INVALID"),
        ({"name": "x", "core_collection": "1" * 32}, "core_collection", "NOT_ALLOWED"),
        ({"name": "x" * 33}, "name", "MAX_LENGTH"),
        ({"name": "a\nb"}, "name", "INVALID"),
        ({"symbol": "X"}, "name", "REQUIRED"),
        ({"name": "x", "depth": 14}, "depth", "UNKNOWN_FIELD"),
    ],
)
def test_what_cannot_be_made_is_refused_by_field(manager, nordhav, given, field, code):
    answer = manager.post(URL, given)
    assert (answer.status_code, faults(answer)) == (400, {field: code})
    assert trees_of(nordhav) == []


def test_a_name_makes_one_tree_however_often_it_is_sent(manager, nordhav, strangers, client_of):
    assert manager.post(URL, {"name": "Oak"}).status_code == 202
    answer = manager.post(URL, {"name": "Oak"})
    assert (answer.status_code, faults(answer)) == (400, {"name": "TAKEN"})
    key = {"HTTP_IDEMPOTENCY_KEY": "elm-1"}
    first, again = (manager.post(URL, {"name": "Elm"}, **key) for _ in range(2))
    assert first.json()["data"] == again.json()["data"]
    assert len(trees_of(nordhav)) == 2
    # Another brand's names are its own.
    theirs = client_of(strangers, (Scope.TREES_MANAGE.value,))
    assert theirs.post(URL, {"name": "Oak"}).status_code == 202


def test_without_a_chain_no_tree_is_promised(manager, nordhav, settings):
    settings.SOLANA_NETWORK = ""
    answer = manager.post(URL, {"name": "Oak"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "NO_CHAIN")
    assert "SOLANA_NETWORK" in answer.json()["error"]["message"]
    assert trees_of(nordhav) == []


def test_a_leaked_key_that_mints_spends_no_rent(api, nordhav, settings):
    settings.SOLANA_NETWORK = "devchain"
    assert api.post(URL, {"name": "Oak"}).status_code == 403
    assert api.get(URL).status_code == 200
    assert trees_of(nordhav) == []


@pytest.mark.parametrize(
    ("method", "path", "present"),
    [
        ("GET", "/api/v1/collections", URL),
        ("POST", "/api/v1/collections", URL),
        ("POST", "/api/v1/collections/create", URL),
        ("POST", "/api/v1/collections/create/", URL),
        ("POST", "/collections/create", URL),
        ("GET", "/collections/create", "/collections/create"),
        ("GET", f"{URL}{ID}", f"{URL}{ID}/"),
        ("GET", "/api/v1/collections/x", "/api/v1/collections/x"),
        ("GET", "/api/v1/reconciliation/reports", "/api/v1/reconciliation/reports/"),
        ("POST", "/api/v1/reconciliation/run", "/api/v1/reconciliation/run/"),
        ("GET", "/api/v1/mint-jobs", "/api/v1/mint-jobs"),
    ],
)
def test_kept_addresses_are_ours_by_another_name(method, path, present):
    assert present_path(method, path) == present


def test_the_addresses_that_callers_know_answer_without_a_redirect(manager):
    assert manager.post("/collections/create", {"name": "Oak"}).status_code == 202
    assert manager.post("/api/v1/collections/create/", {"name": "Elm"}).status_code == 202
    listed = manager.get("/api/v1/collections?status=creating").json()["data"]
    assert [tree["name"] for tree in listed] == ["Elm", "Oak"]
    assert manager.get(f"/api/v1/collections/{listed[0]['id']}").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_what_keeps_a_tree_from_being_made_is_told(manager, nordhav):
    with acting_as("worker"), brand_scope(nordhav.brand.id):
        submission = ChainSubmission.objects.create(
            brand=nordhav.brand,
            kind="tree",
            key="tree:1",
            network="devchain",
            payload={},
            last_error="The payer has 0 lamports",
        )
    with acting_as("worker"):
        make_tree(nordhav, status=TreeStatus.CREATING, submission=submission)
        make_tree(nordhav, reserved=3, current_supply=4, trouble="Its delegate is")
    oldest, newest = (manager.get(f"{URL}{tree.pk}/").json()["data"] for tree in trees_of(nordhav))
    assert oldest["trouble"] == "The payer has 0 lamports"
    assert (newest["trouble"], newest["remaining"]) == ("Its delegate is", 25)
