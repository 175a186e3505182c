"""Proofs by the API: to members, of their own units alone, and checkable as they come."""

import json

import pytest

from minting.models import MintUnit
from minting.proofs.document import read
from minting.proofs.verification import checks_of
from tests.factories import make_world
from tests.planes import acting_as
from tests.proofs.conftest import proof_row
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db(transaction=True)


def token_of(job, ordinal: int = 1) -> str:
    with brand_scope(job.brand_id):
        return MintUnit.objects.get(batch=job.batch_id, ordinal=ordinal).token


def test_the_proof_of_a_unit_is_checked_as_it_was_answered(nordhav, proven, client_of):
    job = proven(5)
    answer = client_of(nordhav).get(f"/api/v1/mint-units/{token_of(job, 3)}/proof/")
    assert answer.status_code == 200
    checks = checks_of(read(answer.content), [proof_row(job).key])
    assert [check.passed for check in checks] == [True] * 4
    assert answer.json()["data"]["index"] == 2
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_unit_whose_batch_is_not_signed_yet_has_no_proof(nordhav, minted, client_of):
    job = minted(5)
    client = client_of(nordhav)
    answer = client.get(f"/api/v1/mint-units/{token_of(job)}/proof/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "PROOF_NOT_READY")
    state = client.get(f"/api/v1/mint-batches/{job.batch_id}/proof/").json()["data"]
    assert (state["status"], state["hashed_quantity"], state["heads"]) == ("pending", 0, [])


def test_a_batch_shows_its_roots_and_nothing_that_salts_the_leaves(nordhav, proven, client_of):
    job = proven(1_000)
    answer = client_of(nordhav).get(f"/api/v1/mint-batches/{job.batch_id}/proof/")
    state = answer.json()["data"]
    assert (state["status"], state["quantity"], state["hashed_quantity"]) == ("signed", 1000, 1000)
    assert [(head["number"], head["size"]) for head in state["heads"]] == [(1, 700), (2, 1_000)]
    assert state["heads"][-1]["root"] == state["root"]
    assert "salt" not in json.dumps(state)


def test_nobody_learns_of_another_brands_proofs(nordhav, proven, client_of):
    job = proven(2)
    token = token_of(job)
    with acting_as("web"):
        strangers = make_world("strangers")
    client = client_of(strangers)
    assert client.get(f"/api/v1/mint-units/{token}/proof/").status_code == 404
    assert client.get(f"/api/v1/mint-batches/{job.batch_id}/proof/").status_code == 404
    assert client_of(nordhav).get("/api/v1/mint-units/NOPE/proof/").status_code == 404
